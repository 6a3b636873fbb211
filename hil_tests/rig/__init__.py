"""Rigs: the contract that a test calls, the judgement of a run, and the back-ends.

`desk` runs the programs on this machine; `virtual` runs the camera's units under their own systemd.
Imports `scenes` and `errors`; `demo`, `long`, `screenshots` and the tests import it.
"""
