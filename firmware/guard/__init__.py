"""The lamp guard: the program that owns the lamp, and its state machine.

Imports `hardware`, `record`, `identity`, `config` and `errors`.
Only `__main__` imports it.
"""
