"""`tallylight register`: register cameras over their cables; name installers; list cameras."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from formats.counts import counted
from formats.errors import Malformed
from formats.keyfile import Purpose, read_key
from formats.public_keys import signing_key
from formats.registration_record import Registration
from formats.site_network import SiteNetwork
from formats.strict_json import JsonValue
from provisioning.broker.addresses import refuse_host
from provisioning.broker.certificates import requested_key
from provisioning.broker.configuration import authority_of
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.commands.bench_screen import BenchScreen, ask, say
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    TokenLabel,
    print_result,
    read_named_key,
)
from provisioning.errors import BrokerRefused, CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.keys.passphrase import make_key_file, refuse_other_purpose, unlock_key
from provisioning.registration.addresses import AddressBook
from provisioning.registration.bench import CABLES_LIMIT, Bench
from provisioning.registration.cable import named_cables, usb_cables
from provisioning.registration.code_reader import TypedCode
from provisioning.registration.exchange import Terms
from provisioning.registration.practice import pretend_bench
from provisioning.registration.printer import LabelPrinter
from provisioning.site.folder import Site, open_site
from provisioning.site.installers import (
    installer_name,
    name_installer,
    take_out_installer,
)
from provisioning.site.registrations import Manifest, believed
from provisioning.site.wiped import wiped_cameras
from terminal.fingerprints import fingerprint_words
from terminal.tables import print_table

app = typer.Typer(
    help="Register cameras over their cables; name the installers who may.", no_args_is_help=True
)
_PEM_LIMIT: Final = 4096
_BOARDS_LIMIT: Final = 64 * 1024

InstallerKey = Annotated[Path, typer.Argument(help="Public half of the installer's key, *.pub.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The new key file; its public half goes beside it.")],
    holder: Annotated[str, typer.Option(help="Name of the installer.")],
    token: TokenLabel = None,
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Make an installer's key: it signs the registrations of one laptop."""
    made = make_key_file(
        file, Purpose.INSTALLER, holder, token=token, passphrase_file=passphrase_file
    )
    words = fingerprint_words(made.public)
    print_result(
        f"The key of {holder} is in {file}: {words}\nThe desk names this installer with "
        f"tallylight register installer, and {file.with_suffix('.pub')}.",
        json=json,
        key=str(file),
        words=words,
    )


@app.command()
def installer(
    folder: Folder,
    public: InstallerKey,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take this installer out.")] = False,
    json: Json = False,
) -> None:
    """Believe an installer's records; or, after a laptop was lost, believe them no more."""
    site = open_site(folder)
    given = read_named_key(public, Purpose.INSTALLER)
    verify_key = signing_key(given.public)
    name, words = installer_name(verify_key), fingerprint_words(bytes(verify_key))
    if remove:
        take_out_installer(site, verify_key)
        sentence = (
            f"Records of installer {name} are not believed any more: {words}\nIf the laptop held "
            "the broker's key, replace it: tallylight desk replace-key --purpose broker"
        )
    else:
        name_installer(site, verify_key)
        sentence = (
            f"Records of installer {name}, {given.holder or 'of an unknown holder'}, are believed: "
            f"{words}\nCompare these words with the installer's own; if they differ, run this "
            "again with --remove."
        )
    print_result(sentence, json=json, installer=name, words=words, believed=not remove)


@app.command("list")
def show(folder: Folder, *, json: Json = False) -> None:
    """List the cameras that believed installers have registered."""
    site = open_site(folder)
    there = {place.camera.camera_id for place in site.policy.places}
    gone = wiped_cameras(site)
    rows: list[dict[str, JsonValue]] = [
        {
            "camera": one.identity.camera_id.hex(),
            "board": one.board.serial,
            "key": str(one.board.key),
            "bench": one.acceptance.place,
            "training": one.acceptance.training,
            "installer": installer_name(one.hello.installer),
            "in_policy": one.identity.camera_id in there,
            "wiped": one.identity.camera_id in gone,
        }
        for one in believed(site)
    ]
    if json:
        print_result("", json=True, cameras=rows)
        return
    table = Table("camera", "board", "key", "bench", "policy")
    for row in rows:
        level = f"{row['key']}{', training' if row['training'] else ''}"
        named = "yes" if row["in_policy"] else "not yet: tallylight camera add-registered"
        if row["wiped"]:
            named = "wiped; tallylight camera remove" if row["in_policy"] else "wiped"
        table.add_row(str(row["camera"])[:8], str(row["board"]), level, str(row["bench"]), named)
    print_table(table)
    if not rows:
        typer.echo(
            "No camera yet: name the installer with tallylight register installer, then take the "
            "stick with tallylight take."
        )


@app.command()
def practise(
    *,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many pretend cameras.")] = 2,
    json: Json = False,
) -> None:
    """Practise a registration with pretend cameras: no hardware, no site; nothing is kept."""

    def label(one: Registration) -> None:
        words = fingerprint_words(b"".join(one.identity.public_keys))
        say(f"The label of {one.board.serial} would be printed now: {words}")

    def lamp(stars: str) -> None:
        say(f"Its lamp blinks once for each star:   {stars}")

    with pretend_bench(count, lamp) as made:
        screen = BenchScreen()
        bench = Bench(made.manifest, made.terms, TypedCode(ask, say), label, screen.show)
        bench.retry_s = 0.1
        try:
            bench.run(made.cables, count)
        except KeyboardInterrupt:
            bench.stopped.set()
        found = len(made.manifest.found)
    done = f"{counted(found, 'pretend camera')} registered. Nothing was kept."
    print_result(done, json=json, registered=found)


@app.command()
def cameras(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    key: Annotated[Path, typer.Option(help="The installer's key file.")],
    host: Annotated[str, typer.Option(help="Name or address of the broker, for the cameras.")],
    passphrase_file: PassphraseFile = None,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the broker.")] = 8883,
    count: Annotated[int, typer.Option(min=1, max=1024, help="End after so many cameras.")] = 1024,
    link: Annotated[
        list[str] | None, typer.Option(help="A network link with one camera; default: all on USB.")
    ] = None,
    boards: Annotated[
        Path | None, typer.Option(help="File with the serial numbers read from the boards.")
    ] = None,
    address: Annotated[
        str,
        typer.Option(help="Address of the first camera, as 192.0.2.21/24; others follow."),
    ] = "",
    gateway: Annotated[str, typer.Option(help="Address of the site's router.")] = "",
    time_server: Annotated[
        list[str] | None, typer.Option(help="Address of a time server (NTP).")
    ] = None,
    printer: Annotated[str, typer.Option(help="Label printer in CUPS; default: PDF alone.")] = "",
    training: Annotated[
        bool, typer.Option("--training", help="Register boards that keep no key: not real ones.")
    ] = False,
    json: Json = False,
) -> None:
    """Register the cameras that hang on this laptop's cables, until Ctrl-C or `--count`."""
    refuse_host(host)
    site, locked = open_site(folder), read_key(key)
    refuse_other_purpose(locked, Purpose.INSTALLER)
    cables = named_cables(link) if link else usb_cables()
    if not cables or len(cables) > CABLES_LIMIT:
        raise CameraRefused(
            f"{len(cables)} cables were found, and there can be 1 to {CABLES_LIMIT}: plug a "
            "camera in, or name its network link with --link."
        )
    # Passphrases are asked for before any camera is.
    signer = unlock_key(locked, passphrase_file)
    manifest = Manifest(site, signer)
    first = _network(address, gateway, time_server or [])
    network = AddressBook(first, manifest, host).next_network
    terms = replace(
        _terms(site, passphrase_file, host, port, _serials(boards), training=training),
        network=network,
    )
    labels, screen = LabelPrinter(site, printer), BenchScreen()
    bench = Bench(manifest, terms, TypedCode(ask, say), labels.print_label, screen.show)
    typer.echo(
        f"{counted(len(cables), 'cable')}; waiting for cameras. Ctrl-C ends; nothing is lost.",
        err=True,
    )
    try:
        bench.run(cables, count)
    except KeyboardInterrupt:
        bench.stopped.set()
    print_result(
        f"{counted(len(manifest.found), 'camera')} in {manifest.path}: bring it to the desk with "
        "tallylight give.",
        json=json,
        manifest=str(manifest.path),
        cameras=[one.identity.camera_id.hex() for one in manifest.found],
    )


def _network(address: str, gateway: str, time_servers: list[str]) -> SiteNetwork:
    try:
        return SiteNetwork(address, gateway, tuple(time_servers))
    except Malformed as error:
        raise CameraRefused(f"{error} Name it as in --address 192.0.2.21/24.") from error


def _terms(  # noqa: PLR0913  # Each comes from an option.
    site: Site,
    passphrase_file: Path | None,
    host: str,
    port: int,
    boards: frozenset[str] | None,
    *,
    training: bool,
) -> Terms:
    try:
        authority_pem = read_foreign(site.folder, f"broker/{AUTHORITY_FILE}", limit=_PEM_LIMIT)
    except FileNotFoundError as error:
        raise BrokerRefused(
            "The site has no broker yet: run tallylight broker config first."
        ) from error
    broker_key = unlock_key(site.key(Purpose.BROKER), passphrase_file)

    def certify(name: str, csr: bytes) -> bytes:
        authority = authority_of(site, broker_key, datetime.now(UTC))
        return authority.client_certificate(name, requested_key(csr))

    return Terms(
        site=site.policy.site,
        root=site.root,
        authority=authority_pem,
        certify=certify,
        broker_host=host,
        broker_port=port,
        now=lambda: datetime.now(UTC),
        training=training,
        boards=boards,
    )


def _serials(file: Path | None) -> frozenset[str] | None:
    """Return the serial numbers in a file, one a line."""
    if file is None:
        return None
    content = read_foreign(file.parent, file.name, limit=_BOARDS_LIMIT)
    return frozenset(content.decode("ascii", "replace").split())
