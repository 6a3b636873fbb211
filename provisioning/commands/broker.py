"""`tallylight broker`: port, address, certificates and ACL of the MQTT broker; revoke, check."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from rich.table import Table

from formats.keyfile import Purpose
from formats.signer import Ed25519Signer
from formats.strict_json import JsonValue
from provisioning.broker.addresses import refuse_host
from provisioning.broker.certificates import AUTHORITY_LIFE, LEAF_LIFE
from provisioning.broker.check import check_broker
from provisioning.broker.configuration import (
    Planned,
    configure,
    find_client,
    planned,
    revoke_client,
)
from provisioning.broker.listener import INSTALLED_AT, STATE_AT, Listener
from provisioning.broker.mosquitto_files import ARCHIVE_FILE, CONFIGURATION_FILE, INSTALL_FILE
from provisioning.broker.tested_broker import Finding
from provisioning.commands.options import Folder, Json, PassphraseFile, print_result
from provisioning.errors import BrokerRefused
from provisioning.keys.passphrase import unlock_key
from provisioning.site.folder import Site, open_site
from terminal.tables import print_table

app = typer.Typer(
    help="Write certificates and configuration of the MQTT broker and its clients.",
    no_args_is_help=True,
)

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to which clients connect.")]
Hosts = Annotated[list[str], typer.Option("--host", help="A name or address of the broker.")]
User = Annotated[str, typer.Option(help="User of the broker's process if root starts it.")]
At = Annotated[Path, typer.Option(help="Folder of these files on the broker's machine.")]
State = Annotated[Path, typer.Option(help="Folder there for what must survive its restart.")]
Receivers = Annotated[int, typer.Option(min=1, max=64, help="Receivers that share the work.")]


@app.command()
def config(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    passphrase_file: PassphraseFile = None,
    *,
    host: Hosts = ["localhost", "127.0.0.1"],  # noqa: B006  # Typer reads it and copies it.
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8883,
    user: User = "mosquitto",
    at: At = Path(INSTALLED_AT),
    state: State = Path(STATE_AT),
    receivers: Receivers = 1,
    json: Json = False,
) -> None:
    """Issue missing certificates; write mosquitto's configuration, access rules and a tar."""
    site = open_site(folder)
    listener = Listener(
        hosts=host,
        bind=bind,
        port=port,
        user=user,
        receivers=receivers,
        at=PurePosixPath(at.absolute()),
        state=PurePosixPath(state.absolute()),
    )
    authority, now = _authority(site, passphrase_file), datetime.now(UTC)
    issued = planned(site, authority, listener, now)
    _show_certificates(issued, now, json=json)
    made = configure(site, authority, listener, now)
    archive, written = made.resolve() / ARCHIVE_FILE, at.absolute() / CONFIGURATION_FILE
    sentence = (
        f"Bring {archive} to the broker's machine and run there, as root: "
        f"tar -xf {ARCHIVE_FILE} && tallylight/{INSTALL_FILE}\n"
        f"By hand: put the files into {at.absolute()}, then mosquitto -c {written}"
    )
    if not listener.addresses:
        sentence += "\nNo camera reaches it yet: name its address as well, as in --host 192.0.2.10."
    addresses = list(listener.addresses)
    print_result(
        sentence,
        json=json,
        archive=str(archive),
        configuration=str(written),
        addresses=addresses,
        issued=[each.client for each in issued],
    )


def _show_certificates(issued: list[Planned], now: datetime, *, json: bool) -> None:
    """Show what the broker's key is about to sign; on the standard error if the result is JSON."""
    typer.echo(f"{len(issued)} certificates are signed now:", err=json)
    table = Table("Client", "Its place or purpose", "Until", "Why", box=None)
    for each in issued:
        life = AUTHORITY_LIFE if each.client == "authority" else LEAF_LIFE
        table.add_row(each.client, each.purpose, f"{now + life:%Y-%m-%d}", each.why)
    print_table(table, stderr=json)


@app.command()
def revoke(
    folder: Folder,
    client: Annotated[
        str, typer.Argument(help="A camera's id or its first digits; receiver or auditor.")
    ],
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Revoke a client's certificate; the broker refuses it after SIGHUP."""
    site = open_site(folder)
    name = find_client(site, client)
    revoke_client(site, _authority(site, passphrase_file), name, datetime.now(UTC))
    sentence = (
        f"{name} is revoked; the broker refuses it once it has the new crl.pem and SIGHUP. A "
        "camera stays revoked until it is registered again: tallylight camera add.\n"
        "The next list is sealed to it as long as the policy names it: tallylight camera remove."
    )
    print_result(sentence, json=json, revoked=name)


@app.command()
def check(
    folder: Folder,
    passphrase_file: PassphraseFile = None,
    *,
    host: Annotated[str, typer.Option(help="Name or address of the broker.")] = "localhost",
    port: Port = 8883,
    json: Json = False,
) -> None:
    """Try real connections: the broker refuses what it must, and does what the product needs."""
    refuse_host(host)
    site = open_site(folder)
    authority, findings = _authority(site, passphrase_file), list[Finding]()
    for finding in check_broker(site, authority, host, port, datetime.now(UTC)):
        findings.append(finding)
        if not json:
            typer.echo(f"{'ok  ' if finding.held else 'FAIL'}  {finding.what}")
            if not finding.held:
                typer.echo(f"      change in mosquitto.conf: {finding.line}")
    failed = sum(not finding.held for finding in findings)
    if json:
        rows: list[JsonValue] = [
            {"held": each.held, "what": each.what, "line": each.line} for each in findings
        ]
        print_result("", json=True, findings=rows)
    if failed:
        raise BrokerRefused(
            f"{failed} of these failed: start the broker with the configuration that tallylight "
            "broker config wrote, or send it SIGHUP if it runs with an older one."
        )


def _authority(site: Site, passphrase_file: Path | None) -> Ed25519Signer:
    return unlock_key(site.key(Purpose.BROKER), passphrase_file)
