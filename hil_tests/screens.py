"""Screenshots of the terminal for docs/operate.md, from the real commands: `make screens`.

A whole site is made in a temporary folder, with the public-domain portrait of Grace Hopper. Keys
and handles are random, so every run draws other words and digits.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.text import Text

from hil_tests.desk.portraits import Person, portrait
from hil_tests.desk.site import DeskSite, list_person, make_site, publish_list, tallylight

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
        handle = list_person(desk, portrait(Person.HOPPER))
        tallylight("list", "build", str(desk.site), *_key(desk, "list-seal-example-police"))
        _run(desk, "sign", "list", "sign", *_key(desk, "list-sign-example-police"), "--yes")
        publish_list(desk)
        list_person(desk, portrait(Person.HOPPER))
        tallylight("list", "remove", str(desk.site), handle)
        tallylight("list", "build", str(desk.site), *_key(desk, "list-seal-example-police"))
        _run(desk, "sign-changes", "list", "sign", *_key(desk, "list-sign-example-estate"), "--yes")
        publish_list(desk)
        _run(desk, "history", "list", "history")
        _run(desk, "review", "list", "review")
        _run(desk, "policy", "policy", "show")


def _run(desk: DeskSite, name: str, noun: str, verb: str, *words: str) -> None:
    said = tallylight(noun, verb, str(desk.site), *words)
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
    # Whoever reads a document is not to be told to a server of fonts.
    drawing = re.sub(r"@font-face \{.*?\n    \}\n", "", drawing, flags=re.DOTALL)
    (SCREENS / f"{name}.svg").write_text(drawing, encoding="utf-8")
    sys.stdout.write(f"docs/screens/{name}.svg\n")


if __name__ == "__main__":
    main()
