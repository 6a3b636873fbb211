"""The lamp guard: the program that owns the lamp, and the pure state machine that it turns.

Imports `hardware`, `record`, `identity`, `config` and `errors`.
Only `__main__` imports it.
"""
