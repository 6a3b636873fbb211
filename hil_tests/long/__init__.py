"""Long runs: adversaries, chaos, crowds, an installer's day, a soak of the lamp, and mutants.

Imports `demo`, `rig`, `scenes` and `errors`; only the tests import it.
"""
