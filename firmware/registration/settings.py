"""Put broker, address and time servers of a registration into the camera's own settings.

The image is read-only, so its settings lie in the state folder, `settings/`. In `camera.toml` the
broker is replaced, and other lines stay as they are. `site.network` is read by systemd-networkd,
`site.sources` by chrony, and `courier.conf` lets the courier's sandbox reach the broker. A camera
without `camera.toml` there, as on a desk, keeps its settings.
"""

import re
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from firmware.config import State
from firmware.errors import RegistrationRefused
from firmware.folder import Folder
from formats.registration import Acceptance

FOLDER: Final = "settings"
FILE: Final = "camera.toml"
READ_BY_ALL: Final = 0o644
WIRE: Final = (
    "[Match]\nName=en* eth*\n\n[Network]\nDHCP=no\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\n"
    "LLMNR=no\nMulticastDNS=no\n"
)
"""As in the image's own settings of the wire, which these replace."""
_LIMIT: Final = 64 * 1024
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")
"""A name or an address; with a quote in it, it would be a further line of the settings."""


def refuse_odd_host(acceptance: Acceptance) -> None:
    """Raise unless the broker's host can stand in the settings.

    Raises:
        RegistrationRefused: it is no name and no address.
    """
    if not _HOST.fullmatch(acceptance.broker_host):
        raise RegistrationRefused("The broker's host is no name and no address: name another.")


def write_settings(state: State, acceptance: Acceptance, authority: Path) -> None:
    """Replace the broker in the settings.

    Args:
        state: the camera's.
        acceptance: names the broker.
        authority: where the authority's certificate lies.

    Raises:
        ForeignFile: the settings are a link, or of another kind.
    """
    lines = {
        "broker_host": f'"{acceptance.broker_host}"',
        "broker_port": str(acceptance.broker_port),
        "broker_ca": f'"{authority}"',
    }
    try:
        settings = Folder(state.root.resolve() / FOLDER)
    except FileNotFoundError:
        return
    with settings as folder:
        if folder.status(FILE) is None:
            return
        text = folder.read(FILE, limit=_LIMIT).decode()
        kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in lines]
        new = [f"{name} = {value}" for name, value in lines.items()]
        folder.replace(FILE, "\n".join([*kept, *new, ""]).encode(), mode=READ_BY_ALL)
        for name, content in _network_files(acceptance).items():
            folder.replace(name, content.encode(), mode=READ_BY_ALL)


def _network_files(acceptance: Acceptance) -> dict[str, str]:
    """Return the settings of the site's network, by file; every value in them is an IP address."""
    network = acceptance.network
    files = {}
    if network.address:
        router = f"Gateway={network.gateway}\n" if network.gateway else ""
        files["site.network"] = f"{WIRE}Address={network.address}\n{router}"
    if network.time_servers:
        servers = (f"server {server} iburst\n" for server in network.time_servers)
        files["site.sources"] = "".join(servers)
    with suppress(ValueError):  # A name: the courier's sandbox opens for addresses alone.
        broker = ip_address(acceptance.broker_host).compressed
        # The MQTT library talks to itself over the loopback.
        files["courier.conf"] = f"[Service]\nIPAddressAllow=localhost {broker}\n"
    return files
