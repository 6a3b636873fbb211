"""TLS of the connection: version 1.3 only, the right authority, the client's own name only."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from formats.topics import Channel, Topic
from wire.certificate import Certificate
from wire.connection import Connection
from wire.errors import CertificateRefused
from wire.tests.broker import HOST, Broker
from wire.tests.exchanges import EVENTS, answered, camera, connected, open_to

pytestmark = pytest.mark.broker

failed_handshakes = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@failed_handshakes
def test_a_broker_that_speaks_only_tls_1_2_is_refused(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    errors: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(broker.files / "server.pem", broker.files / "server.key")

    def serve(door: socket.socket) -> None:
        caller, _ = door.accept()
        with caller:
            try:
                context.wrap_socket(caller, server_side=True).close()
            except ssl.SSLError as error:
                errors.append(error.reason)

    with socket.create_server((HOST, broker.port)) as door, open_to(camera(broker)) as sender:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        sender.run_network(0.01)
        thread.join()
    assert errors == ["UNSUPPORTED_PROTOCOL"]
    assert not sender.connected


def test_the_connection_is_tls_1_3(broker: Broker) -> None:
    context = broker.certificate(broker.name).context()
    with (
        socket.create_connection((HOST, broker.port)) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as wrapped,
    ):
        assert wrapped.version() == "TLSv1.3"


@failed_handshakes
def test_a_broker_of_another_authority_is_refused(broker: Broker, tmp_path: Path) -> None:
    stranger = Broker(tmp_path / "stranger")
    certificate = replace(broker.certificate(broker.name), authority=stranger.files / "server.pem")
    address = replace(broker.address(broker.name), certificate=certificate)
    with open_to(Connection(address, "none")) as sender:
        sender.run_network(0.01)
        assert "CERTIFICATE_VERIFY_FAILED" in sender.trouble


@failed_handshakes
def test_a_broker_whose_certificate_has_another_name_is_refused(broker: Broker) -> None:
    address = replace(broker.address(broker.name), host="localhost")
    with open_to(Connection(address, "none")) as sender:
        sender.run_network(0.01)
        assert "Hostname mismatch" in sender.trouble


def test_a_client_whose_name_is_anothers_has_that_ones_rights_only(broker: Broker) -> None:
    address = replace(broker.address(broker.name), client_id="receiver")
    with open_to(Connection(address, EVENTS)) as sender:
        connected(sender).publish(str(Topic(broker.camera.camera_id, Channel.RECEIPT)), b"forged")
        assert not answered(sender).delivered


def test_a_missing_certificate_says_where_each_file_belongs(tmp_path: Path) -> None:
    missing = Certificate(tmp_path / "ca.pem", tmp_path / "tls.crt", tmp_path / "tls.key")
    with pytest.raises(CertificateRefused, match=r"ca\.pem.*tls\.crt.*tls\.key"):
        missing.context()


def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    nonsense = tmp_path / "nonsense"
    with pytest.raises(CertificateRefused):
        Certificate(nonsense, nonsense, nonsense).context()


LOAD = """
import sys
from pathlib import Path
from wire.certificate import Certificate
paths = [Path(name) for name in sys.argv[1:]]
Certificate(*paths).context()
"""


def test_a_key_with_a_passphrase_is_refused_and_the_passphrase_is_not_asked_for(
    tmp_path: Path,
) -> None:
    chain, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-subj",
        "/CN=x",
        "-passout",
        "pass:x",
    ]
    out = ["-out", str(chain), "-keyout", str(key)]
    subprocess.run([*words, *out], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(chain), str(chain), str(key)],
        input=b"x\n", capture_output=True, start_new_session=True, timeout=60, check=False,
    )  # fmt: skip
    assert b"CertificateRefused" in done.stderr
    assert b"pass phrase" not in done.stderr
