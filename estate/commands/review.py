"""`tallylight-estate review`: one reviewer's console, on this machine alone."""

import json
import secrets
import socket
import webbrowser
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from estate.commands.office import AsJson, Settings, open_office, site_now
from estate.console.app import make_console
from estate.console.desk import Desk
from estate.passphrase import PassphraseFile, read_purpose, unlocking
from formats.keyfile import Purpose, unlock_opening, unlock_signing

HOST: Final = "127.0.0.1"
GOODBYE_S: Final = 5
"""Longest wait for what is still being answered."""


def review(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    key: Annotated[Path, typer.Option("--key", help="The reviewer's key file.")],
    port: Annotated[int, typer.Option(help="Of the loopback address; 0: any.")] = 0,
    passphrase_file: PassphraseFile = None,
    *,
    browser: Annotated[bool, typer.Option(help="Open the page at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open the review console; its address is printed, and works on this machine alone."""
    office, store = open_office(config)
    locked, passphrase = unlocking(key, Purpose.REVIEWER, passphrase_file)
    opening = unlock_opening(locked, passphrase)
    beside = key.with_suffix(".verdict.key")
    signing = unlock_signing(read_purpose(beside, Purpose.VERDICT), passphrase)
    desk = Desk(store, lambda: site_now(office), opening, signing)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()  # Whoever reads the address may call at once.
        number, token = listening.getsockname()[1], secrets.token_urlsafe(32)
        address = f"http://{HOST}:{number}/?token={token}"
        said = f"The console of {desk.reviewer.name} is at {address}"
        machines = json.dumps({"reviewer": desk.reviewer.name, "address": address})
        typer.echo(machines if as_json else said)
        if browser:
            webbrowser.open(address)

        def ending() -> bool:
            return server.should_exit

        console = make_console(desk, office.books / "portraits", number, token, ending)
        server = uvicorn.Server(
            uvicorn.Config(
                console,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GOODBYE_S,
            )
        )
        server.run(sockets=[listening])
    store.close()
