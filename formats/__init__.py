"""What crosses between the programs: every byte layout, every signature, every strict reader.

The camera, the installers and the estate import this package and never each other. It reads no
file and opens no socket: bytes go in, frozen values come out, or an error from `formats.errors`
says why not.
"""
