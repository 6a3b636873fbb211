"""Write the MQTT broker's folder: certificates, ACL, revocation list, mosquitto.conf, drop-ins.

The broker accepts TLS 1.3 with a certificate on both sides only: no password, no anonymous client.
The name in a client's certificate is its user name and its client id. So a camera can write to its
own topics and to no other camera's. A certificate is issued once and kept until it ends soon. A
revoked certificate stays in the revocation list. mosquitto reads revocation list and ACL again on
SIGHUP; nothing here sends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from formats.camera_request import read_request
from formats.signer import Ed25519Signer
from formats.topics import Channel, every_camera
from provisioning.broker.addresses import is_address, refuse_bind, refuse_host, refuse_user
from provisioning.broker.certificates import (
    Authority,
    Ed25519SigningAdapter,
    private_pem,
    requested_key,
    revocation_entry,
)
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site

RECEIVER: Final = "receiver"
"""Client that receives events and sends receipts; further ones are `receiver-2` and so on."""
PUBLISHER: Final = "publisher"
"""Client that sends the site's signed repository to the cameras, and does nothing else."""
AUDITOR: Final = "auditor"
"""Client that reads every topic and writes to none."""
MESSAGE_LIMIT: Final = 2 * 1024 * 1024
"""Longest message in bytes: a sealed list of 10,000 entries is the longest by far."""

REVOKED_PROBE: Final = "revoked-probe"
"""Client that was revoked as soon as it was issued: `broker check` tests that it is refused."""
AUTHORITY_FILE: Final = "ca.pem"
RENEW_BEFORE_END: Final = timedelta(days=60)
"""A certificate that ends within this time is issued anew."""
DROP_IN: Final = "systemd/tallylight.conf"
COURIER_DROP_IN: Final = "systemd/tallylight-courier.conf"
_REVOKED: Final = "crl.pem"


@dataclass(frozen=True, slots=True)
class Listener:
    """Address and port of the broker, and the user of its process."""

    hosts: Sequence[str]
    """Names and addresses under which clients reach it."""
    bind: str
    port: int
    user: str
    """mosquitto changes from root to this user."""
    receivers: int = 1
    """How many receivers share the work, from 1."""

    def __post_init__(self) -> None:
        for host in self.hosts:
            refuse_host(host)
        refuse_bind(self.bind)
        refuse_user(self.user)

    @property
    def services(self) -> tuple[str, ...]:
        """Return the names of the clients that are not cameras."""
        more = (f"{RECEIVER}-{number}" for number in range(2, self.receivers + 1))
        return (RECEIVER, *more, PUBLISHER, AUDITOR)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the IP addresses among the hosts: a camera's courier can connect to these only."""
        return tuple(host for host in self.hosts if is_address(host))


def configure(site: Site, authority_key: Ed25519Signer, listener: Listener, now: datetime) -> Path:
    """Make or complete the broker's folder, with a certificate for every camera of the policy.

    Raises:
        BrokerRefused: a camera's certificate request is broken, or its key is of another kind.
        OSError: a camera's request is missing from the folder.
    """
    authority = authority_of(site, authority_key, now)
    files = _stored_files(site)
    files.setdefault(AUTHORITY_FILE, authority.authority_certificate())
    files.setdefault(_REVOKED, authority.revocation_list(()))
    key = Ed25519PrivateKey.generate()
    files["server.pem"] = authority.server_certificate(listener.hosts, key.public_key())
    files["server.key"] = private_pem(key)
    _issue_services(files, authority, listener)
    _issue_cameras(files, authority, site)
    files["acl"] = _access_rules(listener).encode()
    files["mosquitto.conf"] = _configuration(site, listener).encode()
    files[DROP_IN] = _drop_in(site).encode()
    files[COURIER_DROP_IN] = _courier_drop_in(listener).encode()
    _write(site, files)
    site.broker_state.mkdir(mode=0o700, exist_ok=True)
    return site.broker


def revoke_client(site: Site, authority_key: Ed25519Signer, name: str, now: datetime) -> None:
    """Revoke a client's certificate; the broker refuses it from its next SIGHUP on.

    Raises:
        BrokerRefused: no certificate was issued to such a client.
    """
    files = _stored_files(site)
    certificate = files.pop(f"clients/{name}.pem", None)
    if certificate is None:
        raise BrokerRefused(
            f"No certificate was issued to {name}: name a client of the folder broker/clients."
        )
    files.pop(f"clients/{name}.key", None)
    _revoke(files, authority_of(site, authority_key, now), certificate)
    _write(site, files)


def authority_of(site: Site, key: Ed25519Signer, now: datetime) -> Authority:
    """Return the certificate authority of a site's broker."""
    return Authority(Ed25519SigningAdapter(key), f"Tallylight {site.policy.site}", now)


def client_files(site: Site, name: str) -> tuple[Path, Path]:
    """Return the files of a client's certificate and private key; either may be missing."""
    clients = site.broker / "clients"
    return clients / f"{name}.pem", clients / f"{name}.key"


def _issue_services(files: dict[str, bytes], authority: Authority, listener: Listener) -> None:
    for service in (*listener.services, REVOKED_PROBE):
        if _must_be_issued(files.get(f"clients/{service}.pem"), authority.now):
            key = Ed25519PrivateKey.generate()
            certificate = authority.client_certificate(service, key.public_key())
            files[f"clients/{service}.pem"] = certificate
            files[f"clients/{service}.key"] = private_pem(key)
            if service == REVOKED_PROBE:
                _revoke(files, authority, certificate)


def _issue_cameras(files: dict[str, bytes], authority: Authority, site: Site) -> None:
    for place in site.policy.places:
        name = place.camera.camera_id.hex()
        if _must_be_issued(files.get(f"clients/{name}.pem"), authority.now):
            request = read_request((site.cameras / f"{name}.json").read_bytes())
            key = requested_key(request.csr)
            files[f"clients/{name}.pem"] = authority.client_certificate(name, key)


def _revoke(files: dict[str, bytes], authority: Authority, certificate: bytes) -> None:
    before = x509.load_pem_x509_crl(files[_REVOKED])
    revoked = [*before, revocation_entry(certificate, authority.now)]
    files[_REVOKED] = authority.revocation_list(revoked)


def _must_be_issued(certificate: bytes | None, now: datetime) -> bool:
    """Return whether a certificate is missing or ends soon."""
    if certificate is None:
        return True
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    return end < now + RENEW_BEFORE_END


def _stored_files(site: Site) -> dict[str, bytes]:
    """Return every file in the broker's folder, by relative name."""
    paths = [path for path in site.broker.rglob("*") if path.is_file()]
    return {path.relative_to(site.broker).as_posix(): path.read_bytes() for path in paths}


def _write(site: Site, files: Mapping[str, bytes]) -> None:
    with atomic_folder(site.broker) as part:
        (part / "clients").mkdir()
        (part / DROP_IN).parent.mkdir()
        for name, content in files.items():
            write_atomically(part / name, content)


def _access_rules(listener: Listener) -> str:
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
# Without this a receipt waits for the TCP acknowledgement of the packet before it: about 44 ms.
set_tcp_nodelay true
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
