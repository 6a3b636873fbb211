"""Screenshots of the terminal for docs/operate.md, from the real commands: `make docs-screens`.

A whole site is made in a temporary folder, with the public-domain portrait of Grace Hopper. Keys
and handles are random, so every run draws other words and digits.
"""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import list_person, make_site, publish_list, tallylight
from hil_tests.scenes.portraits import Person, portrait
from provisioning.__main__ import app

WIDTH: Final = 96
SCREENS: Final = Path("docs/screens")


def main() -> None:
    """Draw every screen."""
    SCREENS.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        desk = DeskSite(Path(folder) / "desk", 8883)
        make_site(desk)
        record = (desk.site / "ceremony-1.txt").read_text("utf-8")
        _draw("ceremony", "cat ceremony-1.txt", "\n".join(record.splitlines()[:26]))
        _draw_picture_check(desk)
        handle = list_person(desk, portrait(Person.HOPPER))
        _build(desk)
        _run(desk, "sign", "list", "sign", *_key(desk, "list-sign-example-police"), "--yes")
        publish_list(desk)
        tallylight("list", "remove", str(desk.site), handle, "--yes")
        list_person(desk, portrait(Person.HOPPER))
        _build(desk)
        _run(desk, "sign-changes", "list", "sign", *_key(desk, "list-sign-example-estate"), "--yes")
        publish_list(desk)
        _run(desk, "history", "list", "history")
        _run(desk, "review", "list", "review")
        _run(desk, "policy", "policy", "show")


def _build(desk: DeskSite) -> None:
    tallylight("list", "build", str(desk.site), *_key(desk, "list-seal-example-police"), "--yes")


def _draw_picture_check(desk: DeskSite) -> None:
    """Draw three additions: two good pictures, one of another person, one behind dark glasses."""
    pictures = desk.folder / "pictures"
    pictures.mkdir()
    with Image.open(portrait(Person.HOPPER)) as opened:
        hopper = opened.convert("RGB")
    hopper.save(pictures / "first.jpg", quality=95)
    ImageEnhance.Brightness(ImageOps.mirror(hopper)).enhance(1.2).save(pictures / "second.jpg")
    dark = hopper.copy()
    ImageDraw.Draw(dark).rounded_rectangle((205, 160, 345, 205), 20, fill=(15, 15, 15))
    dark.save(pictures / "glasses.jpg")
    with Image.open(portrait(Person.COLLINS)) as opened:
        opened.convert("RGB").save(pictures / "other.jpg")
    _add(desk, "add", "first.jpg", "second.jpg")
    (entry,) = (desk.site / "entries").iterdir()
    entry.unlink()
    _add(desk, "add-refused", "first.jpg", "second.jpg", "other.jpg")
    _add(desk, "add-covered", "first.jpg", "glasses.jpg")


def _add(desk: DeskSite, name: str, *pictures: str) -> None:
    given = [word for picture in pictures for word in ("--picture", picture)]
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    said = [
        *("--organisation", "Example Police", "--requested-by", "Inspector"),
        *("--approved-by", "Superintendent", "--category", "missing person"),
        *("--legal-basis", "Some Act, section 1", "--necessity", "Nothing else found them."),
        *("--case-ref", "CR/1", "--source", "Family", "--until", until),
    ]
    found = [str(desk.folder / "pictures" / w) if w in pictures else w for w in given]
    result = CliRunner().invoke(app, ["list", "add", str(desk.site), *found, *said])
    shown = result.output.replace(str(desk.site), "mill-lane")
    _draw(name, f"tallylight list add mill-lane {' '.join(given)} ...", shown)


def _run(desk: DeskSite, name: str, noun: str, verb: str, *words: str) -> None:
    said = tallylight(noun, verb, str(desk.site), *words).replace(str(desk.site), "mill-lane")
    shown = [word for word in words if word not in {"--passphrase-file", str(desk.passphrase)}]
    typed = " ".join([Path(word).name if "/" in word else word for word in shown])
    _draw(name, f"tallylight {noun} {verb} mill-lane {typed}".strip(), said)


def _key(desk: DeskSite, name: str) -> tuple[str, str, str, str]:
    key = desk.site / "keys" / f"{name}.key"
    return "--key", str(key), "--passphrase-file", str(desk.passphrase)


def _draw(name: str, typed: str, said: str) -> None:
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text(f"$ {typed}\n{said.rstrip()}"))
        drawing = console.export_svg(title="Tallylight")
    # A document must not load fonts from a server, which would learn of each reader.
    drawing = re.sub(r"@font-face \{.*?\n    \}\n", "", drawing, flags=re.DOTALL)
    (SCREENS / f"{name}.svg").write_text(drawing, encoding="utf-8")
    sys.stdout.write(f"docs/screens/{name}.svg\n")


if __name__ == "__main__":
    main()
