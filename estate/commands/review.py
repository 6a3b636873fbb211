"""`tallylight-estate review`: run one reviewer's console, a web page on the loopback address."""

import json
import secrets
import socket
import webbrowser
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
import uvicorn

from estate.commands.listening import listening_socket
from estate.commands.options import AsJson, Settings, current_site, open_office
from estate.commands.own_keys import unlock_reviewer_keys
from estate.config import Office
from estate.console.app import make_console
from estate.console.desk import Desk
from estate.console.seat import Seat
from estate.passphrase import PassphraseFile
from estate.store.envelopes import Store
from formats.whole_file import PRIVATE, write_whole

SHUTDOWN_S: Final = 5
"""Longest wait for answers that are still being sent."""


def review(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    key: Annotated[Path, typer.Option("--key", help="The reviewer's key file.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the loopback address; 0: any.")
    ] = 0,
    passphrase_file: PassphraseFile = None,
    *,
    browser: Annotated[bool, typer.Option(help="Open the page at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open the review console. It prints its address, which works on this machine alone."""
    office, store = open_office(config)
    seat = Seat(partial(_desk, office, store, key), _desk(office, store, key, passphrase_file))
    name = seat.desk.reviewer.name
    with listening_socket(port) as listening, TemporaryDirectory() as private:
        number, token = listening.getsockname()[1], secrets.token_urlsafe(32)
        host = f"{secrets.token_hex(8)}.localhost:{number}"
        address = f"http://{host}/?token={token}"
        sentence = f"The console of {name} is at {address}"
        machines = json.dumps({"reviewer": name, "address": address})
        typer.echo(machines if as_json else sentence)
        if browser:
            webbrowser.open(_link(Path(private), address))
        _serve(seat, office.books, listening, host, token)
    store.close()


def _desk(office: Office, store: Store, key: Path, passphrase: str | Path | None) -> Desk:
    """Return the reviewer's desk, with both keys unlocked.

    No caller keeps a key beside it: a lock must drop the last one.

    Raises:
        KeyRefused: a key file is missing, or the passphrase does not open it.
        Refused: the site or the store does not answer, or does not name this reviewer.
    """
    keys = unlock_reviewer_keys(key, current_site(office), passphrase)
    return Desk(store, lambda: current_site(office), *keys)


def _link(folder: Path, address: str) -> str:
    """Return the address of a file that opens the console.

    What a browser is started with stands in the process list, for every user to read. The file can
    be read by this user alone.
    """
    file = folder / "console.html"
    page = f'<meta http-equiv="refresh" content="0; url={address}">'
    write_whole(file, page.encode(), mode=PRIVATE)
    return file.as_uri()


def _serve(seat: Seat, books: Path, listening: socket.socket, host: str, token: str) -> None:
    def is_stopping() -> bool:
        return server.should_exit

    console = make_console(seat, books, host, token, is_stopping)
    server = uvicorn.Server(
        uvicorn.Config(
            console,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )
    server.run(sockets=[listening])
