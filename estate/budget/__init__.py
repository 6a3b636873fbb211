"""The false-alarm budget: Wald's sequential test, and the signed statement that stops a camera.

Imports `verdicts` and `store`; `report` and `commands` import it.
"""
