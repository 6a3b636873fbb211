"""The firewall of a camera (nftables): which packets may come in and go out, from its settings.

A new camera answers a laptop on its service links, from link-local addresses, and nothing else. A
registered camera accepts no connection. It opens connections to the broker's machine and to its
time servers, and calls a laptop on its USB link. All else is dropped, in both directions. Only
addresses open a way: where the settings name a host, that way stays closed, because a camera asks
no name server.

The rules replace the old ones in one step. Without them the rules of closed.nft stand, which the
boot loads first: they let nothing through. This module does not judge what a unit may do; its
sandbox does.
"""

import subprocess
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final

from firmware.config import Config, State
from firmware.errors import FirmwareError
from firmware.folder import Folder
from firmware.registration.kept import read_kept
from firmware.registration.listener import LINKS
from firmware.registration.settings import FOLDER
from formats.registration_cable import PORT
from formats.service_cable import LINK as SERVICE_LINK
from formats.service_cable import PORT as SERVICE_PORT

NFT: Final = ("/usr/sbin/nft", "-f", "-")
NFT_S: Final = 30.0
"""Longest time of nft; it takes milliseconds."""
TIME_PORT: Final = 123
NTS_PORT: Final = 4460
"""Where a time server proves its identity (RFC 8915)."""
SOURCES: Final = ".sources"
"""End of the names of chrony's files of time servers."""
_LIMIT: Final = 64 * 1024
_NAMES: Final = 100
_RULES: Final = """flush ruleset
table inet tallylight {{
  chain in {{
    type filter hook input priority filter; policy drop;
    iifname lo accept
    ct state established,related accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} ip6 hoplimit 255 accept
    {coming}
  }}
  chain through {{
    type filter hook forward priority filter; policy drop;
  }}
  chain out {{
    type filter hook output priority filter; policy drop;
    oifname lo accept
    ct state established,related accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report }} accept
    {going}
  }}
}}
"""


def set_firewall(config: Config, nft: Sequence[str] = NFT) -> None:
    """Put the rules of this camera in force.

    Raises:
        ForeignFile: a file of the settings is a link, a FIFO, or too large.
        FirmwareError: nft does not take the rules; the old ones stay in force.
    """
    try:
        done = subprocess.run(  # noqa: S603  # The image's own program.
            nft, input=rules(config).encode(), capture_output=True, timeout=NFT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirmwareError(
            f"{nft[0]} does not run: write the image onto the card again."
        ) from error
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise FirmwareError(
            f"nft refuses the rules of the firewall: {why[0][:200] if why else 'no reason'}."
        )


def rules(config: Config) -> str:
    """Return the rules of this camera, for `nft -f`."""
    if read_kept(config.state) is None:
        coming, going = list(_new_in()), list(_new_out())
    else:
        coming = [f'iifname "{SERVICE_LINK}" ip6 saddr fe80::/10 udp sport {SERVICE_PORT} accept']
        going = [*_registered_out(config)]
    return _RULES.format(coming="\n    ".join(coming), going="\n    ".join(going))


def _new_in() -> Iterator[str]:
    links = ", ".join(f'"{link}"' for link in LINKS)
    for kind in ("tcp", "udp"):
        yield f"iifname {{ {links} }} ip6 saddr fe80::/10 {kind} dport {PORT} accept"


def _new_out() -> Iterator[str]:
    """The answer to a question that went to all nodes is no answer to the kernel."""
    links = ", ".join(f'"{link}"' for link in LINKS)
    yield f"oifname {{ {links} }} ip6 daddr fe80::/10 udp sport {PORT} accept"


def _registered_out(config: Config) -> Iterator[str]:
    broker = (("tcp", config.broker_port), ("tcp", config.bundle_port))
    yield from _to(config.broker_host, broker)
    for server, authenticated in time_servers(config.state):
        ports = (("udp", TIME_PORT), ("tcp", NTS_PORT))
        yield from _to(server, ports if authenticated else ports[:1])
    for kind in ("tcp", "udp"):
        to = "ip6 daddr { fe80::/10, ff02::1 }"
        yield f'oifname "{SERVICE_LINK}" {to} {kind} dport {SERVICE_PORT} accept'


def _to(host: str, ports: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yield the rules for a host; none for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return
    if "%" in host:  # Any text may stand behind it.
        return
    family = "ip" if address.version == 4 else "ip6"  # noqa: PLR2004  # The protocol's number.
    for kind, port in ports:
        yield f"{family} daddr {address.compressed} {kind} dport {port} accept"


def time_servers(state: State) -> list[tuple[str, bool]]:
    """Return the time servers of chrony's settings, and whether each proves its identity by NTS."""
    found = []
    try:
        folder = Folder(state.root.resolve() / FOLDER)
    except FileNotFoundError:
        return []
    with folder:
        for name in sorted(folder.names(limit=_NAMES)):
            if not name.endswith(SOURCES):
                continue
            for line in folder.read(name, limit=_LIMIT).decode("ascii", "replace").splitlines():
                match line.split():
                    case ["server" | "pool" | "peer", host, *options]:
                        found.append((host, "nts" in options))
    return found
