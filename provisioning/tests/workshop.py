"""Makes sites for the tests: the commands as a user types them, and the files that they need."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from typer.testing import CliRunner

from formats.camera_request import CameraIdentity, write_request
from formats.envelope import sender_id
from formats.keyfile import Cost, unlock_signing
from provisioning.__main__ import app
from provisioning.broker.certificates import private_pem
from provisioning.nets.bundles import MODELS, build_bundle, manifest_to_sign
from provisioning.site.ceremony import KeySource, hold_ceremony
from provisioning.site.plan import example_plan, read_plan

PASSPHRASE = "correct horse battery staple"  # noqa: S105  # Of no key but the tests'.
CHEAP = Cost(passes=1, memory_bytes=8192)
CHEAPLY = KeySource(lambda: PASSPHRASE, CHEAP, (), lambda key: unlock_signing(key, PASSPHRASE))
MODEL_KEY = SigningKey(bytes([71]) * 32)
LEDGER_KEY = SigningKey(bytes([78]) * 32)
SITE = "mill-lane"
POLICE, ESTATE = "Example Police", "Example Estate"


def portrait(package: str, path: str) -> Path:
    """Return a public-domain picture inside a package, without importing the package."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / path


HOPPER = portrait("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
COLLINS = portrait("skimage", "data/astronaut.png")


def tallylight(*words: str | Path) -> str:
    """Run a command that succeeds; return its output."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*words: str | Path) -> str:
    """Run a command that refuses; return its one sentence."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 1, result.output
    sentence: str = result.stderr.splitlines()[-1]
    assert sentence.startswith("Refused: ")
    return sentence


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, to compare it later."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@dataclass(frozen=True)
class Workshop:
    """A folder with a site and the files that people bring to it."""

    folder: Path

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def request(self) -> Path:
        return self.folder / "camera.request"

    @property
    def passphrase(self) -> tuple[str, Path]:
        return "--passphrase-file", self.folder / "passphrase"

    def key(self, name: str) -> tuple[str, Path]:
        return "--key", self.site / "keys" / f"{name}.key"

    def begin(self) -> None:
        """Hold the ceremony, with key files that open quickly."""
        (self.folder / "passphrase").write_text(PASSPHRASE + "\n")
        plan = self.folder / "plan.toml"
        plan.write_text(example_plan(SITE, datetime.now(UTC).date()))
        now = datetime.now(UTC)
        hold_ceremony(self.site, read_plan(plan), CHEAPLY, now=now)
        bundle, trusted = self.bundle()
        tallylight("model", "adopt", self.site, bundle, "--trust", trusted, "--yes")
        for name in ("one", "two"):
            self.public(name, bytes(PrivateKey.generate().public_key))
            self.public(f"{name}.verdict", bytes(SigningKey.generate().verify_key))
        self.public("ledger", bytes(LEDGER_KEY.verify_key))
        self.public("receipt", bytes(SigningKey.generate().verify_key))

    def bundle(self) -> tuple[Path, Path]:
        """Build a model bundle; return it and the key that signed it."""
        build_bundle(self.folder / "models", MODELS, MODEL_KEY, manifest_to_sign(MODELS))
        return self.folder / "models", self.public("models", bytes(MODEL_KEY.verify_key))

    def bundle_again(self) -> tuple[Path, Path]:
        """Return the bundle that was made before, and its key."""
        return self.folder / "models", self.folder / "models.pub"

    def public(self, name: str, key: bytes) -> Path:
        path = self.folder / f"{name}.pub"
        path.write_text(key.hex() + "\n")
        return path

    def make_camera(self) -> str:
        """Make a camera's request and TLS key; return its id."""
        tls = Ed25519PrivateKey.generate()
        empty = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        csr = empty.sign(tls, None).public_bytes(Encoding.DER)
        sign_key, list_key = SigningKey.generate(), PrivateKey.generate()
        (self.folder / "list.key").write_bytes(bytes(list_key))
        identity = CameraIdentity(
            sign_key=sign_key.verify_key,
            list_key=list_key.public_key,
            receipt_key=PrivateKey.generate().public_key,
            lampguard_key=SigningKey.generate().verify_key,
            courier_key=SigningKey.generate().verify_key,
        )
        self.request.write_bytes(write_request(sign_key, identity, csr))
        (self.folder / "camera.key").write_bytes(private_pem(tls))
        return sender_id(sign_key.verify_key).hex()

    def register_camera(self) -> str:
        camera = self.make_camera()
        where = ("--place", "North gate", "--grounds", "Seen here twice.")
        tallylight("camera", "add", self.site, self.request, *where)
        return camera

    def add_recipients(self) -> None:
        for name in ("one", "two"):
            key = ("--key", self.folder / f"{name}.pub")
            who = ("--reviewer", name, "--organisation", ESTATE)
            tallylight("recipients", "add", self.site, *who, *key)
        for office in ("receipt", "ledger"):
            tallylight("recipients", office, self.site, "--key", self.folder / f"{office}.pub")

    def sign_policy(self) -> None:
        for holder in ("estate-security", "oversight-body"):
            key = self.key(f"targets-{holder}")
            tallylight("policy", "sign", self.site, *key, *self.passphrase, "--yes")

    def prepare(self) -> str:
        """Prepare a site up to its first list; return the camera's id."""
        self.begin()
        camera = self.register_camera()
        self.add_recipients()
        self.sign_policy()
        return camera

    def case(self, **changes: str) -> list[str]:
        """Return the options that put a person on the list."""
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        usual = {
            "organisation": POLICE,
            "requested-by": "Inspector",
            "approved-by": "Superintendent",
            "category": "missing person",
            "legal-basis": "Some Act, section 1",
            "necessity": "Nothing else found them.",
            "case-ref": "CR/1",
            "source": "Family",
            "until": tomorrow,
        }
        options = usual | {name.replace("_", "-"): value for name, value in changes.items()}
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def add(self, picture: Path = HOPPER, *flags: str, **changes: str) -> None:
        tallylight("list", "add", self.site, "--picture", picture, *self.case(**changes), *flags)

    def build(self) -> None:
        key = self.key("list-seal-example-police")
        tallylight("list", "build", self.site, *key, *self.passphrase, "--yes")

    def sign(self, organisation: str) -> None:
        key = self.key(f"list-sign-example-{organisation}")
        tallylight("list", "sign", self.site, *key, *self.passphrase, "--yes")
