"""A memory card holds the image whole, or it does not boot."""

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from formats.errors import Refused
from provisioning.__main__ import app
from provisioning.errors import FlashRefused
from provisioning.flash.batch import Work, write_cards
from provisioning.flash.block_devices import Target, choose
from provisioning.flash.card import Progress, write_card
from provisioning.flash.card_list import open_list
from provisioning.flash.image import CardImage, open_image
from provisioning.tests.card_images import BLOCK, write_image


def nothing(_phase: str, _done: int) -> None:
    """Watch nothing."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "card.img")


def card(path: Path, content: bytes = b"") -> Target:
    path.write_bytes(content)
    return choose([str(path)], [])[0]


def flash(image: Path, target: Target, watch: Callable[[str, int], None] = nothing) -> bool:
    with open_image(image) as opened:
        return write_card(opened, target, watch)


def test_a_card_gets_the_image_and_nothing_of_what_it_held_remains_in_its_way(
    image: Path, tmp_path: Path
) -> None:
    target = card(tmp_path / "card", b"\xff" * (700 * BLOCK))
    assert flash(image, target)
    written, wanted = Path(target.path).read_bytes(), image.read_bytes()
    assert written[: 3 * BLOCK] == wanted[: 3 * BLOCK]
    assert written[100 * BLOCK : 400 * BLOCK] == wanted[100 * BLOCK : 400 * BLOCK]
    assert not any(written[600 * BLOCK :]), "an old partition table at the end was left"


def test_a_card_that_holds_the_image_is_read_back_and_left(image: Path, tmp_path: Path) -> None:
    target = card(tmp_path / "card")
    phases: list[str] = []
    assert flash(image, target)
    assert not flash(image, target, lambda phase, _: phases.append(phase))
    assert set(phases) == {"reading back"}


@pytest.mark.parametrize("block", [0, 2, 100, 399])
def test_a_card_that_lost_a_byte_is_written_again(image: Path, tmp_path: Path, block: int) -> None:
    target = card(tmp_path / "card")
    flash(image, target)
    with Path(target.path).open("r+b") as file:
        file.seek(block * BLOCK + 17)
        file.write(bytes([file.read(1)[0] ^ 1]))
    assert flash(image, target)


def test_a_card_that_does_not_keep_what_it_is_given_is_refused_and_does_not_boot(
    image: Path, tmp_path: Path
) -> None:
    target = card(tmp_path / "card")
    total = 303 * BLOCK

    def wear(phase: str, done: int) -> None:
        if (phase, done) == ("writing", total):
            with Path(target.path).open("r+b") as file:
                file.seek(200 * BLOCK)
                file.write(b"worn")

    with pytest.raises(FlashRefused, match="blocks 100 to 399: throw this card away"):
        flash(image, target, wear)
    assert not any(Path(target.path).read_bytes()[:BLOCK])


def test_a_damaged_image_leaves_a_card_that_does_not_boot(image: Path, tmp_path: Path) -> None:
    with image.open("r+b") as file:
        file.seek(399 * BLOCK)
        file.write(b"damage")
    target = card(tmp_path / "card")
    with pytest.raises(FlashRefused, match="damaged in the blocks 100 to 399"):
        flash(image, target)
    assert not any(Path(target.path).read_bytes()[:BLOCK])


def test_a_card_exchanged_after_it_was_shown_is_refused(image: Path, tmp_path: Path) -> None:
    target = replace(card(tmp_path / "card"), number=os.makedev(8, 16))
    with pytest.raises(FlashRefused):
        flash(image, target)
    assert not Path(target.path).read_bytes()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_compressed_image_is_unpacked_once(
    image: Path, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    suffix = ".gz" if pack is gzip.compress else ".xz"
    packed = image.with_name(image.name + suffix)
    packed.write_bytes(pack(image.read_bytes()))
    content = image.read_bytes()
    image.unlink()
    target = card(tmp_path / "card")
    assert flash(packed, target)
    assert Path(target.path).read_bytes()[: 400 * BLOCK] == content[: 400 * BLOCK]
    whole = packed.read_bytes()
    for damaged in (whole[:-9], whole[:12] + bytes([whole[12] ^ 0xFF]) + whole[13:]):
        packed.write_bytes(damaged)
        with pytest.raises(FlashRefused, match="damaged"):
            flash(packed, target)


def test_an_image_of_another_size_than_its_map_is_refused(image: Path, tmp_path: Path) -> None:
    packed = image.with_name("card.img.gz")
    packed.write_bytes(gzip.compress(image.read_bytes() + bytes(BLOCK)))
    with pytest.raises(FlashRefused, match="more than its block map says"):
        flash(packed, card(tmp_path / "card"))
    os.truncate(image, BLOCK)
    with pytest.raises(FlashRefused, match="copy both again"):
        flash(image, card(tmp_path / "card"))


def test_one_failing_card_does_not_stop_the_others(image: Path, tmp_path: Path) -> None:
    exchanged = replace(card(tmp_path / "b"), number=os.makedev(8, 16))
    targets = [card(tmp_path / "a"), exchanged, card(tmp_path / "c")]
    with open_image(image) as opened:
        works = write_cards(opened, targets, lambda _: None)
    assert [work.written for work in works] == [True, None, True]
    assert "in use or gone" in works[1].failure or "exchanged" in works[1].failure


def test_a_card_that_hangs_is_given_up(image: Path, tmp_path: Path) -> None:
    pulled_out = Event()

    def write(opened: CardImage, target: Target, progress: Progress) -> bool:
        if target.path.endswith("hangs"):
            pulled_out.wait(60)
        return write_card(opened, target, progress)

    targets = [card(tmp_path / "hangs"), card(tmp_path / "works")]
    with open_image(image) as opened:
        hangs, works = write_cards(opened, targets, lambda _: None, write=write, silent_s=0.5)
        pulled_out.set()
    assert works.written
    assert (hangs.written, hangs.phase) == (None, "failed")
    assert "no answer" in hangs.failure


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from provisioning.flash.block_devices import choose
from provisioning.flash.card import Progress, write_card
from provisioning.flash.image import CardImage, open_image
steps = 0
def watch(phase, done):
    global steps
    steps += 1
    if steps == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with open_image(Path(sys.argv[1])) as image:
    write_card(image, choose([sys.argv[2]], [])[0], watch)
"""


@pytest.mark.parametrize("step", [1, 2])
def test_a_run_that_is_killed_leaves_a_card_without_its_first_block(
    image: Path, tmp_path: Path, step: int
) -> None:
    target = card(tmp_path / "card", b"\xff" * BLOCK)
    program = [sys.executable, "-c", KILLED_AT, str(image), target.path, str(step)]
    done = subprocess.run(program, check=False)
    if done.returncode == -signal.SIGKILL:
        assert not any(Path(target.path).read_bytes()[:BLOCK])
    assert flash(image, choose([target.path], [])[0]) == (done.returncode != 0)


def test_a_run_whose_terminal_is_closed_leaves_no_temporary_file(
    image: Path, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    packed = image.with_name("card.img.gz")
    packed.write_bytes(gzip.compress(image.read_bytes()))
    shown, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "provisioning", "flash", str(packed), "--simulate", "1"],
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stdin=terminal, stderr=subprocess.PIPE, start_new_session=True,
    ) as run:  # fmt: skip
        assert run.stderr is not None
        said = b""
        while b"Type card-1" not in said:
            said += os.read(run.stderr.fileno(), 4096) or pytest.fail(said.decode())
        assert len(list((tmp_path / "tmp").iterdir())) == 2
        run.send_signal(signal.SIGHUP)
        run.stderr.read()
    os.close(shown)
    os.close(terminal)
    assert run.returncode == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def signed(folder: Path, *, by: str, content: bytes) -> None:
    (folder / "SHA256SUMS").write_bytes(content)
    (folder / "SHA256SUMS.sig").unlink(missing_ok=True)
    words = ["ssh-keygen", "-Y", "sign", "-q", "-n", "tallylight-release", "-f", str(folder / by)]
    subprocess.run([*words, str(folder / "SHA256SUMS")], check=True)


def key(folder: Path, name: str) -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
    subprocess.run(words, check=True)
    return (folder / f"{name}.pub").read_text()


def test_with_allowed_signers_an_image_of_another_hand_is_refused(
    image: Path, tmp_path: Path
) -> None:
    (tmp_path / "signers").write_text(f"tallylight {key(tmp_path, 'release')}")
    key(tmp_path, "other")
    sums = subprocess.run(
        ["sha256sum", "card.img.bmap"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    run = ["flash", str(image), "--simulate", "1", "--confirm", "card-1"]
    run += ["--signers", str(tmp_path / "signers")]

    signed(tmp_path, by="release", content=sums)
    done = CliRunner().invoke(app, run)
    assert (done.exit_code, "signed by a signer" in done.stderr) == (0, True)
    signed(tmp_path, by="other", content=sums)
    assert "not signed by a signer" in CliRunner().invoke(app, run).stderr
    signed(tmp_path, by="release", content=b"0" + sums[1:])
    assert "not the one that SHA256SUMS names" in CliRunner().invoke(app, run).stderr
    (tmp_path / "SHA256SUMS.sig").unlink()
    assert "copy the whole folder" in CliRunner().invoke(app, run).stderr


def test_nothing_is_written_before_the_names_are_typed(image: Path, tmp_path: Path) -> None:
    target = card(tmp_path / "card", b"holiday pictures")
    for words in ([], ["--confirm", "yes"]):
        done = CliRunner().invoke(app, ["flash", str(image), target.path, *words])
        assert done.exit_code == 1
        assert "othing was written" in done.stderr
    assert Path(target.path).read_bytes() == b"holiday pictures"


def test_a_batch_counts_each_card_once_over_several_runs(image: Path, tmp_path: Path) -> None:
    run = ["flash", str(image), str(tmp_path / "card"), "--confirm", "card", "--json"]
    run += ["--list", str(tmp_path / "cards.jsonl"), "--cards", "3"]

    def once() -> tuple[str, bool, str]:
        done = CliRunner().invoke(app, run)
        row = json.loads(done.stdout)
        return row["end"], row["counted_before"], done.stderr.splitlines()[-1]

    assert once() == ("written", False, "1 of 3 cards are written.")
    assert once() == ("held it already", True, "1 of 3 cards are written.")
    assert once() == ("held it already", True, "1 of 3 cards are written."), "put in a third time"
    (tmp_path / "card").unlink()  # The next card is put in.
    assert once() == ("written", False, "2 of 3 cards are written.")

    lines = (tmp_path / "cards.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "cards.jsonl").write_text("".join(lines[:-1]))
    assert once() == ("held it already", False, "2 of 3 cards are written."), "killed before"


@pytest.mark.parametrize("content", ["my notes\n", "[" * 10_000 + "\n"], ids=["notes", "deep"])
def test_a_file_that_is_no_list_is_refused_and_kept(
    image: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "notes").write_text(content)
    run = ["flash", str(image), "--simulate", "1", "--confirm", "card-1"]
    done = CliRunner().invoke(app, [*run, "--list", str(tmp_path / "notes")])
    assert (done.exit_code, "of no list of cards" in done.stderr) == (1, True)
    assert (tmp_path / "notes").read_text() == content


def test_a_reader_that_stays_empty_for_a_round_keeps_its_unfinished_card(tmp_path: Path) -> None:
    first, second = (card(tmp_path / name) for name in "ab")
    with open_list(tmp_path / "list", b"image") as counted:
        counted.begin([first, second])
    with open_list(tmp_path / "list", b"image") as counted:  # After the power cut.
        assert counted.finish([Work(first, written=False)]) == []
        assert counted.finish([Work(second, written=False)]) == []
        assert counted.written == 2


def test_two_runs_do_not_count_in_one_list(image: Path, tmp_path: Path) -> None:
    run = ["flash", str(image), "--simulate", "1", "--confirm", "card-1"]
    run += ["--list", str(tmp_path / "list")]
    with open_list(tmp_path / "list", b"image"):
        done = CliRunner().invoke(app, run)
    assert (done.exit_code, "Another tallylight flash" in done.stderr) == (1, True)
    assert CliRunner().invoke(app, run).exit_code == 0


def test_what_a_run_needs_is_not_overwritten(image: Path, tmp_path: Path) -> None:
    packed = image.with_name("card.img.gz")
    packed.write_bytes(gzip.compress(image.read_bytes()))
    (tmp_path / "second name").hardlink_to(packed)
    before = packed.read_bytes()
    for name in ("card.img.gz", "second name", "card.img.bmap", "list"):
        run = ["flash", str(packed), str(tmp_path / name), "--confirm", name]
        done = CliRunner().invoke(app, [*run, "--list", str(tmp_path / "list")])
        assert (done.exit_code, "is needed for this run" in done.stderr) == (1, True), name
    assert packed.read_bytes() == before


def test_the_end_of_a_card_is_cleared_also_within_a_block(image: Path, tmp_path: Path) -> None:
    target = card(tmp_path / "card", b"\xff" * (700 * BLOCK + 512))
    assert flash(image, target)
    assert not any(Path(target.path).read_bytes()[600 * BLOCK :])


def test_what_may_be_written_is_listed_without_a_device(image: Path) -> None:
    done = CliRunner().invoke(app, ["flash", str(image)])
    assert done.exit_code == 0
    assert "Not offered" in done.stdout or "/dev/" in done.stdout


def test_without_a_block_map_the_sentence_names_it(image: Path) -> None:
    image.with_name("card.img.bmap").unlink()
    with pytest.raises(Refused, match=r"The block map card\.img\.bmap is not beside the image"):
        flash(image, Target("/none", 0, 0, "", "", "", ""))
