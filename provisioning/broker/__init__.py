"""The MQTT broker: certificates and revocation, configuration with its ACL, a check, and sending.

Imports `lists`, `site`, `errors` and `disk`; only `commands` imports it.
"""
