"""`tallylight broker`: make what the MQTT broker and its clients need."""

from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import Purpose
from formats.signer import Ed25519Signer
from provisioning.broker.check import Finding, check
from provisioning.broker.configuration import Listener, configure, revoke_client
from provisioning.commands.options import Folder, Json, PassphraseFile, say, signing
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site, open_site

app = typer.Typer(help="Make what the MQTT broker and its clients need.", no_args_is_help=True)

Port = Annotated[int, typer.Option(min=1, max=65535, help="Where clients connect.")]
Hosts = Annotated[list[str], typer.Option("--host", help="A name or address of the broker.")]
User = Annotated[str, typer.Option(help="As whom the broker runs if it is started by root.")]

Receivers = Annotated[int, typer.Option(min=1, max=64, help="Receivers that share the work.")]


@app.command()
def config(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    passphrase_file: PassphraseFile = None,
    *,
    host: Hosts = ["localhost", "127.0.0.1"],  # noqa: B006  # Typer reads it and copies it.
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8883,
    user: User = getuser(),  # noqa: B008  # Does not change while a command runs.
    receivers: Receivers = 1,
    json: Json = False,
) -> None:
    """Issue what certificates are missing and write mosquitto's configuration."""
    site = open_site(folder)
    listener = Listener(hosts=host, bind=bind, port=port, user=user, receivers=receivers)
    made = configure(site, _authority(site, passphrase_file), listener, datetime.now(UTC))
    written = made.resolve() / "mosquitto.conf"
    said = f"Start the broker with: mosquitto -c {written}"
    if not listener.addresses:
        said += "\nNo camera reaches it yet: name its address as well, as in --host 192.0.2.10."
    addresses = list(listener.addresses)
    say(said, json=json, configuration=str(written), addresses=addresses)


@app.command()
def revoke(
    folder: Folder,
    client: Annotated[str, typer.Argument(help="A camera's id, receiver or auditor.")],
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Let the broker refuse a client; then send it SIGHUP."""
    site = open_site(folder)
    revoke_client(site, _authority(site, passphrase_file), client, datetime.now(UTC))
    say(f"{client} is revoked; the broker refuses it after SIGHUP.", json=json, revoked=client)


@app.command("check")
def check_broker(
    folder: Folder,
    passphrase_file: PassphraseFile = None,
    *,
    host: Annotated[str, typer.Option(help="Where the broker is.")] = "localhost",
    port: Port = 8883,
    json: Json = False,
) -> None:
    """Prove with real connections that the broker refuses what it must."""
    site = open_site(folder)
    authority, found = _authority(site, passphrase_file), list[Finding]()
    for finding in check(site, authority, host, port, datetime.now(UTC)):
        found.append(finding)
        if not json:
            typer.echo(f"{'ok  ' if finding.held else 'FAIL'}  {finding.what}")
    missing = sum(not finding.held for finding in found)
    if json:
        say("", json=True, findings=[{"held": one.held, "what": one.what} for one in found])
    if missing:
        raise BrokerRefused(
            f"{missing} of these failed: start the broker with the configuration that tallylight "
            "broker config wrote, or send it SIGHUP if it runs with an older one."
        )


def _authority(site: Site, passphrase_file: Path | None) -> Ed25519Signer:
    return signing(site.key(Purpose.BROKER), passphrase_file)
