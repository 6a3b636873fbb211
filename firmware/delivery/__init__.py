"""How a sealed event reaches the estate: the outbox on disk and the uplink to the broker."""
