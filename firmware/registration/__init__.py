"""Registering this camera over its cable: session, board, cable; and the record that it keeps.

Imported by: `firmware.__main__` (the program `register`), `firmware.assembly` and `firmware.doctor`
(the record alone). Imports: `firmware.identity`, `firmware.guard.blinks`, `formats`.
"""
