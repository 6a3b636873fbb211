"""Verdicts: two blind, signed decisions for each event, and the export of a confirmed match.

Imports `signed_site`, `store` and `errors`.
`retention`, `budget`, `monitoring` and `console` import it.
"""
