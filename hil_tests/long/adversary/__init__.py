"""A courier that was taken over and a broker that lies: no event lost or doubled, no list back."""
