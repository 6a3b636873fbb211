"""Each way in which a camera does not get to its broker has a sentence of its own."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.signing import SigningKey

from firmware.doctor.broker_door import knock
from firmware.errors import FirmwareError
from provisioning.broker.certificates import private_pem
from provisioning.broker.configuration import authority_of, revoke_client
from provisioning.site.folder import Site
from wire.certificate import Address
from wire.tests.broker import HOST, Broker, free_port

pytestmark = pytest.mark.broker
YEAR = timedelta(days=400)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("door"))
    broker.start()
    yield broker
    broker.kill()


def camera(broker: Broker) -> Address:
    return broker.address(broker.name)


def refusal(address: Address) -> str:
    with pytest.raises(FirmwareError) as refused:
        knock(address)
    return str(refused.value)


def test_a_broker_that_lets_the_camera_in(broker: Broker) -> None:
    assert knock(camera(broker)) == f"{HOST}:{broker.port} lets this camera in"


def test_an_unknown_name_is_no_network_fault(broker: Broker) -> None:
    away = replace(camera(broker), host="no-such-broker.invalid")
    assert "is not known here" in refusal(away)


def test_where_no_broker_listens_the_network_is_named(broker: Broker) -> None:
    assert "No broker answers" in refusal(replace(camera(broker), port=free_port()))


def test_a_broker_of_another_name_is_named(broker: Broker) -> None:
    assert "does not name localhost" in refusal(replace(camera(broker), host="localhost"))


def test_a_broker_of_another_site_is_refused(broker: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority_of(
        Site(other.folder / "site"), SigningKey(bytes([1]) * 32), datetime.now(UTC)
    ).authority_certificate())  # fmt: skip
    mine = camera(broker)
    certificate = replace(mine.certificate, authority=tmp_path / "ca.pem")
    assert "is not this site's" in refusal(replace(mine, certificate=certificate))


@contextmanager
def answering(broker: Broker, folder: Path, now: datetime) -> Iterator[int]:
    """Serve one caller with a certificate of the broker that was issued at `now`."""
    key = Ed25519PrivateKey.generate()
    authority = authority_of(Site(broker.folder / "site"), SigningKey(bytes(32)), now)
    (folder / "server.pem").write_bytes(authority.server_certificate([HOST], key.public_key()))
    (folder / "server.key").write_bytes(private_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def serve(door: socket.socket) -> None:
        caller, _ = door.accept()
        with caller:
            try:
                context.wrap_socket(caller, server_side=True).close()
            except (ssl.SSLError, OSError):
                return

    with socket.create_server((HOST, 0)) as door:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        yield door.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("issued", "said"), [(-YEAR, "has ended by this camera's clock"), (YEAR, "is not valid yet")]
)
def test_a_wrong_clock_is_told_from_a_wrong_certificate(
    broker: Broker, tmp_path: Path, issued: timedelta, said: str
) -> None:
    now = datetime.now(UTC)
    with answering(broker, tmp_path, now + issued) as port:
        words = refusal(replace(camera(broker), port=port))
    assert said in words
    assert f"{now:%Y-%m-%d}" in words


def test_a_broker_that_hangs_up_is_no_broker(broker: Broker, tmp_path: Path) -> None:
    with answering(broker, tmp_path, datetime.now(UTC)) as port:
        assert "hangs up at once" in refusal(replace(camera(broker), port=port))


def test_a_revoked_camera_is_told_so(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    kept = tmp_path / "camera.pem"
    kept.write_bytes((broker.files / "clients" / f"{broker.name}.pem").read_bytes())
    mine = camera(broker)
    address = replace(mine, certificate=replace(mine.certificate, chain=kept))
    revoke_client(
        Site(broker.folder / "site"), SigningKey(bytes(32)), broker.name, datetime.now(UTC)
    )
    broker.start()
    try:
        assert "refuses this camera's certificate (" in refusal(address)
    finally:
        broker.kill()
