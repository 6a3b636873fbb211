"""Verdicts: two blind, signed verdicts decide each event; a confirmed match can be exported.

Imports `signed_site`, `store` and `errors`.
`retention`, `budget`, `monitoring` and `console` import it.
"""
