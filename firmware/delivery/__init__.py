"""Delivery: the outbox, the receipts and the inbox on disk, between `watch` and `courier`."""
