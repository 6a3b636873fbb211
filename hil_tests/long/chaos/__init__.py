"""Chaos: random faults between real programs and a real broker; no event may be lost or doubled."""
