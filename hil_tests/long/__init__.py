"""Long runs: adversaries, chaos, crowds in front of the camera, a soak of the lamp, and mutants.

Imports `demo`, `rig`, `scenes` and `errors`; only the tests import it.
"""
