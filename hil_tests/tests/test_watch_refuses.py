"""`watch` on a broken site: one sentence, exit 1, and the lamp stays dark."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.config import State
from firmware.tests.observations import eventually
from firmware.tests.test_folder import FOREIGN
from firmware.trust.floors import Floors, raise_floors
from formats.ledger import Happening
from hil_tests.demo.figures import records
from hil_tests.errors import DeskRefused
from hil_tests.rig.contract import LampDefect
from hil_tests.rig.desk.pins import Board, PinServer
from hil_tests.rig.desk.programs import Programs
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.simulated_cable import register_on_desk
from hil_tests.rig.site_maker import list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait
from provisioning.nets.bundles import build_bundle, manifest_to_sign

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Bench:
    desk: DeskSite
    board: Board


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DeskSite:
    """A site with a published list of one person."""
    desk = DeskSite(tmp_path_factory.mktemp("site") / "desk", 1024)
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    return desk


@pytest.fixture
def bench(made: DeskSite, tmp_path: Path) -> Generator[Bench]:
    """A camera of that site with its guard running, which a test breaks."""
    desk = DeskSite(tmp_path / "desk", 1024)
    shutil.copytree(made.folder, desk.folder, symlinks=True)
    config = desk.camera_config.read_text().replace(str(made.folder), str(desk.folder))
    desk.camera_config.write_text(config)
    board = Board()
    with PinServer(board) as lines, Programs(desk.folder / "logs") as programs:
        guard = [sys.executable, "-m", "hil_tests.rig.desk.lampguard", "--pins", str(lines.port)]
        programs.start("lampguard", [*guard, "--config", str(desk.camera_config)])
        programs.await_ready("lampguard", (desk.folder / "lamp.sock").exists)
        programs.await_ready("lampguard", lambda: len(board.edges) >= 3)
        yield Bench(desk, board)


def refusal(bench: Bench) -> str:
    """Run `watch`, which must refuse without a look; return its sentence."""
    lit_before = len(bench.board.edges)
    command = [sys.executable, "-m", "hil_tests.rig.desk.watch", "--source", "street"]
    done = subprocess.run(
        [*command, "--config", str(bench.desk.camera_config)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert len(bench.board.edges) == lit_before
    outbox = bench.desk.camera / "outbox" / "waiting"
    assert not outbox.exists() or not list(outbox.iterdir())
    (sentence,) = done.stderr.strip().splitlines()
    return sentence


def edit(config: Path, name: str, value: str) -> None:
    lines = [line for line in config.read_text().splitlines() if not line.startswith(name)]
    config.write_text("\n".join([*lines, f"{name} = '{value}'", ""]))


def test_no_list_has_arrived(bench: Bench) -> None:
    shutil.rmtree(bench.desk.camera / "inbox")
    assert "refused" in refusal(bench)
    ledger = records(bench.desk.camera / "watch" / "ledger.jsonl")
    assert [r.body["code"] for r in ledger if r.event is Happening.LIST_REFUSED] == ["WL_MISSING"]


def test_the_list_is_for_another_camera(bench: Bench) -> None:
    shutil.rmtree(bench.desk.camera / "watch")
    shutil.rmtree(bench.desk.camera / "courier")
    command = [sys.executable, "-m", "firmware", "--config", str(bench.desk.camera_config)]
    subprocess.run([*command, "identity"], check=True, capture_output=True)
    (bench.desk.camera / "registration.json").unlink()
    root = (bench.desk.site / "root.json").read_bytes()
    register_on_desk(State(bench.desk.camera), root, bench.desk.folder, SigningKey.generate())
    assert "does not name this camera" in refusal(bench)


def test_a_net_is_not_the_one_that_the_manifest_names(bench: Bench) -> None:
    net = bench.desk.models / "embedder.int8.tflite"
    net.write_bytes(net.read_bytes()[:-1] + b"!")
    assert "is not the file the manifest names" in refusal(bench)


def test_the_manifest_is_not_the_one_that_was_signed(bench: Bench) -> None:
    manifest = bench.desk.models / "manifest.toml"
    manifest.write_bytes(manifest.read_bytes().replace(b"upper_ppb = 4", b"upper_ppb = 1"))
    assert "is not the one that was signed" in refusal(bench)


def test_the_nets_are_signed_by_somebody_else(bench: Bench, tmp_path: Path) -> None:
    nets = bench.desk.models
    build_bundle(tmp_path / "models", nets, SigningKey.generate(), manifest_to_sign(nets))
    edit(bench.desk.camera_config, "models ", str(tmp_path / "models"))
    assert "is trusted here" in refusal(bench)


def test_the_nets_are_signed_by_nobody(bench: Bench) -> None:
    (bench.desk.models / "manifest.sig").unlink()
    assert "is no model bundle" in refusal(bench)


def test_the_site_is_not_the_one_of_this_image(bench: Bench, tmp_path: Path) -> None:
    root = json.loads((bench.desk.site / "root.json").read_bytes())
    root["signed"]["roles"]["root"]["threshold"] = 1
    (tmp_path / "root.json").write_text(json.dumps(root))
    edit(bench.desk.camera_config, "trusted_root", str(tmp_path / "root.json"))
    assert "refused" in refusal(bench)


@pytest.mark.parametrize("facts", ['{"camera": "none"}', "{}"])
def test_the_image_has_no_camera_driver(bench: Bench, facts: str) -> None:
    (bench.desk.site / "image.json").write_text(facts)
    assert "camera driver" in refusal(bench)
    ledger = records(bench.desk.camera / "watch" / "ledger.jsonl")
    faults = [r.body["code"] for r in ledger if r.event is Happening.FAULT]
    assert faults == ["NoCameraDriver"]


def test_the_lamp_is_dead(bench: Bench) -> None:
    bench.board.set_defect(LampDefect.OPEN_CIRCUIT)
    command = [sys.executable, "-m", "hil_tests.rig.desk.watch", "--source", "street"]
    done = subprocess.run(
        [*command, "--config", str(bench.desk.camera_config)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    assert "Nothing is looked at" in done.stderr
    ledger = records(bench.desk.camera / "watch" / "ledger.jsonl")
    assert Happening.PERIOD_BEGIN not in {record.event for record in ledger}


def test_a_list_that_one_organisation_signed_is_not_published(
    made: DeskSite, tmp_path: Path
) -> None:
    desk = DeskSite(tmp_path / "desk", 1024)
    shutil.copytree(made.folder, desk.folder, symlinks=True)
    before = (desk.camera / "inbox" / "metadata" / "timestamp.json").read_bytes()
    with pytest.raises(DeskRefused, match="organisation"):
        publish_list(desk, signers=1)
    assert (desk.camera / "inbox" / "metadata" / "timestamp.json").read_bytes() == before


def test_the_clock_was_set_back_since_the_last_run(bench: Bench) -> None:
    tomorrow = int((datetime.now(UTC) + timedelta(days=1)).timestamp())
    raise_floors(bench.desk.camera / "watch" / "floors", Floors(tomorrow))
    assert "clock stands before" in refusal(bench)
    ledger = records(bench.desk.camera / "watch" / "ledger.jsonl")
    assert [r.body["code"] for r in ledger if r.event is Happening.LIST_REFUSED] == ["WL_CLOCK"]


def looks_and_ends(bench: Bench, *, periods: int) -> None:
    """Start `watch`, await so many periods in its ledger, and assert that it ends in time."""
    command = [sys.executable, "-m", "hil_tests.rig.desk.watch", "--source", "street"]
    watch = subprocess.Popen([*command, "--config", str(bench.desk.camera_config)])
    ledger = bench.desk.camera / "watch" / "ledger.jsonl"
    try:
        eventually(
            lambda: ledger.exists() and ledger.read_bytes().count(b"period_begin") >= periods
        )
        watch.terminate()
        watch.wait(2.0)
    finally:
        watch.kill()
        watch.wait()
    assert watch.returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("what", ["a FIFO", "a sparse terabyte", "a folder", "a link to itself"])
def test_the_last_list_goes_on_whatever_lies_in_the_inbox(bench: Bench, what: str) -> None:
    looks_and_ends(bench, periods=1)
    timestamp = bench.desk.camera / "inbox" / "metadata" / "timestamp.json"
    timestamp.unlink()
    FOREIGN[what][0](timestamp)
    looks_and_ends(bench, periods=2)
    ledger = records(bench.desk.camera / "watch" / "ledger.jsonl")
    assert [r.body["code"] for r in ledger if r.event is Happening.LIST_REFUSED] == ["WL_FILE"]


@pytest.mark.parametrize("place", ["outbox/waiting", "outbox/part", "outbox/leaving", "receipts"])
def test_it_ends_within_2_s_of_sigterm_whatever_lies_in_a_shared_folder(
    bench: Bench, place: str
) -> None:
    folder = bench.desk.camera / place
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    os.mkfifo(folder / "000000000001")
    (folder / "000000000002").symlink_to("000000000002")
    (folder / "000000000003").mkdir()
    with (folder / "000000000004").open("wb") as file:
        file.truncate(2**40)
    looks_and_ends(bench, periods=1)
