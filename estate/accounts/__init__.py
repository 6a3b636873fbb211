"""Accountability: exports of ledgers and matches, the outsiders' verifier, subject access.

Imports `verdicts`, `opening`, `intake`, `signed_site`, `store` and `errors`; `console` and
`commands` import it.
`verify` is a program of its own in one file: it imports nothing of this project.
"""
