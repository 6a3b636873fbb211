"""`tallylight model`: sign nets, show them, verify them, adopt them for a site, bring your own."""

from pathlib import Path
from typing import Annotated, Final

import typer
from nacl.signing import VerifyKey
from rich.console import Console
from rich.table import Table
from rich.text import Text

from formats.keyfile import (
    Purpose,
    read_key,
    read_public_key,
)
from formats.model_bundle import verify_bundle
from formats.strict_json import JsonValue
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    TokenLabel,
    make_key_file,
    refuse_other_purpose,
    say,
    signing,
)
from provisioning.nets import import_net as imports
from provisioning.nets.bundles import adopt as adopt_bundle
from provisioning.nets.bundles import build_bundle, read_unverified
from provisioning.site.folder import open_site
from recognition.contract import NetEntry
from recognition.eye import Eye
from recognition.manifest import Manifest

MODELS: Final = Path(__file__).parents[2] / "models"
"""The nets that came with this program, signed by nobody."""

app = typer.Typer(help="Sign nets, verify them, adopt them for a site.", no_args_is_help=True)

Bundle = Annotated[Path, typer.Argument(help="The model bundle: a folder.")]
Source = Annotated[Path, typer.Option("--from", help="Folder of nets and manifest.")]
Trust = Annotated[Path, typer.Option("--trust", help="Public key of whoever must have signed.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The new key file; its public half goes beside it.")],
    holder: Annotated[str, typer.Option(help="Who vouches for nets with it.")],
    token: TokenLabel = None,
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Make a key that signs model bundles."""
    make_key_file(file, Purpose.MODEL, holder, token=token, passphrase_file=passphrase_file)
    public = file.with_suffix(".pub")
    say(
        f"The key of {holder} is in {file}; whoever shall trust it gets {public}.",
        json=json,
        key=str(file),
        public=str(public),
    )


@app.command()
def build(  # noqa: PLR0913  # Each is an option.
    folder: Bundle,
    key: Annotated[Path, typer.Option(help="A key file made by tallylight model key.")],
    source: Source = MODELS,
    evaluation: Annotated[
        Path | None, typer.Option(help="JSON of models/evaluate for these nets.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Sign nets into a new bundle, after loading it as a camera will."""
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.MODEL)
    build_bundle(folder, source, signing(locked, passphrase_file), evaluation)
    sentence = f"{locked.holder} vouches for the nets in {folder}."
    say(sentence, json=json, **_fields(read_unverified(folder)))


@app.command()
def show(folder: Bundle, *, json: Json = False) -> None:
    """Show what a manifest says, signed or not."""
    manifest = read_unverified(folder)
    if json:
        say("", json=True, **_fields(manifest))
    else:
        Console(markup=False).print(_table(manifest))


@app.command()
def verify(folder: Bundle, trust: Trust, *, json: Json = False) -> None:
    """Load a bundle as a camera that trusts this key does, and say what it would run."""
    bundle = verify_bundle(folder, VerifyKey(read_public_key(trust)))
    manifest, signer = Eye.load(bundle).manifest, bytes(bundle.signer).hex()
    if not json:
        Console(markup=False).print(_table(manifest))
    sentence = f"Signed by the trusted key {signer}; every net is as signed."
    say(sentence, json=json, signer=signer, **_fields(manifest))


@app.command()
def adopt(
    site: Folder,
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    trust: Trust,
    *,
    json: Json = False,
) -> None:
    """Verify a bundle and make it the site's: people are enrolled with it, cameras run it."""
    place = open_site(site)
    manifest = adopt_bundle(place, bundle, VerifyKey(read_public_key(trust)))
    say(
        f"The site's model is {manifest.model_digest.hex()}.\n"
        f"Every camera's image carries {place.models} and {place.model_key}.\n"
        "Entries that were made with another model must be added again.",
        json=json,
        models=str(place.models),
        model_key=str(place.model_key),
        **_fields(manifest),
    )


@app.command("import")
def import_net(
    net: Annotated[Path, typer.Argument(help="An embedder: a TFLite file of int8 alone.")],
    about: Annotated[Path, typer.Option(help="TOML: see tallylight model example.")],
    to: Annotated[Path, typer.Option(help="New folder for its manifest and the detectors.")],
    source: Source = MODELS,
    *,
    json: Json = False,
) -> None:
    """Bring your own embedder, to be calibrated and then signed."""
    entry = imports.import_embedder(net, about, source, to)
    say(
        f"{entry.file} keeps its contract: {_contract(entry)}.\n"
        f"Calibrate it: python -m models.evaluate.calibrate FACES.zip {to}\n"
        f"Then sign it: tallylight model build BUNDLE --from {to} --key KEY",
        json=json,
        net=_net(entry),
    )


@app.command()
def example(*, json: Json = False) -> None:
    """Print what `import --about` wants, to start from."""
    say(imports.EXAMPLE.removesuffix("\n"), json=json, text=imports.EXAMPLE)


def _fields(manifest: Manifest) -> dict[str, JsonValue]:
    digest = manifest.evaluation_digest
    return {
        "model_digest": manifest.model_digest.hex(),
        "nets": [_net(entry) for entry in manifest.entries],
        "evaluation": None if digest is None else digest.hex(),
    }


def _net(entry: NetEntry) -> dict[str, JsonValue]:
    return {
        "file": entry.file,
        "sha256": entry.digest.hex(),
        "contract": _contract(entry),
        "source": entry.source,
        "licence": entry.licence,
    }


def _table(manifest: Manifest) -> Table:
    table = Table(title=f"Model {manifest.model_digest.hex()}", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")  # A digest that ends in dots is none.
    for entry in manifest.entries:
        table.add_row(
            Text(entry.file),
            Text(
                f"{entry.digest.hex()}\n{_contract(entry)}\n"
                f"from {entry.source}, {entry.licence}\ntrained on: {entry.training}"
            ),
        )
    measured = manifest.calibration
    least, most = measured.rates[0], measured.rates[-1]
    table.add_row(
        "calibration",
        Text(
            f"{measured.pairs} pairs of {measured.pictures}, {measured.runtime}\n"
            f"thresholds {least.score_ppm} to {most.score_ppm} ppm"
        ),
    )
    digest = manifest.evaluation_digest
    none = "NOT EVALUATED: run models/evaluate, then build with --evaluation"
    table.add_row("evaluation", none if digest is None else digest.hex())
    return table


def _contract(entry: NetEntry) -> str:
    given = ", ".join(str(list(one.shape)) for one in entry.outputs)
    return f"{list(entry.input.shape)} int8 -> {given} int8"
