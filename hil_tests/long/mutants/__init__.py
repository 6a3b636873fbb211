"""Mutation testing: break one guarded line in a copy of this tree, and see that its test fails.

Imports nothing of the other rooms; `make mutants` starts it, and only its test imports it.
"""
