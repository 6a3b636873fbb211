"""The public transparency report of a period, from the ledgers alone.

Imports only `budget`; only `commands` imports it.
"""
