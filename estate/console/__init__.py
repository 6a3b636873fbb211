"""The review console: one reviewer's web page on the reviewer's own machine.

Imports `accounts`, `opening`, `verdicts`, `retention`, `intake`, `signed_site`, `store` and
`errors`; only `commands` imports it.
"""
