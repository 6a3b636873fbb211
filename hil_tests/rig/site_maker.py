"""A whole site on a desk, made with the project's own commands as its users would type them.

Two organisations, five root holders, a policy, one camera, two reviewers, a broker with mutual TLS,
and a list with one person, signed by both organisations. The keys are real; only their passphrase
is the same for all, and lies beside them.
"""

import json
import shutil
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any, Final

from nacl.signing import SigningKey, VerifyKey
from typer.testing import CliRunner

import estate.__main__ as estate_program
import provisioning.__main__ as site_program
from firmware.config import State
from firmware.identity import make_identity
from formats.camera_request import read_request
from formats.envelope import Kind
from formats.keyfile import Purpose
from formats.public_key_file import read_public_key
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.simulated_cable import desk_terms, register_on_desk
from provisioning.site.folder import open_site

NAME: Final = "demo-street"
PASSPHRASE: Final = "a desk holds no secrets"  # noqa: S105  # As it says.
INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended."""
REVIEWERS: Final = ("reviewer-1", "reviewer-2")
"""Two people, because no reviewer decides alone."""


def make_site(desk: DeskSite) -> None:
    """Hold the ceremony, sign the nets, register the camera, name reviewers, sign the policy."""
    desk.folder.mkdir(parents=True)
    desk.passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    plan = desk.folder / "plan.toml"
    agreed = tallylight("site", "plan", "--name", NAME)
    # A desk does not wait for a time server after each start, and has no accelerator.
    for said in ("unsynchronised", "processor"):
        agreed = agreed.replace(f"{said} = false", f"{said} = true")
    plan.write_text(agreed, encoding="utf-8")
    _on_site(desk, "site init", "--plan", str(plan), "--yes")
    _make_models(desk)
    _make_camera(desk)
    _make_estate(desk)
    for holder in sorted((desk.site / "keys").glob("targets-*.key"))[:2]:
        _on_site(desk, "policy sign", "--key", str(holder), "--yes")
    here = ("--at", str(desk.broker), "--state", str(desk.site / "broker-state"))
    own = ("--user", getuser(), "--port", str(desk.port))
    (desk.site / "broker-state").mkdir(mode=0o700)
    _on_site(desk, "broker config", *here, *own)
    _install(desk)


def copy_site(desk: DeskSite, folder: Path) -> DeskSite:
    """Return a copy of a whole site, with the same keys, in a folder that does not exist yet."""
    copy = DeskSite(folder, desk.port)
    shutil.copytree(desk.folder, folder, symlinks=True)
    for file in (copy.camera_config, copy.receiver_config, copy.broker / "mosquitto.conf"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(desk.folder), str(folder)), encoding="utf-8")
    return copy


def list_person(desk: DeskSite, picture: Path) -> str:
    """Put the person in the picture on the list; return the entry's handle."""
    organisation = _organisations(desk)[0]
    added = tallylight(
        *("list", "add", str(desk.site), "--picture", str(picture), "--until", _in_days(7)),
        *("--organisation", organisation, "--requested-by", "inspector", "--approved-by", "head"),
        *("--category", _categories(desk)[0], "--legal-basis", "warrant"),
        *("--necessity", "A demonstration: no real search."),
        *("--case-ref", "demo-1", "--source", "public-domain portrait"),
        "--json",
    )
    return str(json.loads(added)["handle"])


def publish_list(desk: DeskSite, *, signers: int = 2, by_broker: bool = False) -> None:
    """Build the list, have organisations sign it, and send it to the camera.

    Args:
        desk: of the site.
        signers: how many organisations sign.
        by_broker: whether the broker carries it; otherwise it is put into the camera's inbox.
    """
    keys = desk.site / "keys"
    sealer = min(keys.glob("list-seal-*.key"))
    _on_site(desk, "list build", "--key", str(sealer), "--yes")
    for holder in sorted(keys.glob("list-sign-*.key"))[:signers]:
        _on_site(desk, "list sign", "--key", str(holder), "--yes")
    if by_broker:
        _on_site(desk, "list publish", "--broker", f"localhost:{desk.port}")
        return
    inbox = desk.camera / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    _on_site(desk, "list publish", "--to", str(inbox))


def signers(desk: DeskSite) -> dict[Kind, VerifyKey]:
    """Return the keys whose signatures belong on the broker: the camera's and the estate's."""
    (request,) = (desk.site / "cameras").glob("*.json")
    return {
        Kind.EVENT: read_request(request.read_bytes()).identity.sign_key,
        Kind.RECEIPT: VerifyKey(
            read_public_key(desk.estate / "receipt.pub", Purpose.RECEIPT).public
        ),
    }


def tallylight(*words: str) -> str:
    """Run one command of `tallylight`; return what it printed.

    Raises:
        DeskRefused: the command refused; the message is the command's own.
    """
    return _run(site_program.app, words)


def tallylight_estate(*words: str) -> str:
    """Run one command of `tallylight-estate`; return what it printed."""
    return _run(estate_program.app, words)


def _on_site(desk: DeskSite, command: str, *words: str) -> str:
    passphrase = ("--passphrase-file", str(desk.passphrase))
    return tallylight(*command.split(), str(desk.site), *words, *passphrase)


def _run(app: Any, words: tuple[str, ...]) -> str:  # noqa: ANN401  # Typer's own application.
    result = CliRunner().invoke(app, words)
    if result.exit_code == INTERRUPTED:
        raise KeyboardInterrupt
    if result.exit_code:
        said = result.output.strip().splitlines()
        raise DeskRefused(said[-1] if said else f"{' '.join(words[:2])} failed: {result.exception}")
    return result.stdout


def _make_models(desk: DeskSite) -> None:
    """Vouch for the nets with a key of the desk's own, and make them the site's."""
    passphrase = ("--passphrase-file", str(desk.passphrase))
    key, bundle = desk.folder / "models.key", desk.folder / "models"
    tallylight("model", "key", str(key), "--holder", "desk", *passphrase)
    tallylight("model", "build", str(bundle), "--key", str(key), *passphrase, "--yes")
    trust = ("--trust", str(key.with_suffix(".pub")))
    tallylight("model", "adopt", str(desk.site), str(bundle), *trust, "--yes")


def _make_camera(desk: DeskSite) -> None:
    """Let the camera make its keys, and put it into the policy."""
    desk.camera_config.write_text(
        f"state_folder = '{desk.camera}'\n"
        f"models = '{desk.models}'\n"
        f"model_key = '{desk.model_key}'\n"
        "accelerator = 'cpu'\n"
        f"trusted_root = '{desk.site / 'root.json'}'\n"
        f"lamp_socket = '{desk.lamp_socket}'\nlamp_eye = 'photodiode'\n"
        "broker_host = 'localhost'\n"
        f"broker_port = {desk.port}\n"
        f"broker_ca = '{desk.broker / 'ca.pem'}'\n",
        encoding="utf-8",
    )
    state, root = State(desk.camera), (desk.site / "root.json").read_bytes()
    make_identity(state)
    terms = desk_terms(root, site=open_site(desk.site).policy.site)
    register_on_desk(state, root, desk.site, SigningKey.generate(), terms)
    request = str(desk.camera / "enrolment.json")
    place = ("--place", "the street of the demo", "--grounds", "the demo plays here")
    tallylight("camera", "add", str(desk.site), request, *place)


def _make_estate(desk: DeskSite) -> None:
    """Make the estate's keys and name their public halves in the recipients."""
    desk.estate.mkdir()
    passphrase = ("--passphrase-file", str(desk.passphrase))
    for reviewer in REVIEWERS:
        file = desk.estate / f"{reviewer}.key"
        tallylight_estate("key", "reviewer", str(file), "--holder", reviewer, *passphrase)
        named = ("--reviewer", reviewer, "--organisation", _organisations(desk)[-1])
        public = str(file.with_suffix(".pub"))
        tallylight("recipients", "add", str(desk.site), *named, "--key", public)
    for purpose in ("receipt", "ledger"):
        file = desk.estate / f"{purpose}.key"
        tallylight_estate("key", purpose, str(file), "--holder", "receiver", *passphrase)
        public = str(file.with_suffix(".pub"))
        tallylight("recipients", purpose, str(desk.site), "--key", public)


def _install(desk: DeskSite) -> None:
    """Put the certificates where camera and receiver look for them."""
    courier = desk.camera / "courier"
    camera = (courier / "camera-id").read_text(encoding="ascii")
    certificate, _ = desk.certificate(camera)
    (courier / "tls.crt").write_bytes(certificate.read_bytes())
    certificate, key = desk.certificate("receiver")
    desk.receiver_config.write_text(
        f"store = 'sqlite:///{desk.estate / 'events.sqlite'}'\n"
        f"cameras = '{desk.site / 'cameras'}'\n"
        f"receipt_key = '{desk.estate / 'receipt.key'}'\n"
        "broker_host = 'localhost'\n"
        f"broker_port = {desk.port}\n"
        f"broker_ca = '{desk.broker / 'ca.pem'}'\n"
        f"certificate = '{certificate}'\n"
        f"certificate_key = '{key}'\n"
        "name = 'receiver'\n"
        "group = 'receivers'\n"
        f"site = '{desk.camera / 'inbox'}'\n"
        f"trusted_root = '{desk.site / 'root.json'}'\n",
        encoding="utf-8",
    )


def _organisations(desk: DeskSite) -> list[str]:
    policy = json.loads(tallylight("policy", "show", str(desk.site), "--json"))
    return [str(supplier["organisation"]) for supplier in policy["suppliers"]]


def _categories(desk: DeskSite) -> list[str]:
    policy = json.loads(tallylight("policy", "show", str(desk.site), "--json"))
    return [str(category) for category in policy["categories"]]


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
