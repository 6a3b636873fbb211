"""A memory stick between the machines of desk, holders and organisations: give and take.

Imports `lists`, `site`, `foreign_file`, `errors` and `disk`; only `commands` imports it.
"""
