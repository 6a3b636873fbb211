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
    last_listener,
    planned,
    revoke_client,
)
from provisioning.broker.listener import INSTALLED_AT, RECEIVERS_LIMIT, STATE_AT, Listener
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
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="A name or address of the broker. At first localhost, 127.0.0.1."),
]
Bind = Annotated[str | None, typer.Option(help="Address to listen on. At first 127.0.0.1.")]
ListenPort = Annotated[
    int | None,
    # mosquitto gives up root before it listens.
    typer.Option(min=1024, max=65535, help="Port to which clients connect. At first 8883."),
]
User = Annotated[
    str | None,
    typer.Option(help="User of the broker's process if root starts it. At first mosquitto."),
]
At = Annotated[
    Path | None,
    typer.Option(help=f"Folder of these files on the broker's machine. At first {INSTALLED_AT}."),
]
State = Annotated[
    Path | None,
    typer.Option(help=f"Folder there for what must survive its restart. At first {STATE_AT}."),
]
Receivers = Annotated[
    int | None,
    typer.Option(min=1, max=RECEIVERS_LIMIT, help="Receivers that share the work. At first 1."),
]


@app.command()
def config(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    passphrase_file: PassphraseFile = None,
    *,
    host: Hosts = None,
    bind: Bind = None,
    port: ListenPort = None,
    user: User = None,
    at: At = None,
    state: State = None,
    receivers: Receivers = None,
    json: Json = False,
) -> None:
    """Issue missing certificates; write mosquitto's configuration, access rules and a tar.

    An option that is not given stays as it was the last time.
    """
    site = open_site(folder)
    last = last_listener(site)
    listener = Listener(
        hosts=host or last.hosts,
        bind=last.bind if bind is None else bind,
        port=port or last.port,
        user=last.user if user is None else user,
        receivers=receivers or last.receivers,
        at=PurePosixPath(at.absolute()) if at else last.at,
        state=PurePosixPath(state.absolute()) if state else last.state,
    )
    authority, now = _authority(site, passphrase_file), datetime.now(UTC)
    issued = planned(site, authority, listener, now)
    _show_certificates(issued, now, json=json)
    archive = configure(site, authority, listener, now).resolve() / ARCHIVE_FILE
    written = listener.at / CONFIGURATION_FILE
    print_result(
        f"{_described(listener)}\n{_installing(archive)}\n"
        f"By hand: put the files into {listener.at}, then mosquitto -c {written}",
        json=json,
        archive=str(archive),
        configuration=str(written),
        addresses=list(listener.addresses),
        issued=[each.client for each in issued],
    )


def _described(listener: Listener) -> str:
    """Say where the broker listens, and if no camera reaches it there."""
    sentence = (
        f"The broker listens at {listener.bind}, port {listener.port}; clients call it "
        f"{', '.join(listener.hosts)}; receivers: {listener.receivers}."
    )
    if not listener.addresses:
        sentence += "\nNo camera reaches it yet: name its address as well, as in --host 192.0.2.10."
    if listener.is_local:
        sentence += "\nOnly its own machine reaches it: name where to listen, as in --bind 0.0.0.0."
    return sentence


def _installing(archive: Path) -> str:
    return (
        f"Bring {archive} to the broker's machine and run there, as root: "
        f"tar -xf {ARCHIVE_FILE} && tallylight/{INSTALL_FILE}"
    )


def _show_certificates(issued: list[Planned], now: datetime, *, json: bool) -> None:
    """Show what the broker's key is about to sign; on the standard error if the result is JSON."""
    typer.echo(f"Certificates that are signed now: {len(issued)}", err=json)
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
    """Revoke a client's certificate; the broker refuses it once broker.tar is installed again."""
    site = open_site(folder)
    name = find_client(site, client)
    revoke_client(site, _authority(site, passphrase_file), name, datetime.now(UTC))
    if name in site.withdrawn_cameras():
        then = (
            "It gets no certificate until it is registered again: tallylight camera add.\nThe next "
            "list is sealed to it as long as the policy names it: tallylight camera remove."
        )
    else:
        then = f"The next tallylight broker config issues a new certificate to {name}."
    sentence = (
        f"{name} is revoked here. The broker lets it in until it has the new files.\n"
        f"{_installing(site.broker.resolve() / ARCHIVE_FILE)}\n"
        "That starts the broker again, and ends every connection. Then tallylight broker check "
        f"shows that it has the new revocation list.\n{then}"
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
                if finding.unfit:
                    typer.echo(f"      {finding.unfit}")
    failed = sum(not finding.held for finding in findings)
    if json:
        rows: list[JsonValue] = [
            {"held": each.held, "what": each.what, "line": each.line, "unfit": each.unfit}
            for each in findings
        ]
        print_result("", json=True, findings=rows)
    if failed:
        raise BrokerRefused(
            f"{failed} of these failed: install broker.tar again if the broker runs with older "
            "files, else change what is named."
        )


def _authority(site: Site, passphrase_file: Path | None) -> Ed25519Signer:
    return unlock_key(site.key(Purpose.BROKER), passphrase_file)
