"""The morning: a site, its image, three cards, and three cameras that are registered."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import cv2

from hil_tests.long.installer_day.bench import Laptop, labels, registered_ids
from hil_tests.long.installer_day.container import DayCamera
from hil_tests.long.installer_day.day_folder import (
    CAMERAS,
    CONTAINER,
    CUT_PARTS,
    DESK,
    FILES,
    VERSIONS,
    Day,
)
from hil_tests.rig.virtual.overlay import SOURCE
from hil_tests.scenes.street import street

HOPPER_WALKS: Final = slice(35, 75)
"""The pictures of the street in which the listed person is whole."""
_OPENSSL_LEAF: Final = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=codeSigning\n"


def begin_the_site(day: Day) -> None:
    """Hold the ceremony; adopt the nets; name reviewers and installer; make the maker's keys."""
    with day.steps.step("A site, its people, its broker", DESK) as step:
        day.desk.begin_site()
        folder = day.folder / "maker"
        folder.mkdir()
        (folder / "leaf.ext").write_text(_OPENSSL_LEAF, encoding="ascii")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        authority = ("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Maker CA", "-days", "9")
        signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext")
        for words in (
            ("req", "-x509", *curve, *authority),
            ("req", *curve, "-keyout", "m.key", "-out", "m.csr", "-subj", "/CN=Maker"),
            ("x509", "-req", "-in", "m.csr", *signed_by, "-days", "9", "-out", "m.pem"),
        ):
            subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
        shutil.copy(folder / "ca.pem", day.desk.site / "maker.pem")
        step.seen = "two organisations, two reviewers, one installer"


def make_images(day: Day) -> None:
    """Make the image for the site; of it, three versions with the rig's two stand-ins."""
    recipe = SOURCE / "provisioning/device/image"
    with day.steps.step("The image, and three versions of it", FILES) as step:
        whole = day.folder / "images" / "whole"
        words: list[str | Path] = ["virtual", whole, day.cache, sys.executable, day.desk.site]
        subprocess.run([recipe / "make-image", *words], check=True, capture_output=True)
        for version, verdict in VERSIONS:
            made = day.image(version)
            stand_in = SOURCE / "hil_tests/tests/vm_slot"
            trust = day.desk.site / "maker.pem"
            subprocess.run([stand_in, whole, version, verdict, trust, made], check=True)
        subprocess.run([recipe / "card", day.image(VERSIONS[0][0])], check=True)
        size = (day.image(VERSIONS[0][0]) / "system.img").stat().st_size
        step.seen = f"{size / 1e6:.0f} MB a slot"


def flash_cards(day: Day) -> None:
    """Flash all cards at once; cut the laptop's power at random moments, and go on."""
    image = day.image(VERSIONS[0][0]) / "card.img"
    (day.folder / "cards").mkdir()
    cards = [day.folder / "cards" / f"{number}.img" for number in range(1, CAMERAS + 1)]
    names = " ".join(card.name for card in cards)
    words: list[str | Path] = ["flash", image, *cards, "--confirm", names]
    with day.steps.step("Cards are flashed, all at once", FILES) as step:
        cuts, torn = day.steps.cuts(0, CUT_PARTS), 0
        for _ in range(cuts):
            torn += cut_a_flash(day, words, cards, image)
        day.desk.tallylight(*words)
        assert all(same_bytes(card, image) for card in cards)
        step.seen = f"{CAMERAS} cards as the image; {cuts} power cuts left {torn} that do not boot"
    pictures = draw_pictures(day.folder / "pictures")
    for number, card in enumerate(cards, 1):
        seen = pictures["street" if number == 1 else "empty"]
        folder = day.folder / f"camera-{number}"
        folder.mkdir()
        day.cameras.append(DayCamera(number, folder, card, seen))


def cut_a_flash(day: Day, words: list[str | Path], cards: list[Path], image: Path) -> int:
    """Cut the laptop's power while it writes; return how many cards do not boot then."""
    for card in cards:
        card.unlink(missing_ok=True)
    command = [sys.executable, "-m", "provisioning", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        while program.poll() is None and not cards[0].exists():
            time.sleep(0.02)
        time.sleep(day.steps.moment(0.0, 8.0))
        program.send_signal(signal.SIGKILL)
    return sum(not boots_or_is_whole(card, image) for card in cards if card.exists())


def boots_or_is_whole(card: Path, image: Path) -> bool:
    """Return whether a card is the image; assert that it does not boot otherwise."""
    if same_bytes(card, image):
        return True
    found = subprocess.run(["sfdisk", "-J", card], capture_output=True, check=False)
    assert found.returncode != 0, f"{card} is not whole and has a partition table"
    return False


def same_bytes(card: Path, image: Path) -> bool:
    """Return whether two files have the same bytes, up to the end of the image."""
    size = str(image.stat().st_size)
    return subprocess.run(["cmp", "-s", "-n", size, card, image], check=False).returncode == 0


def draw_pictures(folder: Path) -> dict[str, Path]:
    """Draw what the cameras see: the street with the listed person, and an empty one."""
    drawn = {"street": list(street())[HOPPER_WALKS], "empty": [next(street(walks=()))]}
    for name, pictures in drawn.items():
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(pictures):
            to = folder / name / f"{number:03}.png"
            cv2.imwrite(str(to), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return {name: folder / name for name in drawn}


def register_cameras(day: Day) -> None:
    """Register all cameras; cut the power of laptop and cameras at random moments, and go on."""
    with day.steps.step("Cameras boot from their cards, new", CONTAINER) as step:
        for camera in day.cameras:
            camera.power_on()
        step.seen = "no failed unit" if not failed_units(day) else failed_units(day)
    with day.steps.step("They are registered over their cables", CONTAINER) as step:
        laptop, cuts = Laptop(day.desk, day.cameras), day.steps.cuts(1, CUT_PARTS)
        for number in range(cuts):
            left = CAMERAS - len(registered_ids(day.desk))
            if left == 0:
                break
            laptop.start(left)
            laptop.attend_for(day.steps.moment(2.0, 45.0))
            if number % 2 == 0:
                laptop.kill()
                continue
            camera = day.cameras[int(day.steps.random.integers(CAMERAS))]
            camera.power_off()
            laptop.attend_for(day.steps.moment(0.0, 3.0))
            laptop.kill()
            camera.power_on()
        register_the_rest(day, laptop)
        ids = registered_ids(day.desk)
        for camera in day.cameras:
            camera.id = ids[camera.serial]
            camera.wait("record", (camera.state / "registration.json").exists)
        assert len(set(ids.values())) == CAMERAS
        step.seen = (
            f"{CAMERAS} ids, {len(labels(day.desk))} labels, {laptop.typed} codes, {cuts} cuts"
        )


def register_the_rest(day: Day, laptop: Laptop) -> None:
    """Let the laptop run until each camera keeps its record."""
    for _ in range(3):
        without = [
            camera for camera in day.cameras if not (camera.state / "registration.json").exists()
        ]
        if not without:
            return
        laptop.start(len(without))
        laptop.attend_to_the_end()
        laptop.kill()


def failed_units(day: Day) -> str:
    """Return the failed units of all cameras, in words."""
    found = [each.machine.systemctl("--failed", "--plain", "--no-legend") for each in day.cameras]
    return "; ".join(filter(None, found))
