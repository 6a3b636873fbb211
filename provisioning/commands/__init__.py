"""The commands of `tallylight`: one module per noun reads the options, calls a room, prints.

No decision is taken here. The noun `list` has its commands in three modules. `options` and
`measure_table` hold what several commands share. Imports every other folder; only `__main__`
imports it.
"""
