"""Intake: the MQTT receiver, gaps and forks in cameras' chains of events, cameras' statuses.

Imports `store` and `errors`; every folder above may import it.
"""
