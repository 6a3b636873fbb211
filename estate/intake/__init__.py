"""Intake: the MQTT receiver, the check of each camera's chain of events, and cameras' statuses.

Imports `store` and `errors`; every folder above may import it.
"""
