"""The broker that the configuration starts: certificates, revocation, ACL, TLS."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_p256_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from provisioning.broker.certificates import requested_key
from provisioning.errors import BrokerRefused
from provisioning.tests.workshop import Workshop, contents, refusal, tallylight

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "mosquitto"


def config(workshop: Workshop, *words: str | Path) -> str:
    """Write the broker's files for this machine, where they lie."""
    workshop.site.joinpath("broker-state").mkdir(exist_ok=True)
    here = ("--at", workshop.site / "broker", "--state", workshop.site / "broker-state")
    own = ("--user", getuser())
    return tallylight("broker", "config", workshop.site, *workshop.passphrase, *here, *own, *words)


def certificate(workshop: Workshop, client: str) -> x509.Certificate:
    path = workshop.site / "broker" / "clients" / f"{client}.pem"
    return x509.load_pem_x509_certificate(path.read_bytes())


def camera_of(workshop: Workshop) -> str:
    (request,) = (workshop.site / "cameras").iterdir()
    return request.stem


def test_every_client_is_named_in_its_certificate(prepared: Workshop) -> None:
    config(prepared)
    for client in (camera_of(prepared), "receiver", "auditor"):
        (name,) = certificate(prepared, client).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == client


def test_private_keys_are_readable_by_their_owner_alone(prepared: Workshop) -> None:
    config(prepared)
    for path in (prepared.site / "broker").rglob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_issued_is_kept(prepared: Workshop) -> None:
    config(prepared)
    before = contents(prepared.site / "broker" / "clients")
    config(prepared)
    assert contents(prepared.site / "broker" / "clients") == before


def test_what_is_signed_is_shown_before_and_nothing_else_is_signed(prepared: Workshop) -> None:
    folder = prepared.site / "broker"

    def issued() -> tuple[set[str], set[str]]:
        before = contents(folder) if folder.exists() else {}
        said = json.loads(config(prepared, "--json").splitlines()[-1])["issued"]
        names = {"ca.pem": "authority", "server.pem": "broker"}
        now = {path: content for path, content in contents(folder).items() if ".pem" in path}
        changed = {path for path, content in now.items() if before.get(path) != content}
        return set(said), {
            names.get(path, path.removeprefix("clients/").removesuffix(".pem"))
            for path in changed - {"crl.pem"}
        }

    shown, signed = issued()
    assert shown == signed >= {"authority", "broker", "receiver", "auditor", camera_of(prepared)}
    shown, signed = issued()
    assert shown == signed == {"broker"}
    (folder / "clients" / "auditor.pem").unlink()
    shown, signed = issued()
    assert shown == signed == {"broker", "auditor"}


def test_an_option_that_is_not_given_stays_as_it_was(prepared: Workshop) -> None:
    hosts = ("--host", "broker.example.org", "--host", "192.0.2.10")
    config(prepared, *hosts, "--bind", "192.0.2.10", "--port", "8884", "--receivers", "2")
    folder = prepared.site / "broker"
    names = ("mosquitto.conf", "acl", "systemd/tallylight.conf", "systemd/tallylight-courier.conf")
    before = {name: (folder / name).read_text() for name in names}
    said = tallylight("broker", "config", prepared.site, *prepared.passphrase)
    assert "listens at 192.0.2.10, port 8884" in said
    assert "call it broker.example.org, 192.0.2.10; receivers: 2" in said
    assert {name: (folder / name).read_text() for name in names} == before
    config(prepared, "--port", "8885")
    after = (folder / "mosquitto.conf").read_text()
    assert after == before["mosquitto.conf"].replace("8884", "8885")


def test_broken_options_of_the_last_time_are_refused(prepared: Workshop) -> None:
    config(prepared)
    (prepared.site / "broker" / "listener.json").write_text('{"port": 1}')
    words = ("broker", "config", prepared.site, *prepared.passphrase)
    assert "remove broker/listener.json" in refusal(*words)


def test_a_broker_that_only_its_own_machine_reaches_is_named(prepared: Workshop) -> None:
    assert "Only its own machine reaches it" in config(prepared)
    assert "Only its own machine" not in config(prepared, "--bind", "192.0.2.10")


def test_a_wrong_passphrase_leaves_no_broker_behind(prepared: Workshop) -> None:
    (prepared.folder / "passphrase").write_text("something else entirely")
    words = ("broker", "config", prepared.site, *prepared.passphrase)
    assert "does not open" in refusal(*words)
    assert not (prepared.site / "broker").exists()


def test_an_unknown_client_is_not_revoked(prepared: Workshop) -> None:
    config(prepared)
    before = contents(prepared.site)
    words = ("broker", "revoke", prepared.site, "stranger")  # It asks for no passphrase first.
    assert "No certificate was issued" in refusal(*words)
    assert contents(prepared.site) == before


def test_a_revoked_camera_stays_revoked_until_it_is_registered_again(prepared: Workshop) -> None:
    config(prepared)
    camera = camera_of(prepared)
    tallylight("broker", "revoke", prepared.site, camera[:8], *prepared.passphrase)
    config(prepared)
    assert not (prepared.site / "broker" / "clients" / f"{camera}.pem").exists()
    where = ("--place", "North gate", "--grounds", "Found again.")
    tallylight("camera", "add", prepared.site, prepared.request, *where)
    config(prepared)
    assert certificate(prepared, camera).serial_number not in revoked_serials(prepared)


def test_the_next_step_after_a_revocation_fits_the_client(prepared: Workshop) -> None:
    config(prepared)
    words = ("broker", "revoke", prepared.site, *prepared.passphrase)
    said = tallylight(*words, "receiver")
    assert "lets it in until it has the new files" in said
    assert "issues a new certificate to receiver" in said
    assert "camera" not in said.replace(str(prepared.folder), "")
    assert "tallylight camera add" in tallylight(*words, camera_of(prepared))


def revoked_serials(workshop: Workshop) -> set[int]:
    crl = x509.load_pem_x509_crl((workshop.site / "broker" / "crl.pem").read_bytes())
    return {each.serial_number for each in crl}


def test_a_request_that_was_lost_is_named(prepared: Workshop) -> None:
    (request,) = (prepared.site / "cameras").iterdir()
    request.unlink()
    words = ("broker", "config", prepared.site, *prepared.passphrase)
    assert f"{request} is missing" in refusal(*words)


def test_a_request_that_is_none_is_refused() -> None:
    with pytest.raises(BrokerRefused, match="cannot be read"):
        requested_key(b"no request")


def request(key: RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_a_p256_key_is_served() -> None:
    key = generate_p256_key(SECP256R1())
    assert requested_key(request(key)) == key.public_key()


def test_an_rsa_key_is_refused() -> None:
    with pytest.raises(BrokerRefused, match="Ed25519 or P-256"):
        requested_key(request(generate_rsa_key(public_exponent=65537, key_size=2048)))


def test_a_request_without_possession_of_its_key_is_refused() -> None:
    forged = bytearray(request(generate_p256_key(SECP256R1())))
    forged[-1] ^= 1
    with pytest.raises(BrokerRefused, match="its own key"):
        requested_key(bytes(forged))


# With mosquitto


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running(workshop: Workshop, port: int) -> Iterator[None]:
    command = [MOSQUITTO, "-c", str(workshop.site / "broker" / "mosquitto.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as broker:
        try:
            await_port(port)
            yield
        finally:
            broker.terminate()


def await_port(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("The broker did not start.")


def publishes(workshop: Workshop, port: int, who: str, topic: str) -> bool:
    """Return whether the broker accepts a message from one of the clients."""
    folder = workshop.site / "broker"
    keys = {"receiver": folder / "clients/receiver.key", "auditor": folder / "clients/auditor.key"}
    command = [
        *("mosquitto_pub", "-V", "5", "-h", "localhost", "-p", str(port), "-q", "1"),
        *("--cafile", str(folder / "ca.pem"), "--cert", str(folder / "clients" / f"{who}.pem")),
        *("--key", str(keys.get(who, workshop.folder / "camera.key"))),
        *("-t", topic, "-m", "x"),
    ]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    # A message that was not allowed is only a warning to this client.
    return done.returncode == 0 and not done.stderr


@pytest.mark.broker
def test_a_camera_writes_to_its_own_topic_and_no_other(prepared: Workshop) -> None:
    port = free_port()
    config(prepared, "--port", str(port))
    camera = camera_of(prepared)
    own, other = f"tallylight/v1/{camera}/event", f"tallylight/v1/{'0' * 32}/event"
    with running(prepared, port):
        assert publishes(prepared, port, camera, own)
        assert not publishes(prepared, port, camera, other)


@pytest.mark.broker
def test_an_auditor_writes_nowhere(prepared: Workshop) -> None:
    port = free_port()
    config(prepared, "--port", str(port))
    topic = f"tallylight/v1/{camera_of(prepared)}/receipt"
    with running(prepared, port):
        assert publishes(prepared, port, "receiver", topic)
        assert not publishes(prepared, port, "auditor", topic)


@pytest.mark.broker
def test_a_revoked_camera_stays_outside(prepared: Workshop) -> None:
    port = free_port()
    config(prepared, "--port", str(port))
    camera = camera_of(prepared)
    kept = prepared.site / "broker" / "clients" / f"{camera}.pem"
    stolen = kept.read_bytes()
    tallylight("broker", "revoke", prepared.site, camera, *prepared.passphrase)
    kept.write_bytes(stolen)
    topic = f"tallylight/v1/{camera}/event"
    with running(prepared, port):
        assert not publishes(prepared, port, camera, topic)


@pytest.mark.broker
def test_a_client_without_a_certificate_or_with_older_tls_is_refused(prepared: Workshop) -> None:
    port = free_port()
    config(prepared, "--port", str(port))
    with running(prepared, port):
        assert greeting(prepared, port, ssl.TLSVersion.TLSv1_2) == "refused"
        assert greeting(prepared, port, ssl.TLSVersion.TLSv1_3) == "refused"


def greeting(workshop: Workshop, port: int, version: ssl.TLSVersion) -> str:
    """Return the broker's answer to a client without a certificate, with one version of TLS."""
    context = ssl.create_default_context(cafile=str(workshop.site / "broker" / "ca.pem"))
    context.minimum_version = context.maximum_version = version
    hello = bytes.fromhex("101000044d5154540502003c000003616263")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(hello)
            return "accepted" if tls.recv(4) else "refused"
    except (ssl.SSLError, ConnectionError):
        return "refused"
