"""What the estate's MQTT broker and its clients need: certificates, access rules, configuration.

TLS 1.3 with a certificate on both sides and nothing else: no password, no anonymous client. The
name in a client's certificate is its user name and its client id, so a camera can write to its own
topics and to nobody else's. What was issued once is kept; whoever was revoked stands in the
revocation list. mosquitto reads list and access rules anew when it is sent SIGHUP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from formats.camera_request import read_request
from formats.signer import Ed25519Signer
from formats.topics import Channel, every_camera
from provisioning.broker.certificates import (
    Authority,
    Ed25519Elsewhere,
    private_pem,
    requested_key,
    revoke,
)
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site

RECEIVER: Final = "receiver"
"""Receives events and answers; more of them are `receiver-2` and so on."""
PUBLISHER: Final = "publisher"
"""Sends the site's signed repository to the cameras, and does nothing else."""
AUDITOR: Final = "auditor"
"""Only reads, and reads everything."""
MESSAGE_LIMIT: Final = 2 * 1024 * 1024
"""Longest message in bytes: a sealed list of 10,000 entries is the longest by far."""

REVOKED_PROBE: Final = "revoked-probe"
"""A client that was revoked as soon as it was issued: `broker check` sees whether it is refused."""
AUTHORITY_FILE: Final = "ca.pem"
RENEW: Final = timedelta(days=60)
"""A certificate that ends within this time is issued anew."""
DROP_IN: Final = "systemd/tallylight.conf"
COURIER_DROP_IN: Final = "systemd/tallylight-courier.conf"
_REVOKED: Final = "crl.pem"


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, and as whom it runs."""

    hosts: Sequence[str]
    """Names and addresses under which clients reach it."""
    bind: str
    port: int
    user: str
    """The broker gives up root for this user."""
    receivers: int = 1
    """Receivers that share the work, from 1."""

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the clients that are no cameras."""
        more = (f"{RECEIVER}-{number}" for number in range(2, self.receivers + 1))
        return (RECEIVER, *more, PUBLISHER, AUDITOR)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of the hosts that are addresses: a camera's courier may speak to no other."""
        return tuple(host for host in self.hosts if _is_address(host))


def configure(site: Site, authority_key: Ed25519Signer, listener: Listener, now: datetime) -> Path:
    """Make or complete the broker's folder: every camera of the policy has its certificate then.

    Raises:
        BrokerRefused: a camera's certificate request cannot be served.
        OSError: a camera's request is missing from the folder.
    """
    authority = _authority(site, authority_key, now)
    files = _kept(site)
    files.setdefault(AUTHORITY_FILE, authority.own())
    files.setdefault(_REVOKED, authority.revocations(()))
    key = Ed25519PrivateKey.generate()
    files["server.pem"] = authority.server(listener.hosts, key.public_key())
    files["server.key"] = private_pem(key)
    for service in (*listener.services, REVOKED_PROBE):
        if _is_due(files.get(f"clients/{service}.pem"), now):
            key = Ed25519PrivateKey.generate()
            files[f"clients/{service}.pem"] = authority.client(service, key.public_key())
            files[f"clients/{service}.key"] = private_pem(key)
            if service == REVOKED_PROBE:
                _revoke(files, authority, files[f"clients/{service}.pem"])
    for place in site.policy.places:
        name = place.camera.camera_id.hex()
        if _is_due(files.get(f"clients/{name}.pem"), now):
            request = read_request((site.cameras / f"{name}.json").read_bytes())
            files[f"clients/{name}.pem"] = authority.client(name, requested_key(request.csr))
    files["acl"] = _access_rules(listener).encode()
    files["mosquitto.conf"] = _configuration(site, listener).encode()
    files[DROP_IN] = _drop_in(site).encode()
    files[COURIER_DROP_IN] = _courier_drop_in(listener).encode()
    _write(site, files)
    site.broker_state.mkdir(mode=0o700, exist_ok=True)
    return site.broker


def revoke_client(site: Site, authority_key: Ed25519Signer, name: str, now: datetime) -> None:
    """Let the broker refuse a client from its next SIGHUP on.

    Raises:
        BrokerRefused: no certificate was issued to such a client.
    """
    files = _kept(site)
    certificate = files.pop(f"clients/{name}.pem", None)
    if certificate is None:
        raise BrokerRefused(f"No certificate was issued to {name}.")
    files.pop(f"clients/{name}.key", None)
    _revoke(files, _authority(site, authority_key, now), certificate)
    _write(site, files)


def _is_address(host: str) -> bool:
    """Whether systemd takes it in IPAddressAllow=: no name, and no address of one link (%eth0)."""
    if "%" in host:
        return False
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _revoke(files: dict[str, bytes], authority: Authority, certificate: bytes) -> None:
    revoked = [*x509.load_pem_x509_crl(files[_REVOKED]), revoke(certificate, authority.now)]
    files[_REVOKED] = authority.revocations(revoked)


def _is_due(certificate: bytes | None, now: datetime) -> bool:
    """Whether a certificate is missing or ends soon."""
    if certificate is None:
        return True
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc < now + RENEW


def _authority(site: Site, key: Ed25519Signer, now: datetime) -> Authority:
    return Authority(Ed25519Elsewhere(key), f"Tallylight {site.policy.site}", now)


def _kept(site: Site) -> dict[str, bytes]:
    """Everything in the broker's folder, by relative name."""
    paths = [path for path in site.broker.rglob("*") if path.is_file()]
    return {path.relative_to(site.broker).as_posix(): path.read_bytes() for path in paths}


def _write(site: Site, files: Mapping[str, bytes]) -> None:
    with whole_folder(site.broker) as part:
        (part / "clients").mkdir()
        (part / DROP_IN).parent.mkdir()
        for name, content in files.items():
            write_whole(part / name, content)


def _access_rules(listener: Listener) -> str:
    """What each client may do; whatever is not said here is denied."""
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
            "topic read #",  # So that whatever else were ever sent would be seen, too.
            "# %u is the name in the client's certificate: a camera has its own topics only.",
            f"pattern write {own[0]}",
            f"pattern write {own[1]}",
            f"pattern read {own[2]}",
            f"pattern read {own[3]}",
            "",
        ]
    )


def _configuration(site: Site, listener: Listener) -> str:
    folder, state = site.broker.resolve(), site.broker_state.resolve()
    return f"""\
# Written by tallylight broker config. Start with: mosquitto -c {folder / "mosquitto.conf"}
user {listener.user}
listener {listener.port} {listener.bind}
allow_anonymous false
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.3
cafile {folder / AUTHORITY_FILE}
crlfile {folder / _REVOKED}
certfile {folder / "server.pem"}
keyfile {folder / "server.key"}
acl_file {folder / "acl"}
persistence true
persistence_location {state}/
max_keepalive 120
message_size_limit {MESSAGE_LIMIT}
log_dest stderr
"""


def _courier_drop_in(listener: Listener) -> str:
    return f"""\
# Written by tallylight broker config. Install on each camera as
#   /etc/systemd/system/tallylight-courier.service.d/broker.conf
# The unit denies every address; the courier may speak to the broker, and to the camera's own
# resolver of names, which is on the loopback.
[Service]
IPAddressAllow={" ".join(("localhost", *listener.addresses))}
"""


def _drop_in(site: Site) -> str:
    folder, state = site.broker.resolve(), site.broker_state.resolve()
    return f"""\
# Written by tallylight broker config. Install with:
#   install -D -m 644 {folder / DROP_IN} /etc/systemd/system/mosquitto.service.d/tallylight.conf
#   systemctl daemon-reload && systemctl restart mosquitto
[Service]
ExecStart=
ExecStart=/usr/sbin/mosquitto -c {folder / "mosquitto.conf"}
Restart=always
RestartSec=1
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths={state} /run /var/log
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
