"""Monitoring: the health of receiver, cameras, list and certificates, as a page and as metrics.

Imports `verdicts`, `intake`, `signed_site` and `store`; only `commands` imports it.
"""
