"""The MQTT broker: its certificates, its configuration with the access rules, a check, and sending.

Imports `lists`, `site`, `errors` and `disk`; only `commands` imports it.
"""
