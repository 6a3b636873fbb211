"""Accountability: ledger exports, the outsiders' verifier, answers to subject access requests.

Imports `intake`, `signed_site`, `store` and `errors`; only `commands` imports it.
`verify` is a program of its own in one file: it imports nothing of this project.
"""
