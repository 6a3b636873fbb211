"""Registering this camera over its cable: session, board, cable; and the record that it keeps.

Imported by: `firmware.__main__` (the program `register`), `firmware.firewall`, and for the record
alone `firmware.assembly` and `firmware.doctor`. Imports: `firmware.identity`,
`firmware.guard.blinks`, `formats`.
"""
