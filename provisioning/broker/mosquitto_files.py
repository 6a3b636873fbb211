"""The texts of the broker's folder: mosquitto.conf, ACL, systemd drop-ins, install script; its tar.

Every path in them is of the broker's own machine (`Listener.at`). Nothing here is written to a
disk, and no key is made here.
"""

import shlex
import tarfile
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from formats.topics import Channel, every_camera
from provisioning.broker.listener import AUDITOR, PUBLISHER, RECEIVER, Listener

MESSAGE_LIMIT: Final = 2 * 1024 * 1024
"""Longest message in bytes: a sealed list of 10,000 entries is the longest by far."""
AUTHORITY_FILE: Final = "ca.pem"
REVOKED_FILE: Final = "crl.pem"
SERVER_FILE: Final = "server.pem"
ACL_FILE: Final = "acl"
CONFIGURATION_FILE: Final = "mosquitto.conf"
DROP_IN: Final = "systemd/tallylight.conf"
COURIER_DROP_IN: Final = "systemd/tallylight-courier.conf"
BUNDLE_SERVER_FILE: Final = "bundles.nginx.conf"
BUNDLE_FOLDER: Final = "/var/lib/tallylight-bundles"
"""Folder on the broker's machine, for what `tallylight update offer --to` wrote."""
INSTALL_FILE: Final = "install"
ARCHIVE_FILE: Final = "broker.tar"
_ARCHIVED: Final = (
    *(AUTHORITY_FILE, REVOKED_FILE, SERVER_FILE, "server.key", ACL_FILE, CONFIGURATION_FILE),
    *(DROP_IN, BUNDLE_SERVER_FILE, INSTALL_FILE),
)
_ELSEWHERE: Final = {DROP_IN, BUNDLE_SERVER_FILE, INSTALL_FILE}
"""Files that do not belong into the broker's folder on its machine."""
_TOP: Final = "tallylight"
"""Folder in the archive."""


def access_rules(listener: Listener) -> str:
    """Return the ACL: the topics of each client. mosquitto denies every other topic."""
    events, status, receipts, sites = (
        every_camera(channel)
        for channel in (Channel.EVENT, Channel.STATUS, Channel.RECEIPT, Channel.SITE)
    )
    own = [topic.replace("+", "%u") for topic in (events, status, receipts, sites)]
    allowed = (
        f"topic read {events}",
        f"topic read {status}",
        f"topic write {receipts}",
    )
    receivers = [name for name in listener.services if name.startswith(RECEIVER)]
    return "\n".join(
        [
            "# Written by tallylight broker config.",
            *(line for name in receivers for line in (f"user {name}", *allowed)),
            f"user {PUBLISHER}",
            f"topic write {sites}",
            f"user {AUDITOR}",
            "topic read #",  # The auditor also sees topics that no other rule names.
            "# %u is the name in the client's certificate: a camera has its own topics only.",
            f"pattern write {own[0]}",
            f"pattern write {own[1]}",
            f"pattern read {own[2]}",
            f"pattern read {own[3]}",
            "",
        ]
    )


def mosquitto_configuration(listener: Listener) -> str:
    """Return `mosquitto.conf`, with every path as on the broker's machine."""
    return f"""\
# Written by tallylight broker config. Start with: mosquitto -c {listener.at / CONFIGURATION_FILE}
user {listener.user}
listener {listener.port} {listener.bind}
allow_anonymous false
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.3
cafile {listener.at / AUTHORITY_FILE}
crlfile {listener.at / REVOKED_FILE}
certfile {listener.at / SERVER_FILE}
keyfile {listener.at / "server.key"}
acl_file {listener.at / ACL_FILE}
persistence true
persistence_location {listener.state}/
max_keepalive 120
# Without this a receipt waits for the TCP acknowledgement of the packet before it: about 44 ms.
set_tcp_nodelay true
# mosquitto's log recommends max_packet_size in its place. Nothing needs to be changed.
message_size_limit {MESSAGE_LIMIT}
log_dest stderr
"""


def courier_drop_in(listener: Listener) -> str:
    """Return the drop-in that lets a camera's courier speak to the broker and to no one else."""
    return f"""\
# Written by tallylight broker config. Install on each camera as
#   /etc/systemd/system/tallylight-courier.service.d/broker.conf
# The unit denies every address; the courier may speak to the broker, and to the camera's own
# resolver of names, which is on the loopback.
[Service]
IPAddressAllow={" ".join(("localhost", *listener.addresses))}
"""


def broker_drop_in(listener: Listener) -> str:
    """Return the drop-in that starts Debian's mosquitto with these files, in a sandbox."""
    started = _systemd_word(listener.at / CONFIGURATION_FILE).replace("$", "$$")
    return f"""\
# Written by tallylight broker config. The script `install` beside it puts it into its place.
[Service]
ExecStart=
ExecStart=/usr/sbin/mosquitto -c {started}
Restart=always
RestartSec=1
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths={_systemd_word(listener.state)} /run /var/log
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_CHOWN CAP_DAC_OVERRIDE
LimitCORE=0
MemorySwapMax=0
"""


def _systemd_word(path: PurePosixPath) -> str:
    """Return a path as one word of a unit file, also with blanks in it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def install_script(listener: Listener) -> str:
    """Return the shell script that installs these files on a Debian machine and starts the broker.

    With DESTDIR in its environment it only puts the files below that folder, as packagers expect.
    """
    files = " ".join(name for name in _ARCHIVED if name not in _ELSEWHERE)
    at, state, user = (
        shlex.quote(str(each)) for each in (listener.at, listener.state, listener.user)
    )
    return f"""\
#!/bin/sh
# Written by tallylight broker config. Run it as root on the broker's machine; again after changes.
set -eu
cd "$(dirname "$0")"
root=${{DESTDIR:-}}
at={at}
if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
    echo "Run this as root, for example with sudo: nothing was changed." >&2
    exit 1
fi
if [ -z "$root" ] && ! [ -x /usr/sbin/mosquitto ]; then
    apt-get update
    apt-get install --yes mosquitto
fi
install -d -m 750 "$root$at"
install -m 640 {files} "$root$at"
install -D -m 644 {DROP_IN} \\
    "$root/etc/systemd/system/mosquitto.service.d/tallylight.conf"
# Where nginx is installed, it serves update bundles.
bundles=no
if [ -d "$root/etc/nginx/conf.d" ]; then
    install -m 644 {BUNDLE_SERVER_FILE} "$root/etc/nginx/conf.d/tallylight.conf"
    install -d -m 755 "$root{BUNDLE_FOLDER}"
    bundles=yes
fi
[ -z "$root" ] || exit 0
chown -R root:{user} "$at"
install -d -o {user} {state}
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable mosquitto
    systemctl restart mosquitto
    [ $bundles = no ] || systemctl reload-or-restart nginx
else
    echo "Start the broker with: mosquitto -c $at/{CONFIGURATION_FILE}"
fi
echo "The files are installed. Remove $PWD and {ARCHIVE_FILE}: they hold the broker's key."
"""


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of what the broker's machine needs: no client's key."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in _ARCHIVED:
            member = tarfile.TarInfo(f"{_TOP}/{name}")
            member.size, member.mtime = len(files[name]), int(time.time())
            member.mode = 0o700 if name == INSTALL_FILE else 0o600
            tar.addfile(member, BytesIO(files[name]))
    return written.getvalue()
