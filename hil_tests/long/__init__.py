"""Long runs: chaos between the programs, crowds in front of the camera, and a soak of the lamp.

Imports `demo`, `rig`, `scenes` and `errors`; only the tests import it.
"""
