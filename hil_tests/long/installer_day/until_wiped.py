"""The afternoon: a new version by the network, a bad one that is left, a camera that is wiped."""

import json
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Final

from hil_tests.long.installer_day.card_in_vm import CardInVm
from hil_tests.long.installer_day.container import DayCamera
from hil_tests.long.installer_day.day_folder import (
    CONTAINER,
    CUT_PARTS,
    DESK,
    FILES,
    VERSIONS,
    VM,
    Day,
)
from hil_tests.long.installer_day.desk import BROKER, PORT
from hil_tests.long.installer_day.until_armed import LIST_S, accepted_lists
from provisioning.device.boot.boot_rom import BootRom, Ended
from provisioning.errors import BootRefused

FETCH_S: Final = 1200.0
"""Longest download at the rate of the program, with its power cuts."""
NEW, BAD = VERSIONS[1][0], VERSIONS[2][0]
UPDATE: Final = "tallylight-update.service"


def offer_the_version(day: Day) -> None:
    """Build, sign and offer a version; two holders sign; the list carries it to the cameras."""
    with day.steps.step(f"Version {NEW} is signed and offered", DESK) as step:
        for version in (NEW, BAD):
            make_bundle(day, version)
        words = ("update", "offer", day.desk.site, day.bundle(NEW), "--to", day.desk.bundles)
        day.desk.tallylight(*words)
        day.desk.sign_policy()
        day.desk.publish()
        for camera in day.cameras:
            camera.wait("policy", partial(has_policy, camera, published_policy(day)), LIST_S)
        step.seen = f"{day.bundle(NEW).stat().st_size / 1e6:.0f} MB; the cameras have the policy"


def published_policy(day: Day) -> str:
    """Return the digest of the policy that was published last: TUF names the file by it."""
    (policy,) = (day.desk.site / "published" / "targets").glob("*.policy.json")
    return policy.name.partition(".")[0]


def has_policy(camera: DayCamera, digest: str) -> bool:
    """Return whether the list that a camera accepted last came with this policy."""
    accepted = accepted_lists(camera)
    return bool(accepted) and accepted[-1].body["policy_digest"] == digest


def make_bundle(day: Day, version: str) -> None:
    """Build and sign the bundle of a version, as its maker."""
    content = day.folder / f"{version}-content"
    day.desk.tallylight("update", "build", day.image(version), content)
    maker = day.folder / "maker"
    key = ("--certificate", maker / "m.pem", "--key", maker / "m.key", "--yes")
    day.desk.tallylight("update", "sign", content, day.bundle(version), *key)


def fetch_the_bundle(day: Day) -> Path:
    """Let the first camera fetch it, and cut its power meanwhile; return the camera's copy."""
    camera, cuts = day.cameras[0], day.steps.cuts(2, CUT_PARTS)
    loaded: list[int] = []
    with day.steps.step("The first camera fetches it", CONTAINER) as step:
        for _ in range(cuts):
            camera.machine.systemctl("start", "--no-block", UPDATE)
            camera.wait("download", lambda: part_size(camera) > 0, LIST_S)
            time.sleep(day.steps.moment(0.0, 20.0))
            camera.power_off()
            loaded.append(part_size(camera))
            camera.power_on()
        camera.machine.systemctl("start", "--no-block", UPDATE)
        camera.wait("bundle", lambda: fetched(camera) is not None, FETCH_S)
        bundle = fetched(camera)
        assert bundle is not None
        assert bundle.read_bytes() == day.bundle(NEW).read_bytes()
        kept = ", ".join(f"{size / 1e6:.0f} MB" for size in loaded)
        step.seen = f"{cuts} power cuts, after {kept}; the bytes are the maker's"
    return bundle


def install_in_the_vm(day: Day, bundle: Path) -> CardInVm:
    """Install what was fetched on the first camera's card; cut its power in installs."""
    card, cuts = CardInVm(day.folder / "vm", day.cameras[0].card), day.steps.cuts(3, CUT_PARTS)
    day.cameras[0].power_off()
    for number in range(1, cuts + 1):
        with day.steps.step(f"Install of {NEW}, power cut {number}", VM) as step:
            after_s = day.steps.moment(0.0, 30.0)
            ended = card.install(bundle, cut_after_s=after_s)
            step.seen = f"{card.version}; {ended} after {after_s:.0f} s of the install"
            assert card.version == f"version={VERSIONS[0][0]} slot=a ready"
    with day.steps.step(f"Install of {NEW}, and the reset into it", VM) as step:
        ended = card.install(bundle)
        step.seen = f"{card.version}; {ended}"
        assert (ended, card.rom.tryboot) == (Ended.RESET, True)
    with day.steps.step(f"{NEW} is tried and committed", VM) as step:
        card.boot()
        step.seen = card.version
        assert card.version == f"version={NEW} slot=b ready"
    return card


def run_the_new_version(day: Day) -> None:
    """Boot the committed slot of the card beside the camera's own state: it is armed again."""
    camera = day.cameras[0]
    with day.steps.step(f"The first camera runs {NEW} and is armed", CONTAINER) as step:
        looks = camera.looks()
        camera.power_on()
        camera.wait("light", lambda: camera.looks() > looks, LIST_S)
        step.seen = f"version {camera.version()} in slot b, with the camera's own keys and list"
        assert camera.version() == NEW


def fall_back_from_the_bad_version(day: Day, card: CardInVm) -> None:
    """Install a version that never could arm: the boot after its trial runs the one before."""
    day.cameras[0].power_off()
    with day.steps.step(f"Install of {BAD}, which never could arm", VM) as step:
        ended = card.install(day.bundle(BAD))
        step.seen = f"{card.version}; {ended}"
        assert (ended, card.rom.tryboot) == (Ended.RESET, True)
    with day.steps.step(f"{BAD} is tried", VM) as step:
        ended = card.boot()
        step.seen = f"{card.version}; {ended}"
        assert (card.version, ended) == (f"version={BAD} slot=a never", Ended.RESET)
    with day.steps.step(f"{NEW} is back", VM) as step:
        card.boot()
        step.seen = card.version
        assert card.version == f"version={NEW} slot=b ready"


def wipe_one(day: Day) -> None:
    """Wipe the last camera's card: certificate, revocation, and a card that does not boot."""
    camera = day.cameras[-1]
    with day.steps.step("The last camera is wiped", FILES) as step:
        camera.power_off()
        certificate, key = (camera.state / "courier" / name for name in ("tls.crt", "tls.key"))
        assert broker_lets_in(day, certificate, key)
        words = ("wipe", day.desk.site, camera.id[:8], camera.card)
        installer = ("--key", day.desk.folder / "installer.key", "--confirm", camera.card.name)
        said = json.loads(day.desk.tallylight(*words, *installer, "--json", locked=True))
        day.desk.configure_broker()
        day.desk.start_broker()
        assert not broker_lets_in(day, certificate, key)
        assert not boots(camera.card)
        assert Path(said["certificate"]).with_suffix(".pdf").stat().st_size > 0
        day.desk.tallylight("camera", "remove", day.desk.site, camera.id[:8], "--yes")
        step.seen = f"{said['wiped_bytes'] / 1e6:.0f} MB overwritten; revoked; does not boot"


def broker_lets_in(day: Day, certificate: Path, key: Path) -> bool:
    """Return whether the broker takes an event of a camera with this certificate."""
    topic = f"tallylight/v1/{day.cameras[-1].id}/event"
    command: list[str | Path] = ["mosquitto_pub", "-V", "mqttv5", "-q", "1", "-h", BROKER]
    command += ["--cafile", day.desk.site / "broker/ca.pem", "--cert", certificate, "--key", key]
    command += ["-p", str(PORT), "-t", topic, "-m", "x"]
    done = subprocess.run(command, check=False, capture_output=True)
    return done.returncode == 0


def boots(card: Path) -> bool:
    """Return whether the boot ROM finds something to boot on a card."""
    try:
        BootRom(card).boot(lambda _line: True, 60.0)
    except BootRefused:
        return False
    return True


def part_size(camera: DayCamera) -> int:
    """Return how many bytes of a bundle a camera has so far."""
    return sum(each.stat().st_size for each in (camera.state / "bundles").glob("*.part"))


def fetched(camera: DayCamera) -> Path | None:
    """Return the bundle that a camera has fetched and verified."""
    return next((camera.state / "bundles").glob("*.raucb"), None)
