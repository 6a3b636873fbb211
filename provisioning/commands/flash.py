"""`tallylight flash`: write a card image onto several memory cards, and read each back."""

import json as jsonlib
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from provisioning.commands.cards import card_table, confirm_names
from provisioning.commands.options import Json
from provisioning.errors import FlashRefused
from provisioning.flash.batch import Work, write_cards
from provisioning.flash.block_devices import Refusal, Target, choose, is_package, judge, read_disks
from provisioning.flash.card_list import CardList, open_list
from provisioning.flash.image import CardImage, open_image, verify_release
from terminal.fingerprints import fingerprint_words
from terminal.tables import print_table

app = typer.Typer()

Devices: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(help="The cards, such as /dev/sdb; or files. Without one: list what is there."),
]
NotRemovable: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="A device that the system calls built in and that is a card all the same."),
]


@app.command()
def flash(  # noqa: PLR0913  # Typer's options.
    image: Annotated[Path, typer.Argument(help="The card image: .img, .img.gz or .img.xz.")],
    devices: Devices = None,
    *,
    signers: Annotated[
        Path | None, typer.Option(help="Allowed signers of releases, as in ssh-keygen(1).")
    ] = None,
    cards: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many cards to write in all.")
    ] = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="File that counts the cards, to go on later.")
    ] = None,
    not_removable: NotRemovable = None,
    confirm: Annotated[
        str | None, typer.Option(help="What you would type to confirm, for scripts.")
    ] = None,
    simulate: Annotated[
        int | None, typer.Option(min=1, max=64, help="Write this many pretend cards, to practise.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a card image onto memory cards, several at once, and read each card back.

    The command shows what would be overwritten and asks for the devices' names. A card that was
    not written and read back whole does not boot.
    """
    if cards is not None and list_file is None:
        raise FlashRefused("--cards counts over several rounds: name the file for it with --list.")
    if signers is not None:
        verify_release(image, signers)
    if not (devices or simulate):
        with open_image(image):
            _print_devices(not_removable or [], json=json)
        return
    with (
        _ended_like_ctrl_c(),
        open_image(image) as opened,
        _pretend_cards(simulate) as pretend,
        open_list(list_file, opened.digest) if list_file else nullcontext() as counted,
    ):
        needed = [image, image.with_suffix(".bmap"), image.with_name(f"{image.name}.bmap")]
        needed += [each for each in (list_file, signers) if each is not None]
        failed = False
        while True:
            targets = choose(
                [*(devices or []), *pretend],
                read_disks(),
                not_removable=not_removable or [],
                needed=needed,
            )
            _confirm(opened, targets, confirm, signed=signers is not None)
            failed |= _round(opened, targets, counted, json=json)
            if counted is None or cards is None:
                break
            typer.echo(f"{counted.written} of {cards} cards are written.", err=True)
            if counted.written >= cards or not sys.stdin.isatty():
                break
            typer.prompt("Put in the next cards, then press Enter", default="", err=True)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, remove the unpacked image and pretend cards."""
    signals = (signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, signal.default_int_handler) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _pretend_cards(number: int | None) -> Iterator[list[str]]:
    with TemporaryDirectory(prefix="tallylight-pretend-") as folder:
        yield [str(Path(folder) / f"card-{n}") for n in range(1, (number or 0) + 1)]


def _print_devices(not_removable: Sequence[str], *, json: bool) -> None:
    disks = [disk for disk in read_disks() if not is_package(disk)]
    judged = [judge(disk, not_removable=not_removable) for disk in disks]
    if json:
        rows = [
            {"path": found.path, "may_be_written": isinstance(found, Target)}
            | ({"why_not": found.why} if isinstance(found, Refusal) else {})
            for found in judged
        ]
        typer.echo(jsonlib.dumps(rows))
        return
    offered = [found for found in judged if isinstance(found, Target)]
    if offered:
        print_table(card_table(offered))
    else:
        typer.echo("There is no card that may be written: put one into a reader.")
    for found in judged:
        if isinstance(found, Refusal):
            typer.echo(f"Not offered: {found.why}")


def _confirm(
    image: CardImage, targets: Sequence[Target], confirm: str | None, *, signed: bool
) -> None:
    """Show the image and what it will overwrite, and have the devices' names typed."""
    checked = "signed by a signer that you named" if signed else "its signature was not checked"
    typer.echo(
        f"{image.path.name}, {image.blocks.mapped_bytes / 1e6:.0f} MB to write, {checked}.\n"
        f"Words of the image: {fingerprint_words(image.digest)}\n\n"
        "All that is on these cards will be lost:",
        err=True,
    )
    print_table(card_table(targets), stderr=True)
    confirm_names(targets, confirm)


def _round(
    image: CardImage, targets: list[Target], counted: CardList | None, *, json: bool
) -> bool:
    """Write the cards that are in the readers now; return whether one of them failed."""
    if counted is not None:
        counted.begin(targets)
    with Live(
        console=Console(stderr=True, markup=False), refresh_per_second=5, transient=True
    ) as live:
        works = write_cards(image, targets, lambda now: live.update(_progress(image, now)))
    before = counted.finish(works) if counted is not None else []
    for work in works:
        _print_end(image, work, again=work in before, json=json)
    return any(work.failure for work in works)


def _progress(image: CardImage, works: Sequence[Work]) -> Table:
    table = Table("Card", "Step", "Done", box=None)
    for work in works:
        share = work.done / image.blocks.mapped_bytes
        table.add_row(work.target.path, work.phase, "" if work.finished else f"{share:.0%}")
    return table


def _print_end(image: CardImage, work: Work, *, again: bool, json: bool) -> None:
    path = work.target.path
    if json:
        end = "failed" if work.failure else "written" if work.written else "held it already"
        fields = {"path": path, "end": end, "why": work.failure, "counted_before": again}
        typer.echo(jsonlib.dumps(fields | {"seconds": round(work.seconds, 1)}))
    elif work.failure:
        typer.echo(f"{path}: NOT written. {work.failure}")
    elif work.written:
        speed = image.blocks.mapped_bytes / 1e6 / max(work.seconds, 0.001)
        typer.echo(f"{path}: written and read back in {work.seconds:.0f} s ({speed:.0f} MB/s).")
    elif again:
        typer.echo(f"{path}: this card was counted before; put in another one.")
    else:
        typer.echo(f"{path}: held the image already, and was read back; left as it was.")
