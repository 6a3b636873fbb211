"""The program `fetch` with a real nginx, and with servers that are slow, hostile or cut off."""

import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256, shake_256
from http.client import HTTPSConnection
from pathlib import Path
from threading import Event

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import firmware.fetch
from firmware.config import Config
from firmware.delivery.wanted import bundle_name, drop_wanted, read_wanted, write_wanted
from firmware.errors import BundleNotFetched, ForeignFile
from firmware.fetch import Patience, fetch
from firmware.tests.command import config_file, config_of
from formats.errors import FormatError
from formats.firmware_offer import FirmwareOffer, read_version
from hil_tests.tests.bundle_server import Bundles, serving
from provisioning.broker.bundle_server import BUNDLE_PORT
from provisioning.broker.certificates import Authority, private_pem
from provisioning.broker.mosquitto_files import BUNDLE_FOLDER, BUNDLE_SERVER_FILE
from wire.certificate import Certificate
from wire.tests.broker import Broker, free_port

RANGE = 1000
BUNDLE = shake_256(b"a bundle").digest(4 * RANGE + 321)
FAST = Patience(bytes_per_s=1e9)
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(tmp_path)


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware.fetch, "RANGE_BYTES", RANGE)


def offer(content: bytes = BUNDLE) -> FirmwareOffer:
    return FirmwareOffer("pi5", read_version("0.3.0"), sha256(content).digest(), len(content))


def camera(broker: Broker, port: int, content: bytes = BUNDLE) -> Config:
    """Return the settings of a camera whose `update` wants a bundle."""
    shutil.copy(broker.files / "ca.pem", broker.folder / "ca.pem")
    config = config_of(broker.folder)
    write_wanted(config.state, offer(content))
    return replace(config, bundle_port=port)


def own(broker: Broker) -> Certificate:
    """Return the certificate with which the broker's machine serves."""
    return Certificate(
        broker.files / "ca.pem", broker.files / "server.pem", broker.files / "server.key"
    )


def names(config: Config) -> list[str]:
    return sorted(path.name for path in config.state.bundles.iterdir())


def fetched(config: Config) -> bytes:
    return (config.state.bundles / bundle_name(offer())).read_bytes()


@contextmanager
def nginx(broker: Broker) -> Iterator[tuple[int, Path]]:
    """Run nginx with the settings of `tallylight broker config`; yield port and folder."""
    assert NGINX is not None
    folder, port = broker.folder / "bundles", free_port()
    folder.mkdir()
    server = (broker.files / BUNDLE_SERVER_FILE).read_text()
    server = server.replace(f":{BUNDLE_PORT} ", f":{port} ").replace(BUNDLE_FOLDER, str(folder))
    conf = broker.folder / "nginx.conf"
    user = f"user {os.environ.get('USER', 'root')};\n" if os.geteuid() == 0 else ""
    conf.write_text(
        f"{user}daemon off; pid {broker.folder}/nginx.pid; events {{}}\nhttp {{\n{server}}}\n"
    )
    command = [
        NGINX,
        "-p",
        str(broker.folder),
        "-e",
        str(broker.folder / "nginx.log"),
        "-c",
        str(conf),
    ]
    with subprocess.Popen(command) as process:
        try:
            until_s = time.monotonic() + 30
            while not (broker.folder / "nginx.pid").exists():
                assert time.monotonic() < until_s
                assert process.poll() is None
                time.sleep(0.02)
            yield port, folder
        finally:
            process.terminate()


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_as_broker_config_sets_it_up_serves_cameras_and_no_others(broker: Broker) -> None:
    with nginx(broker) as (port, folder):
        (folder / bundle_name(offer())).write_bytes(BUNDLE)
        config = camera(broker, port)
        assert fetch(config, FAST) == "The bundle of version 0.3.0 is fetched."
        assert fetched(config) == BUNDLE
        stranger = ssl.create_default_context(cafile=str(broker.files / "ca.pem"))
        path = f"/bundles/{bundle_name(offer())}"
        for context, status in (
            (stranger, 400),
            (broker.certificate("revoked-probe").context(), 400),
            (broker.certificate("receiver").context(), 200),
        ):
            line = HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
            line.request("GET", path)
            assert line.getresponse().status == status
            line.close()
        for other in ("/bundles/", "/", "/bundles/../ca.pem", f"{path}.part"):
            line = HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
            line.request("GET", other)
            assert line.getresponse().status in {400, 404}
            line.close()


def test_a_download_that_is_cut_goes_on_behind_the_last_whole_range(broker: Broker) -> None:
    bundles = Bundles(BUNDLE, stop_at=2 * RANGE + 500)
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        with pytest.raises(BundleNotFetched, match="goes on by itself"):
            fetch(config, FAST)
        bundles.stop_at, bundles.asked = None, []
        fetch(config, FAST)
    assert fetched(config) == BUNDLE
    assert bundles.asked[0] == (f"/bundles/{bundle_name(offer())}", "2000-2999")
    assert names(config) == [bundle_name(offer())]


def test_a_program_that_is_killed_goes_on_where_it_was(broker: Broker, tmp_path: Path) -> None:
    content = shake_256(b"large").digest(3 * 256 * 1024 + 7)
    asked, gate = Event(), Event()
    bundles = Bundles(content)

    def hold_the_third() -> None:
        if len(bundles.asked) == 3:
            asked.set()
            gate.wait(30)

    bundles.before_bytes = hold_the_third
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port, content)
        file = config_file(config, tmp_path / "camera.toml")
        file.write_text(file.read_text() + f"bundle_port = {port}\n")
        command = [sys.executable, "-m", "firmware", "--config", str(file), "fetch"]
        with subprocess.Popen(command) as process:
            assert asked.wait(30)
            process.kill()
        gate.set()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "The bundle of version 0.3.0 is fetched.\n"
    assert [span for _, span in bundles.asked].count("0-262143") == 1
    assert (config.state.bundles / bundle_name(offer(content))).read_bytes() == content


def test_a_range_that_a_power_cut_left_half_written_is_loaded_again(broker: Broker) -> None:
    bundles = Bundles(BUNDLE)
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        config.state.bundles.mkdir()
        part = config.state.bundles / f"{offer().digest.hex()}.part"
        part.write_bytes(BUNDLE[: 2 * RANGE] + bytes(300))
        fetch(config, FAST)
    assert (fetched(config), bundles.asked[0][1]) == (BUNDLE, "2000-2999")


def test_other_bytes_are_thrown_away_and_not_asked_for_again_at_once(broker: Broker) -> None:
    bundles = Bundles(b"x" + BUNDLE[1:])
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        with pytest.raises(BundleNotFetched, match="thrown away"):
            fetch(config, FAST)
        assert names(config) == [f"{offer().digest.hex()}.wrong"]
        bundles.content, bundles.asked = BUNDLE, []
        with pytest.raises(BundleNotFetched, match="not long ago"):
            fetch(config, FAST)
        assert bundles.asked == []
        fetch(config, Patience(bytes_per_s=1e9, rest_s=0.0))
    assert fetched(config) == BUNDLE
    assert names(config) == [bundle_name(offer())]


@pytest.mark.parametrize(
    ("bundles", "said"),
    [
        (Bundles(BUNDLE, status=404), "answers 404: put "),
        (Bundles(BUNDLE, status=200), "answers 200"),
        (Bundles(BUNDLE, status=302), "answers 302"),
        (Bundles(BUNDLE, size=len(BUNDLE) + 1), "has another"),
        (Bundles(BUNDLE, size=10**15), "has another"),
        (Bundles(BUNDLE, long_by=1), "has another"),
        (Bundles(BUNDLE[:-1], size=len(BUNDLE)), "has another"),
    ],
    ids=["missing", "no ranges", "redirect", "longer", "endless", "more than asked", "shorter"],
)
def test_an_answer_that_is_not_the_offered_range_is_refused(
    broker: Broker, bundles: Bundles, said: str
) -> None:
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        with pytest.raises(BundleNotFetched, match=said):
            fetch(config, FAST)
    (part,) = names(config)
    assert part.endswith(".part")
    assert (config.state.bundles / part).stat().st_size <= len(BUNDLE)


def test_a_server_that_is_silent_or_too_slow_is_left(broker: Broker) -> None:
    bundles = Bundles(BUNDLE, before_bytes=lambda: time.sleep(0.5))
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        with pytest.raises(BundleNotFetched, match="timed out"):
            fetch(config, Patience(silent_s=0.1))
        with pytest.raises(BundleNotFetched, match="too slow"):
            fetch(config, Patience(range_s=0.1))


def test_no_faster_than_the_rate(broker: Broker) -> None:
    with serving(Bundles(BUNDLE), own(broker)) as port:
        config, began_s = camera(broker, port), time.monotonic()
        fetch(config, Patience(bytes_per_s=10 * len(BUNDLE)))
    assert time.monotonic() - began_s >= 0.1


def test_a_server_of_another_authority_gets_no_request(broker: Broker) -> None:
    bundles, key = Bundles(BUNDLE), Ed25519PrivateKey.generate()
    config, other = camera(broker, 1), own(broker)
    authority = Authority(key, "Another site", datetime.now(UTC))
    other.chain.write_bytes(authority.server_certificate(["127.0.0.1"], key.public_key()))
    other.key.write_bytes(private_pem(key))
    with serving(bundles, other) as port:
        config = replace(config, bundle_port=port)
        with pytest.raises(BundleNotFetched, match="certificate verify failed"):
            fetch(config, FAST)
    assert bundles.asked == []


def test_without_room_for_the_install_and_for_events_nothing_is_asked_for(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = Bundles(BUNDLE)
    monkeypatch.setattr(firmware.fetch, "KEPT_FREE", 2**60)
    with (
        serving(bundles, own(broker)) as port,
        pytest.raises(BundleNotFetched, match="data partition lacks"),
    ):
        fetch(camera(broker, port), FAST)
    assert bundles.asked == []


def test_without_a_wish_nothing_is_asked_for(broker: Broker) -> None:
    bundles = Bundles(BUNDLE)
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        drop_wanted(config.state)
        assert fetch(config, FAST) == "No bundle is wanted."
        assert read_wanted(config_of(broker.folder / "new").state) is None
    assert bundles.asked == []


def test_what_lies_there_is_verified_and_what_is_not_wanted_is_removed(broker: Broker) -> None:
    bundles = Bundles(BUNDLE)
    with serving(bundles, own(broker)) as port:
        config = camera(broker, port)
        config.state.bundles.mkdir()
        (config.state.bundles / f"{'0' * 64}.raucb").write_bytes(b"of the version before")
        os.mkfifo(config.state.bundles / bundle_name(offer()))
        fetch(config, FAST)
        assert names(config) == [bundle_name(offer())]
        bundles.asked = []
        assert fetch(config, FAST) == "The bundle of version 0.3.0 lies here."
        (config.state.bundles / bundle_name(offer())).write_bytes(BUNDLE[:-1] + b"?")
        assert bundles.asked == []
        fetch(config, FAST)
    assert fetched(config) == BUNDLE


def test_a_wish_that_is_no_offer_or_no_file_is_refused(broker: Broker) -> None:
    config = camera(broker, 1)
    wish = config.state.wanted / "offer.json"
    content = wish.read_bytes()
    for broken in (content[:-1], content.replace(b'"size":', b'"seize":'), b""):
        wish.write_bytes(broken)
        with pytest.raises(FormatError):
            fetch(config, FAST)
    wish.unlink()
    wish.symlink_to("/dev/zero")
    with pytest.raises(ForeignFile):
        fetch(config, FAST)
