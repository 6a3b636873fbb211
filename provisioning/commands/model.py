"""`tallylight model`: sign nets; show, verify and adopt a bundle; import your own embedder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from nacl.signing import VerifyKey

from formats.keyfile import Purpose, read_key
from formats.model_bundle import verify_bundle
from formats.public_keys import signing_key
from formats.strict_json import JsonValue
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    TokenLabel,
    Yes,
    print_result,
    read_named_key,
)
from provisioning.errors import SiteRefused
from provisioning.keys.passphrase import make_key_file, refuse_other_purpose, unlock_key
from provisioning.nets.bundles import (
    MODELS,
    adopt_bundle,
    build_bundle,
    manifest_to_sign,
    read_unverified,
    refuse_occupied,
    remove_bundle,
    site_bundle,
)
from provisioning.nets.import_net import EXAMPLE, import_embedder
from provisioning.nets.manifest_items import manifest_items, trusted_item
from provisioning.site.folder import Site, open_site
from recognition.contract import NetEntry
from recognition.eye import Eye
from recognition.manifest import Manifest
from terminal import consent as screen
from terminal.differences import Item

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
        Path | None,
        typer.Option(
            help="JSON of models/evaluate for these nets; ours lies in the default of --from."
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read the manifest, then sign the nets into a new bundle, if a camera can load it."""
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.MODEL)
    refuse_occupied(folder)
    content = manifest_to_sign(source, evaluation)
    asked = f"{locked.holder} is asked to vouch for these nets."
    shown = screen.described(asked, manifest_items(content))
    screen.agree(shown, "Sign this manifest?", yes=yes, json=json)
    build_bundle(folder, source, unlock_key(locked, passphrase_file), content)
    sentence = f"{locked.holder} vouches for the nets in {folder}."
    print_result(sentence, json=json, **_fields(read_unverified(folder)))


@app.command()
def show(folder: Bundle, *, json: Json = False) -> None:
    """Show a manifest, signed or not."""
    if json:
        print_result("", json=True, **_fields(read_unverified(folder)))
    else:
        unsigned = "No signature was verified: tallylight model verify does that."
        screen.show(screen.described(unsigned, manifest_items(manifest_to_sign(folder))))


@app.command()
def verify(folder: Bundle, trust: Trust, *, json: Json = False) -> None:
    """Verify a bundle and load it, as a camera does that trusts this key."""
    bundle = verify_bundle(folder, _trusted(trust))
    manifest, signer = Eye.load(bundle).manifest, bytes(bundle.signer).hex()
    if not json:
        items = [trusted_item(bundle.signer), *manifest_items(bundle.manifest)]
        screen.show(screen.described("", items))
    sentence = f"Signed by the trusted key {signer}; every net is as signed."
    print_result(sentence, json=json, signer=signer, **_fields(manifest))


@app.command()
def adopt(
    site: Folder,
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    trust: Trust,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Verify a bundle, read what changes, and adopt it: cameras run it, people are enrolled."""
    adopting = open_site(site)
    offered = verify_bundle(bundle, _trusted(trust))
    asked = f"The site {adopting.policy.site} is to trust this key, and to run these nets."
    before = _adopted(adopting)
    items = [trusted_item(offered.signer), *manifest_items(offered.manifest)]
    shown = screen.compared(asked, before, items, since="the nets that the site runs now")
    screen.agree(shown, "Adopt these nets?", yes=yes, json=json)
    manifest = adopt_bundle(adopting, offered)
    print_result(
        f"The site's model is {manifest.model_digest.hex()}.\n"
        f"Every camera's image carries {adopting.models} and {adopting.model_key}.\n"
        "Entries that were made with another model must be added again.",
        json=json,
        models=str(adopting.models),
        model_key=str(adopting.model_key),
        **_fields(manifest),
    )


def _trusted(file: Path) -> VerifyKey:
    return signing_key(read_named_key(file, Purpose.MODEL).public)


def _adopted(site: Site) -> Sequence[Item] | None:
    """Return the nets that the site has adopted; None if there are none that verify."""
    try:
        bundle = site_bundle(site)
    except SiteRefused:
        return None
    return [trusted_item(bundle.signer), *manifest_items(bundle.manifest)]


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


def _contract(entry: NetEntry) -> str:
    given = ", ".join(str(list(one.shape)) for one in entry.outputs)
    return f"{list(entry.input.shape)} int8 -> {given} int8"
