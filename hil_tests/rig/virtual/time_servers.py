"""Time servers of the virtual camera: chrony with an NTS server of the rig, or with plain NTP.

Both run inside the camera, on its loopback. Neither sets a clock (`chronyd -x`): the virtual camera
has the clock of this machine. Nothing here starts at boot; a test starts what it needs.
"""

import subprocess
from pathlib import Path
from typing import Final

SERVER: Final = "rig-time-server.service"
CLIENT: Final = "chrony.service"
"""Debian's own unit of chrony, with the rig's settings."""
FOLDER: Final = Path("/etc/chrony")
NTS: Final = FOLDER / "nts.conf"
PLAIN: Final = FOLDER / "plain.conf"
CHOSEN: Final = Path("/run/chrony.conf")
"""The settings that chrony reads: a copy of one of the two."""
_PORT: Final = 11123
_NTS_PORT: Final = 11460
_SERVER_CONF: Final = f"""local stratum 1
allow 127.0.0.1
port {_PORT}
ntsport {_NTS_PORT}
ntsserverkey {FOLDER}/server.key
ntsservercert {FOLDER}/server.crt
cmdport 0
bindcmdaddress /
pidfile /run/rig-time-server/chronyd.pid
"""
_CLIENT_CONF: Final = f"""server localhost port {_PORT} iburst minpoll 0 maxpoll 2 %s
port 0
cmdport 0
"""
_SERVER_UNIT: Final = f"""[Service]
RuntimeDirectory=rig-time-server
ExecStart=/usr/sbin/chronyd -x -d -u root -f {FOLDER}/server.conf
"""
_CLIENT_DROP_IN: Final = f"""[Unit]
ConditionCapability=
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd -x -f {CHOSEN}
"""


def write_time_servers(over: Path) -> None:
    """Write settings, units and the server's certificate into the overlay at `over`."""
    folder, system = over / FOLDER.relative_to("/"), over / "etc/systemd/system"
    (system / f"{CLIENT}.d").mkdir(parents=True)
    folder.mkdir(parents=True)
    trusted = f"nts ntsport {_NTS_PORT}\nntstrustedcerts {FOLDER}/server.crt"
    contents = {
        folder / "server.conf": _SERVER_CONF,
        folder / NTS.name: _CLIENT_CONF % trusted,
        folder / PLAIN.name: _CLIENT_CONF % "",
        system / SERVER: _SERVER_UNIT,
        system / f"{CLIENT}.d" / "rig.conf": _CLIENT_DROP_IN,
    }
    for path, content in contents.items():
        path.write_text(content, encoding="utf-8")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    make += ["-nodes", "-days", "30", "-subj", "/CN=localhost"]
    make += ["-addext", "subjectAltName=DNS:localhost"]
    make += ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")]
    subprocess.run(make, check=True, capture_output=True)
    for path in folder.iterdir():
        path.chmod(0o644)  # The key proves a server of the rig only.
