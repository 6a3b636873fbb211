"""Memory cards: which device may be overwritten, writing, reading back, the list of cards."""
