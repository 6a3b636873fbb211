"""`tallylight model`: sign nets; show, verify and adopt a bundle; import your own embedder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from formats.keyfile import Purpose, read_key, read_public_key
from formats.model_bundle import verify_bundle
from formats.public_keys import signing_key
from formats.strict_json import JsonValue
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    TokenLabel,
    print_result,
)
from provisioning.keys.passphrase import make_key_file, refuse_other_purpose, unlock_key
from provisioning.nets.bundles import (
    MODELS,
    adopt_bundle,
    build_bundle,
    read_unverified,
    remove_bundle,
)
from provisioning.nets.import_net import EXAMPLE, import_embedder
from provisioning.site.folder import open_site
from recognition.contract import NetEntry
from recognition.eye import Eye
from recognition.manifest import Manifest
from terminal.tables import print_table

app = typer.Typer(help="Sign nets, verify them, adopt them for a site.", no_args_is_help=True)

Bundle = Annotated[Path, typer.Argument(help="The model bundle: a folder.")]
Source = Annotated[Path, typer.Option("--from", help="Folder of nets and manifest.")]
Trust = Annotated[Path, typer.Option("--trust", help="Public key that must have signed the nets.")]


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The new key file; its public half goes beside it.")],
    holder: Annotated[str, typer.Option(help="Office that vouches for nets with it.")],
    token: TokenLabel = None,
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Make a key that signs model bundles."""
    make_key_file(file, Purpose.MODEL, holder, token=token, passphrase_file=passphrase_file)
    public = file.with_suffix(".pub")
    print_result(
        f"The key of {holder} is in {file}; give {public} to every site that trusts it.",
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
    build_bundle(folder, source, unlock_key(locked, passphrase_file), evaluation)
    sentence = f"{locked.holder} vouches for the nets in {folder}."
    print_result(sentence, json=json, **_fields(read_unverified(folder)))


@app.command()
def show(folder: Bundle, *, json: Json = False) -> None:
    """Show a manifest, signed or not."""
    manifest = read_unverified(folder)
    if json:
        print_result("", json=True, **_fields(manifest))
    else:
        print_table(_table(manifest))


@app.command()
def verify(folder: Bundle, trust: Trust, *, json: Json = False) -> None:
    """Verify a bundle and load it, as a camera does that trusts this key."""
    bundle = verify_bundle(folder, signing_key(read_public_key(trust)))
    manifest, signer = Eye.load(bundle).manifest, bytes(bundle.signer).hex()
    if not json:
        print_table(_table(manifest))
    sentence = f"Signed by the trusted key {signer}; every net is as signed."
    print_result(sentence, json=json, signer=signer, **_fields(manifest))


@app.command()
def adopt(
    site: Folder,
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    trust: Trust,
    *,
    json: Json = False,
) -> None:
    """Verify a bundle and adopt it: people are enrolled with it, cameras run it."""
    adopting = open_site(site)
    manifest = adopt_bundle(adopting, bundle, signing_key(read_public_key(trust)))
    print_result(
        f"The site's model is {manifest.model_digest.hex()}.\n"
        f"Every camera's image carries {adopting.models} and {adopting.model_key}.\n"
        "Entries that were made with another model must be added again.",
        json=json,
        models=str(adopting.models),
        model_key=str(adopting.model_key),
        **_fields(manifest),
    )


@app.command()
def remove(site: Folder, *, json: Json = False) -> None:
    """Take the adopted nets out: no list is built and no person added until others are adopted."""
    digest = remove_bundle(open_site(site)).hex()
    print_result(
        f"The site has no nets any more; these were {digest}. Cameras run theirs until they get "
        "another list or another image. Then: tallylight model adopt.",
        json=json,
        model_digest=digest,
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
    """Import your own embedder; then calibrate it and sign it."""
    entry = import_embedder(net, about, source, to)
    print_result(
        f"{entry.file} keeps its contract: {_contract(entry)}.\n"
        f"Calibrate it: python -m models.evaluate.calibrate FACES.zip {to}\n"
        f"Then sign it: tallylight model build BUNDLE --from {to} --key KEY",
        json=json,
        net=_net(entry),
    )


@app.command()
def example(*, json: Json = False) -> None:
    """Print an example of the file that `import --about` reads."""
    print_result(EXAMPLE.removesuffix("\n"), json=json, text=EXAMPLE)


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
    table.add_column(overflow="fold")  # A digest must not be cut.
    for entry in manifest.entries:
        table.add_row(
            Text(entry.file),
            Text(
                f"{entry.digest.hex()}\n{_contract(entry)}\n"
                f"from {entry.source}, {entry.licence}\ntrained on: {entry.training}"
            ),
        )
    calibration = manifest.calibration
    least, most = calibration.rates[0], calibration.rates[-1]
    table.add_row(
        "calibration",
        Text(
            f"{calibration.pairs} pairs of {calibration.pictures}, {calibration.runtime}\n"
            f"thresholds {least.score_ppm} to {most.score_ppm} ppm"
        ),
    )
    digest = manifest.evaluation_digest
    missing = "NOT EVALUATED: run models/evaluate, then build with --evaluation"
    table.add_row("evaluation", missing if digest is None else digest.hex())
    return table


def _contract(entry: NetEntry) -> str:
    given = ", ".join(str(list(one.shape)) for one in entry.outputs)
    return f"{list(entry.input.shape)} int8 -> {given} int8"
