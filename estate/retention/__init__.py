"""Retention: destruction of events that are due, holds that delay it, and backups.

Imports `verdicts`, `intake`, `signed_site`, `store` and `errors`.
`console` and `commands` import it.
"""
