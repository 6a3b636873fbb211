"""`tallylight broker check`, against the broker as configured, and against weakened ones."""

import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Event, Thread

import pytest
from typer.testing import CliRunner

from formats.keyfile import Purpose
from provisioning.__main__ import app
from provisioning.broker.check import check_broker
from provisioning.broker.tested_broker import Finding
from provisioning.keys.passphrase import unlock_key
from provisioning.site.folder import open_site
from provisioning.tests.test_broker import MOSQUITTO, await_port, config, free_port, running
from provisioning.tests.workshop import Workshop, refusal, tallylight

pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(120),
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

BROKER_PAGE = Path(__file__).parents[2] / "docs" / "broker.md"
FINDINGS = 24
"""Lines of a check of a broker that passes."""
Pairs = list[tuple[str, str]]


@pytest.fixture
def port(prepared: Workshop) -> int:
    port = free_port()
    config(prepared, "--port", str(port))
    return port


def words(workshop: Workshop, port: int) -> tuple[str | Path, ...]:
    return ("broker", "check", workshop.site, "--port", str(port), *workshop.passphrase)


def conf(workshop: Workshop) -> Path:
    return workshop.site / "broker" / "mosquitto.conf"


def test_the_broker_as_configured_refuses_what_it_must(prepared: Workshop, port: int) -> None:
    with running(prepared, port):
        lines = tallylight(*words(prepared, port)).splitlines()
    assert len(lines) == FINDINGS
    assert all(line.startswith("ok ") for line in lines)
    page = BROKER_PAGE.read_text("utf-8")
    assert [line for line in lines if line.removeprefix("ok").strip() not in page] == []


WEAKENED = {
    "certificates and names": (
        [
            ("tls_version tlsv1.3", "tls_version tlsv1.2"),
            ("crlfile", "#crlfile"),
            ("acl_file", "#acl_file"),
            ("use_username_as_clientid true", "max_inflight_messages 3"),
        ],
        [
            ("TLS 1.2", "tls_version tlsv1.3"),
            ("revoked", "crlfile"),
            ("another's topic", "acl_file"),
            ("is the client id", "use_username_as_clientid true"),
            ("under way", "max_inflight_messages 20"),
        ],
    ),
    "no certificate": (
        [("require_certificate true", "require_certificate false")],
        [("without a certificate", "require_certificate true")],
    ),
    "small packets": (
        [("persistence true", "max_packet_size 2000\nretain_available false")],
        [
            ("packets of", "no max_packet_size"),
            ("delivered whole", "no max_packet_size"),
            ("retained messages", "retain_available true"),
        ],
    ),
    "small messages": (
        [("message_size_limit 2097152", "message_size_limit 30000")],
        [("delivered whole", "message_size_limit"), ("comes later", "message_size_limit")],
    ),
    "no QoS 1": ([("persistence true", "max_qos 0")], [("QoS 1", "max_qos 2")]),
    "no group, no queue": (
        [("pattern read", "#pattern read"), ("persistence true", "max_queued_messages 1")],
        [("$share", "another broker"), ("away for a moment", "max_queued_messages 1000")],
    ),
}
"""Pieces of mosquitto.conf or the ACL and what takes their place; what is told, and which line."""


UNFIT = {
    "is the client id": "A broker that cannot take user name and client id from the certificate",
    "retained messages": "A broker that keeps no retained message",
    "$share": "A broker without shared subscriptions",
}
"""What is told of a broker that lacks it altogether."""


@pytest.mark.long
@pytest.mark.parametrize(("changes", "told"), WEAKENED.values(), ids=WEAKENED)
def test_a_broker_that_was_weakened_is_found_out_with_the_line_to_change(
    prepared: Workshop, port: int, changes: Pairs, told: Pairs
) -> None:
    for good, bad in changes:
        weaken(prepared, good, bad)
    with running(prepared, port):
        result = CliRunner().invoke(app, [str(word) for word in words(prepared, port)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    lines = result.stdout.splitlines()
    for what, line in told:
        (at,) = [at for at, row in enumerate(lines) if row.startswith("FAIL") and what in row]
        assert line in lines[at + 1]
        assert UNFIT.get(what, "") in lines[at + 2]


def weaken(workshop: Workshop, good: str, bad: str) -> None:
    """Replace a piece of the broker's configuration, or of its access rules."""
    both = (conf(workshop), conf(workshop).with_name("acl"))
    (file,) = [file for file in both if good in file.read_text()]
    file.write_text(file.read_text().replace(good, bad))


def test_without_a_broker_nothing_is_proven(prepared: Workshop, port: int) -> None:
    assert "No broker answers" in refusal(*words(prepared, port))


@contextmanager
def process(workshop: Workshop, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([MOSQUITTO, "-c", str(conf(workshop))], stderr=subprocess.DEVNULL) as one:
        try:
            await_port(port)
            yield one
        finally:
            one.kill()


def test_a_certificate_that_is_revoked_is_refused_after_sighup(
    prepared: Workshop, port: int
) -> None:
    with process(prepared, port) as broker:
        assert tallylight(*words(prepared, port)).count("ok ") == FINDINGS
        stolen = prepared.folder / "stolen"
        shutil.copytree(prepared.site / "broker" / "clients", stolen)
        tallylight("broker", "revoke", prepared.site, "auditor", *prepared.passphrase)
        shutil.copytree(stolen, prepared.site / "broker" / "clients", dirs_exist_ok=True)
        assert tallylight(*words(prepared, port)).count("ok ") == FINDINGS
        broker.send_signal(signal.SIGHUP)
        assert "does not let auditor in" in refusal(*words(prepared, port))


def refuses_revoked(workshop: Workshop, port: int) -> Finding:
    """Return the check's second finding, and leave out the rest."""
    site = open_site(workshop.site)
    authority = unlock_key(site.key(Purpose.BROKER), workshop.folder / "passphrase")
    findings = check_broker(site, authority, "localhost", port, datetime.now(UTC))
    _, second = islice(findings, 2)
    return second


def test_the_check_tells_a_broker_without_the_newest_revocation(
    prepared: Workshop, port: int
) -> None:
    with process(prepared, port) as broker:
        assert refuses_revoked(prepared, port).held
        tallylight("broker", "revoke", prepared.site, "receiver", *prepared.passphrase)
        told = refuses_revoked(prepared, port)
        assert not told.held
        assert "the newest crl.pem" in told.line
        broker.send_signal(signal.SIGHUP)
        assert refuses_revoked(prepared, port).held


def test_the_check_tells_names_certificates_and_programs_apart(
    prepared: Workshop, port: int
) -> None:
    with running(prepared, port):
        unknown = refusal(*words(prepared, port), "--host", "nowhere.invalid")
        assert "nowhere.invalid is not known" in unknown
        config(prepared, "--host", "broker.example.org")
    with running(prepared, port):
        other_name = refusal(*words(prepared, port), "--host", "127.0.0.1")
        assert "certificate does not name 127.0.0.1" in other_name
        config(prepared, "--host", "localhost")
        replaced = ("desk", "replace-key", prepared.site, "--purpose", "broker", "--yes")
        tallylight(*replaced, *prepared.passphrase)
        assert "all are of an older key" in refusal(*words(prepared, port))
        config(prepared)
        assert "certificate of another authority" in refusal(*words(prepared, port))


def test_another_program_on_the_port_is_no_broker(prepared: Workshop, port: int) -> None:
    def greet(server: socket.socket) -> None:
        with server.accept()[0] as line:
            line.sendall(b"SSH-2.0-other\r\n")

    with socket.create_server(("127.0.0.1", port)) as server:
        other = Thread(target=greet, args=(server,))
        other.start()
        assert "does not speak TLS" in refusal(*words(prepared, port))
        other.join(10)


@pytest.mark.parametrize("answer", ["20020001", "2003008400"], ids=["3.1.1", "v5 refused"])
def test_a_broker_without_mqtt_version_5_is_refused_in_one_sentence(
    prepared: Workshop, port: int, answer: str
) -> None:
    files = conf(prepared).parent
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    ended = Event()

    def serve(server: socket.socket) -> None:
        while not ended.is_set():
            with (
                suppress(OSError),
                context.wrap_socket(server.accept()[0], server_side=True) as line,
            ):
                if line.recv(64):
                    line.sendall(bytes.fromhex(answer))

    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.2)
        older = Thread(target=serve, args=(server,))
        older.start()
        said = refusal(*words(prepared, port))
        ended.set()
        older.join(10)
    assert "does not speak MQTT version 5" in said


@pytest.mark.parametrize(
    ("unit", "written"),
    [("mosquitto", "tallylight.conf"), ("tallylight-courier", "tallylight-courier.conf")],
)
def test_a_drop_in_is_what_systemd_takes(
    prepared: Workshop, tmp_path: Path, unit: str, written: str
) -> None:
    config(prepared)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    file = tmp_path / f"{unit}.service"
    file.write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / f"{unit}.service.d").mkdir()
    shutil.copy(prepared.site / "broker" / "systemd" / written, tmp_path / f"{unit}.service.d")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if written in line]
    assert about_it == []


def test_the_brokers_drop_in_starts_it_with_the_configuration(prepared: Workshop) -> None:
    config(prepared)
    written = prepared.site / "broker" / "systemd" / "tallylight.conf"
    assert str(conf(prepared).resolve()) in written.read_text()


def test_a_courier_may_speak_to_the_brokers_addresses_alone(prepared: Workshop) -> None:
    hosts = ("--host", "broker.example.org", "--host", "192.0.2.10", "--host", "2001:db8::10")
    output = config(prepared, *hosts)
    written = prepared.site / "broker" / "systemd" / "tallylight-courier.conf"
    allowed = [line for line in written.read_text().splitlines() if line.startswith("IP")]
    assert allowed == ["IPAddressAllow=localhost 192.0.2.10 2001:db8::10"]
    assert "No camera reaches it" not in output


def test_a_broker_without_an_address_is_told_to_name_one(prepared: Workshop) -> None:
    assert "name its address as well" in config(prepared, "--host", "broker.example.org")


def test_an_address_of_one_interface_is_reached_by_no_camera(prepared: Workshop) -> None:
    assert "No camera reaches it yet" in config(prepared, "--host", "fe80::1%eth0")
