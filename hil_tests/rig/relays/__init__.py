"""The relays back-end: a real camera behind a rig with relays. No such rig is configured yet.

`hil_tests/rig/limits.py` holds its place in the table of what back-ends cannot do.
"""
