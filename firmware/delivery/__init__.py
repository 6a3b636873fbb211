"""Delivery: the outbox and inbox on disk, between `watch` and `courier`."""
