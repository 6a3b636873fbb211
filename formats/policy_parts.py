"""The parts of a policy: a camera's place, a supplier of lists, the assessment, the agreement.

Each is read and written as a member of the policy (`formats.policy`). Byte tables:
docs/formats/policy.md.
"""

from dataclasses import dataclass
from typing import Final

from nacl.signing import VerifyKey

from formats.camera_request import CameraIdentity, read_identity
from formats.envelope import sender_id
from formats.public_keys import signing_key
from formats.strict_json import Fields, JsonValue

NAME_LIMIT: Final = 128
"""Most characters of a name, of a place or of a category."""
_TEXT_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """One camera, its place, and the reason for that place."""

    camera: CameraIdentity
    place: str
    grounds: str
    """Why listed people are expected at this place."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """An organisation that may issue lists."""

    organisation: str
    sign_key: VerifyKey
    """Ed25519: signs lists in the role of the site."""
    seal_key: VerifyKey
    """Ed25519: signs the envelopes in which list bodies travel."""

    @property
    def sealer_id(self) -> bytes:
        """(16,) sender id of this supplier's list bodies."""
        return sender_id(self.seal_key)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The data-protection impact assessment behind the policy."""

    digest: bytes
    """(32,) SHA-256 of the document."""
    review_utc_s: int
    """After this moment no camera recognises until the assessment has been reviewed."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement under which the suppliers share lists. It is public."""

    reference: str
    url: str


def write_place(place: Place) -> JsonValue:
    """Return a camera's place as a member of the policy."""
    return {"grounds": place.grounds, "place": place.place, **place.camera.to_json()}


def write_supplier(supplier: Supplier) -> JsonValue:
    """Return a supplier as a member of the policy."""
    return {
        "organisation": supplier.organisation,
        "seal_key": bytes(supplier.seal_key).hex(),
        "sign_key": bytes(supplier.sign_key).hex(),
    }


def write_assessment(assessment: Assessment) -> JsonValue:
    """Return the assessment as a member of the policy."""
    return {"digest": assessment.digest.hex(), "review_utc_s": assessment.review_utc_s}


def write_agreement(agreement: Agreement) -> JsonValue:
    """Return the agreement as a member of the policy."""
    return {"reference": agreement.reference, "url": agreement.url}


def read_place(fields: Fields) -> Place:
    """Read a camera's place.

    Raises:
        Malformed: a member is missing or out of bounds.
    """
    return Place(
        camera=read_identity(fields),
        place=fields.text("place", at_most=NAME_LIMIT),
        grounds=fields.text("grounds", at_most=_TEXT_LIMIT),
    )


def read_supplier(fields: Fields) -> Supplier:
    """Read a supplier.

    Raises:
        Malformed: a member is missing or out of bounds.
        UnusableKey: a key is refused by `formats.public_keys`.
    """
    return Supplier(
        organisation=fields.text("organisation", at_most=NAME_LIMIT),
        sign_key=signing_key(fields.hex_bytes("sign_key", 32)),
        seal_key=signing_key(fields.hex_bytes("seal_key", 32)),
    )


def read_assessment(fields: Fields) -> Assessment:
    """Read the assessment.

    Raises:
        Malformed: a member is missing or out of bounds.
    """
    return Assessment(fields.hex_bytes("digest", 32), fields.utc_s("review_utc_s"))


def read_agreement(fields: Fields) -> Agreement:
    """Read the agreement.

    Raises:
        Malformed: a member is missing or out of bounds.
    """
    return Agreement(
        reference=fields.text("reference", at_most=NAME_LIMIT),
        url=fields.text("url", at_most=_TEXT_LIMIT),
    )
