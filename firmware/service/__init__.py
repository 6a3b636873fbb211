"""The service cable: a registered camera calls the laptop that is plugged into its USB socket.

Imported by: `firmware.__main__` (the program `service`). Imports: `firmware.registration` (the
record that names the installer), `supervisor`, `config`, `errors`, `formats`. It has no key, no
camera, no lamp line and no other network than one link.
"""
