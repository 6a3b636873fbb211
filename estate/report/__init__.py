"""The public transparency report of a period, from the ledgers alone.

Imports `budget`, `store` and `errors`; only `commands` imports it.
"""
