"""The health of receiver, cameras and certificates, for the health view and for Prometheus.

Imports `verdicts`, `intake`, `signed_site` and `store`; only `commands` imports it.
"""
