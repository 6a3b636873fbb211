"""Write the MQTT broker's folder: certificates, ACL, revocation list, mosquitto.conf, drop-ins.

The broker accepts TLS 1.3 with a certificate on both sides only: no password, no anonymous client.
The name in a client's certificate is its user name and its client id. So a camera can write to its
own topics and to no other camera's. A certificate is issued once and kept until it ends soon. A
revoked certificate stays in the revocation list, and a revoked camera gets no new certificate until
it is registered again. With a new authority key every certificate is issued anew. With each
revocation the certificate of the probe is replaced and revoked, too, so that `broker check` sees
whether the broker has the newest revocation list.

Every path in the files is of the broker's own machine. `broker.tar` holds what that machine needs,
and a script that installs it and starts mosquitto again. SIGHUP would do for the files, and would
leave the open connections of a revoked client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from formats.camera_request import Request, read_request
from formats.errors import FormatError
from formats.signer import Ed25519Signer
from provisioning.broker.bundle_server import bundle_server
from provisioning.broker.certificates import (
    Authority,
    Ed25519SigningAdapter,
    private_pem,
    requested_key,
    revocation_entry,
)
from provisioning.broker.listener import (
    FIRST_LISTENER,
    Listener,
    read_listener,
    write_listener,
)
from provisioning.broker.mosquitto_files import (
    ACL_FILE,
    ARCHIVE_FILE,
    AUTHORITY_FILE,
    BUNDLE_SERVER_FILE,
    CONFIGURATION_FILE,
    COURIER_DROP_IN,
    DROP_IN,
    INSTALL_FILE,
    REVOKED_FILE,
    SERVER_FILE,
    access_rules,
    archive,
    broker_drop_in,
    courier_drop_in,
    install_script,
    mosquitto_configuration,
)
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site

REVOKED_PROBE: Final = "revoked-probe"
"""Client that was revoked as soon as it was issued, anew with each revocation: `broker check` tests
that the broker refuses it."""
_BEGINNING: Final = 4
"""Fewest letters of a client's name that name it."""
LISTENER_FILE: Final = "listener.json"
"""The options of the last `broker config`, for the next."""
RENEW_BEFORE_END: Final = timedelta(days=60)
"""A certificate that ends within this time is issued anew."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A certificate that `configure` will issue: to which client, what for, and why now."""

    client: str
    purpose: str
    """The camera's place, the broker's names, or what the service does."""
    why: str


def last_listener(site: Site) -> Listener:
    """Return the listener of the last `configure`, or what a first one begins with.

    Raises:
        BrokerRefused: the file that holds it is broken.
    """
    try:
        return read_listener((site.broker / LISTENER_FILE).read_bytes())
    except FileNotFoundError:
        return FIRST_LISTENER


def planned(
    site: Site, authority_key: Ed25519Signer, listener: Listener, now: datetime
) -> list[Planned]:
    """Return the certificates that `configure` will issue, in order; it issues no other."""
    authority = authority_of(site, authority_key, now)
    files = _stored_files(site)
    found: list[Planned] = []
    if not is_of(authority, files.get(AUTHORITY_FILE)):
        files = {}
        found.append(Planned("authority", f"the broker of {site.policy.site}", "a new key"))
    hosts = ", ".join(listener.hosts)
    found.append(Planned("broker", hosts, "a new key each time"))
    named = dict.fromkeys((*listener.services, REVOKED_PROBE), "a service of the estate")
    named[REVOKED_PROBE] = "broker check: revoked at once"
    revoked = site.withdrawn_cameras()
    for place in site.policy.places:
        name = place.camera.camera_id.hex()
        if name not in revoked:
            named[name] = place.place
    for name, purpose in named.items():
        before = files.get(f"clients/{name}.pem")
        if _must_be_issued(before, now):
            found.append(Planned(name, purpose, "ends soon" if before else "new"))
    return found


def configure(site: Site, authority_key: Ed25519Signer, listener: Listener, now: datetime) -> Path:
    """Make or complete the broker's folder, with a certificate for every camera of the policy.

    Raises:
        BrokerRefused: a camera's certificate request is broken, or its key is of another kind.
            The request of a camera that was not revoked is missing.
    """
    authority = authority_of(site, authority_key, now)
    files = _stored_files(site)
    if not is_of(authority, files.get(AUTHORITY_FILE)):
        files = {}  # Another authority's certificates do not verify any more.
    files.setdefault(AUTHORITY_FILE, authority.authority_certificate())
    files.setdefault(REVOKED_FILE, authority.revocation_list(()))
    key = Ed25519PrivateKey.generate()
    files[SERVER_FILE] = authority.server_certificate(listener.hosts, key.public_key())
    files["server.key"] = private_pem(key)
    _issue_services(files, authority, listener)
    _issue_cameras(files, authority, site)
    files[LISTENER_FILE] = write_listener(listener)
    files[ACL_FILE] = access_rules(listener).encode()
    files[CONFIGURATION_FILE] = mosquitto_configuration(listener).encode()
    files[DROP_IN] = broker_drop_in(listener).encode()
    files[COURIER_DROP_IN] = courier_drop_in(listener).encode()
    files[BUNDLE_SERVER_FILE] = bundle_server(listener).encode()
    files[INSTALL_FILE] = install_script(listener).encode()
    _write(site, files)
    return site.broker


def find_client(site: Site, beginning: str) -> str:
    """Return the client that has this name, or whose name alone begins so, as a camera's id does.

    Raises:
        BrokerRefused: no certificate was issued to such a client, or to more than one.
    """
    names = [path.stem for path in (site.broker / "clients").glob("*.pem")]
    if beginning in names:
        return beginning
    found = [name for name in names if name.startswith(beginning)]
    if len(beginning) < _BEGINNING or len(found) != 1:
        raise BrokerRefused(
            f"No certificate was issued to {beginning}, or more than one: name a client of the "
            "folder broker/clients, or the first digits of a camera's id."
        )
    return found[0]


def revoke_client(site: Site, authority_key: Ed25519Signer, name: str, now: datetime) -> None:
    """Revoke a client's certificate; the broker refuses it once it runs with the new files."""
    files, authority = _stored_files(site), authority_of(site, authority_key, now)
    certificate = files.pop(f"clients/{name}.pem")
    files.pop(f"clients/{name}.key", None)
    site.withdraw_request(name)  # First: without its request it gets no other certificate.
    _revoke(files, authority, certificate)
    _issue_service(files, authority, REVOKED_PROBE)
    _write(site, files)


def authority_of(site: Site, key: Ed25519Signer, now: datetime) -> Authority:
    """Return the certificate authority of a site's broker."""
    return Authority(Ed25519SigningAdapter(key), f"Tallylight {site.policy.site}", now)


def is_of(authority: Authority, certificate: bytes | None) -> bool:
    """Return whether the authority's stored certificate is of its key."""
    if certificate is None:
        return False
    return x509.load_pem_x509_certificate(certificate).public_key() == authority.key.public_key()


def client_files(site: Site, name: str) -> tuple[Path, Path]:
    """Return the files of a client's certificate and private key; either may be missing."""
    clients = site.broker / "clients"
    return clients / f"{name}.pem", clients / f"{name}.key"


def _issue_services(files: dict[str, bytes], authority: Authority, listener: Listener) -> None:
    for service in (*listener.services, REVOKED_PROBE):
        if _must_be_issued(files.get(f"clients/{service}.pem"), authority.now):
            _issue_service(files, authority, service)


def _issue_service(files: dict[str, bytes], authority: Authority, service: str) -> None:
    key = Ed25519PrivateKey.generate()
    certificate = authority.client_certificate(service, key.public_key())
    files[f"clients/{service}.pem"] = certificate
    files[f"clients/{service}.key"] = private_pem(key)
    if service == REVOKED_PROBE:
        _revoke(files, authority, certificate)


def _issue_cameras(files: dict[str, bytes], authority: Authority, site: Site) -> None:
    revoked = site.withdrawn_cameras()
    for place in site.policy.places:
        name = place.camera.camera_id.hex()
        if name in revoked:
            continue
        if _must_be_issued(files.get(f"clients/{name}.pem"), authority.now):
            key = requested_key(_request(site, name).csr)
            files[f"clients/{name}.pem"] = authority.client_certificate(name, key)


def _request(site: Site, name: str) -> Request:
    path = site.cameras / f"{name}.json"
    try:
        return read_request(path.read_bytes())
    except FileNotFoundError as error:
        raise BrokerRefused(f"{path} is missing: register the camera again.") from error
    except FormatError as error:
        raise BrokerRefused(f"{path} is refused: {error}") from error


def _revoke(files: dict[str, bytes], authority: Authority, certificate: bytes) -> None:
    before = x509.load_pem_x509_crl(files[REVOKED_FILE])
    revoked = [*before, revocation_entry(certificate, authority.now)]
    files[REVOKED_FILE] = authority.revocation_list(revoked)


def _must_be_issued(certificate: bytes | None, now: datetime) -> bool:
    """Return whether a certificate is missing or ends soon."""
    if certificate is None:
        return True
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    return end < now + RENEW_BEFORE_END


def _stored_files(site: Site) -> dict[str, bytes]:
    """Return every file in the broker's folder, by relative name."""
    paths = [path for path in site.broker.rglob("*") if path.is_file()]
    files = {path.relative_to(site.broker).as_posix(): path.read_bytes() for path in paths}
    files.pop(ARCHIVE_FILE, None)  # Made of the others.
    return files


def _write(site: Site, files: Mapping[str, bytes]) -> None:
    with atomic_folder(site.broker) as part:
        (part / "clients").mkdir(mode=0o700)
        (part / DROP_IN).parent.mkdir(mode=0o700)
        for name, content in files.items():
            write_atomically(part / name, content)
        if INSTALL_FILE in files:  # A folder of an earlier version has none.
            write_atomically(part / ARCHIVE_FILE, archive(files))
