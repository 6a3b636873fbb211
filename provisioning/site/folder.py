"""The folder of a site: paths of every file, and the drafts of policy and recipients.

    root.json            trusted root: goes into every camera's image
    keys/                private keys under passphrases; holders take theirs away
    policy.json          draft of the policy, with its cameras
    recipients/          draft of the recipients: receipt key, ledger key, reviewers, one file each
    model/bundle/        nets that the site has adopted: goes into every camera's image
    model/trusted.pub    key that signed the nets: goes into every camera's image
    cameras/             cameras' signed requests to be registered; `.revoked` of revoked cameras
    entries/             people for the next list: case and sealed templates, no picture
    portraits/           pictures that were kept on request, sealed to the reviewers
    signed/targets/      policy and recipients with the signatures they have so far
    signed/list/         case file and sealed body with the signatures they have so far
    versions.json        the highest versions of policy and list that were ever here
    rotation.json        the next root with the signatures it has so far
    roots/               every root after the first
    ceremony-<n>.txt     minutes of root <n>: to print and to sign
    history/             case files of all published lists and who signed them, no templates
    published/           the repository as it was last published
    estate/              the estate's signed budget statement, if it has put one there
    broker/              files of the MQTT broker and its clients
    broker-state/        what the broker keeps through a restart

Every file and folder is written atomically (`provisioning.disk`). A draft counts after holders have
signed it; nothing here signs.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from nacl.signing import VerifyKey
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # Re-exports.

from formats.errors import FormatError
from formats.keyfile import KeyFile, Purpose, find_keys
from formats.policy import POLICY_LIMIT, Place, Policy, read_policy, write_policy
from formats.public_keys import signing_key
from formats.recipients import Recipients, Reviewer, read_reviewer, write_reviewer
from formats.site_keys import SiteKey
from formats.site_tuf import CONFIG
from formats.strict_json import dumps, parse
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import CameraRefused, SiteRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.places import refuse_same_place

_APART_FILE = "two-organisations"
_REVIEWER_LIMIT = 4096
_WITHDRAWN = ".revoked"


@dataclass(frozen=True, slots=True)
class Site:
    """A site's folder. Made by `open_site`."""

    folder: Path

    @property
    def root(self) -> bytes:
        """Return the trusted root metadata."""
        return read_foreign(self.folder, "root.json", limit=CONFIG.root_max_length)

    @property
    def keys(self) -> Path:
        """Folder of the key files."""
        return self.folder / "keys"

    @property
    def models(self) -> Path:
        """Folder of the model bundle that the site has adopted."""
        return self.folder / "model" / "bundle"

    @property
    def model_key(self) -> Path:
        """File with the public key that vouches for the bundle."""
        return self.folder / "model" / "trusted.pub"

    @property
    def cameras(self) -> Path:
        """Folder of the cameras' requests to be registered."""
        return self.folder / "cameras"

    @property
    def entries(self) -> Path:
        """Folder of the entries for the next list."""
        return self.folder / "entries"

    @property
    def portraits(self) -> Path:
        """Folder of the sealed pictures that were kept on request."""
        return self.folder / "portraits"

    @property
    def signed_targets(self) -> Path:
        """Folder of policy and recipients with their signatures."""
        return self.folder / "signed" / "targets"

    @property
    def signed_list(self) -> Path:
        """Folder of case file and sealed body with their signatures."""
        return self.folder / "signed" / "list"

    @property
    def rotation(self) -> Path:
        """File of the next root, while it waits for signatures."""
        return self.folder / "rotation.json"

    @property
    def roots(self) -> Path:
        """Folder of every root after the first."""
        return self.folder / "roots"

    @property
    def history(self) -> Path:
        """Folder of the case files of all published lists."""
        return self.folder / "history"

    @property
    def published(self) -> Path:
        """Folder of the repository as it was last published."""
        return self.folder / "published"

    @property
    def broker(self) -> Path:
        """Folder of the files of the broker and its clients."""
        return self.folder / "broker"

    @property
    def broker_state(self) -> Path:
        """Folder where the broker keeps what must survive its restart."""
        return self.folder / "broker-state"

    def minutes(self, version: int) -> Path:
        """File of the minutes of the ceremony that made a root."""
        return self.folder / f"ceremony-{version}.txt"

    @property
    def policy(self) -> Policy:
        """Return the draft of the policy.

        Raises:
            SiteRefused: it is broken.
            FileRefused: it is no plain file, or too large.
        """
        content = read_foreign(self.folder, "policy.json", limit=POLICY_LIMIT)
        try:
            return read_policy(content)
        except FormatError as error:
            raise SiteRefused(f"{self.folder / 'policy.json'} is broken: {error}") from error

    def key(self, purpose: Purpose) -> KeyFile:
        """Return the one key of a purpose that the desk itself holds.

        Raises:
            KeyRefused: a key file is broken.
            SiteRefused: it is not in the folder.
        """
        keys = find_keys(self.keys, purpose)
        if not keys:
            raise SiteRefused(f"The folder keys/ has no {purpose} key: put its file back.")
        return keys[0]

    def online_key(self, purpose: Purpose, root: Metadata[Root]) -> KeyFile:
        """Return the key of a purpose that a root names.

        Raises:
            SiteRefused: it is not in the folder.
        """
        names = root.signed.roles[str(purpose)].keyids
        for key in find_keys(self.keys, purpose):
            if SiteKey.of(signing_key(key.public)).keyid in names:
                return key
        raise SiteRefused(f"The folder keys/ has no {purpose} key of the root: put its file there.")

    def withdraw_request(self, camera: str) -> None:
        """Set aside the request of a revoked camera, until it is registered again."""
        request = self.cameras / f"{camera}.json"
        if request.exists():
            request.replace(request.with_suffix(_WITHDRAWN))

    def withdrawn_cameras(self) -> frozenset[str]:
        """Return the id of each camera that was revoked and not registered again since."""
        return frozenset(path.stem for path in self.cameras.glob(f"*{_WITHDRAWN}"))

    def add_request(self, camera: str, request: bytes) -> None:
        """Store a camera's request; a revoked camera is registered again with it."""
        write_atomically(self.cameras / f"{camera}.json", request)
        (self.cameras / f"{camera}{_WITHDRAWN}").unlink(missing_ok=True)

    def add_place(self, place: Place) -> None:
        """Add a camera and its place to the draft of the policy; a revoked one is replaced there.

        Raises:
            CameraRefused: the camera is in it already, its place is another camera's, or there are
                too many.
        """
        policy = self.policy
        places = policy.places
        if place.camera.camera_id.hex() in self.withdrawn_cameras():
            places = tuple(each for each in places if each.camera != place.camera)
        refuse_same_place((*places, place))
        try:
            content = write_policy(replace(policy, places=(*places, place)))
            read_policy(content)
        except FormatError as error:
            raise CameraRefused(f"The camera cannot be added: {error}") from error
        write_atomically(self.folder / "policy.json", content)

    def add_reviewer(self, reviewer: Reviewer) -> None:
        """Add a reviewer to the draft of the recipients; replace one of the same name."""
        content = dumps(write_reviewer(reviewer))
        write_atomically(self._recipients / _reviewer_file(reviewer.name), content)

    def remove_reviewer(self, reviewer: Reviewer) -> None:
        """Take a reviewer out of the draft of the recipients."""
        (self._recipients / _reviewer_file(reviewer.name)).unlink()

    def reviewers(self) -> tuple[Reviewer, ...]:
        """Return the reviewers of the draft.

        Raises:
            FormatError: a file is broken.
            FileRefused: a file is no plain file, or too large.
        """
        files = sorted(self._recipients.glob("*.json"))
        read = (self._recipient_file(path.name) for path in files)
        return tuple(
            parse(content, read_reviewer, limit=_REVIEWER_LIMIT, what="reviewer")
            for content in read
        )

    def set_estate_key(self, purpose: Purpose, key: VerifyKey) -> None:
        """Set the key of the receipts that couriers accept, or the one that signs the books."""
        write_atomically(self._recipients / f"{purpose}.pub", bytes(key))

    def set_two_organisations(self, *, apart: bool) -> None:
        """Set whether the two reviewers who decide must work for different organisations."""
        if apart:
            write_atomically(self._recipients / _APART_FILE, b"")
        else:
            (self._recipients / _APART_FILE).unlink(missing_ok=True)

    def estate_key(self, purpose: Purpose) -> VerifyKey | None:
        """Return the estate's receipt or ledger key in the draft; None if it is not set.

        Raises:
            FormatError: it is no key.
        """
        try:
            return signing_key(self._recipient_file(f"{purpose}.pub"))
        except FileNotFoundError:
            return None

    def recipients(self, version: int) -> Recipients:
        """Return the draft of the recipients.

        Raises:
            SiteRefused: there is no receipt key or ledger key, or fewer than two reviewers.
        """
        receipt_key = self._set_key(Purpose.RECEIPT)
        ledger_key = self._set_key(Purpose.LEDGER)
        apart = (self._recipients / _APART_FILE).exists()
        try:
            return Recipients(version, receipt_key, ledger_key, apart, self.reviewers())
        except FormatError as error:
            raise SiteRefused(f"{error} Add them: tallylight recipients add.") from error

    def replace_recipients(self, recipients: Recipients) -> None:
        """Make these the draft of the recipients, in place of what was drafted."""
        with atomic_folder(self._recipients) as part:
            for reviewer in recipients.reviewers:
                write_atomically(
                    part / _reviewer_file(reviewer.name), dumps(write_reviewer(reviewer))
                )
            write_atomically(part / f"{Purpose.RECEIPT}.pub", bytes(recipients.receipt_key))
            write_atomically(part / f"{Purpose.LEDGER}.pub", bytes(recipients.ledger_key))
            if recipients.two_organisations:
                write_atomically(part / _APART_FILE, b"")

    def _set_key(self, purpose: Purpose) -> VerifyKey:
        key = self.estate_key(purpose)
        if key is None:
            raise SiteRefused(
                f"The site has no {purpose} key yet: tallylight recipients {purpose}."
            )
        return key

    def _recipient_file(self, name: str) -> bytes:
        return read_foreign(self.folder, f"recipients/{name}", limit=_REVIEWER_LIMIT)

    @property
    def _recipients(self) -> Path:
        return self.folder / "recipients"


def _reviewer_file(name: str) -> str:
    return f"{name.encode().hex()}.json"  # In hexadecimal any name is a valid file name.


def open_site(folder: Path) -> Site:
    """Return the site in `folder`.

    Raises:
        SiteRefused: the folder holds no site.
    """
    site = Site(folder)
    if not (folder / "root.json").is_file():
        raise SiteRefused(
            f"{folder} is not a site's folder: name the folder that holds the site's root.json. A "
            "list authority begins a site with tallylight site init."
        )
    return site
