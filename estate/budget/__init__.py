"""The budget of false alarms: the sequential test, and the signed statement that stops a camera.

Imports `verdicts` and `store`; `report` and `commands` import it.
"""
