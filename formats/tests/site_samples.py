"""One sample of each file of a site's repository, valid in every field."""

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.camera_request import CameraIdentity
from formats.casefile import CaseFile
from formats.entry import Entry, PictureQuality
from formats.entry_columns import entries_of
from formats.policy import Agreement, Assessment, Place, Policy, Supplier
from formats.recipients import Recipients, Reviewer
from formats.schedule import Window

MOMENT_S = 1_800_000_000


def signing(seed: int) -> SigningKey:
    return SigningKey(bytes([seed]) * 32)


def opening(seed: int) -> PrivateKey:
    return PrivateKey(bytes([seed]) * 32)


CAMERA_KEY = signing(1)
CAMERA = CameraIdentity(
    sign_key=CAMERA_KEY.verify_key,
    list_key=opening(2).public_key,
    receipt_key=opening(3).public_key,
    lampguard_key=signing(14).verify_key,
    courier_key=signing(15).verify_key,
)
POLICE = Supplier("police", signing(4).verify_key, signing(5).verify_key)
ESTATE = Supplier("estate", signing(6).verify_key, signing(7).verify_key)
POLICY = Policy(
    site="mill-lane",
    version=1,
    places=(Place(CAMERA, "North gate", "Seen here twice."),),
    suppliers=(POLICE, ESTATE),
    categories=("missing person",),
    cap=500,
    fpir_ppm=1000,
    schedule=(Window(0, 360, 1320),),
    retention_days=30,
    freshness_h=24,
    crop=True,
    status=False,
    assessment=Assessment(bytes(32), MOMENT_S),
    agreement=Agreement("1", "https://example.org/agreement"),
)
RECIPIENTS = Recipients(
    version=1,
    receipt_key=signing(8).verify_key,
    ledger_key=signing(11).verify_key,
    two_organisations=True,
    reviewers=(
        Reviewer("one", "police", opening(9).public_key, signing(12).verify_key),
        Reviewer("two", "estate", opening(10).public_key, signing(13).verify_key),
    ),
)
ENTRY = Entry(
    handle=bytes([1]) * 16,
    organisation="police",
    requested_by="Inspector",
    approved_by="Superintendent",
    category="missing person",
    legal_basis="Some Act",
    necessity="Nothing else found them.",
    case_digest=bytes(32),
    source="Family",
    pictures=(PictureQuality(200, 80, 30, 50),),
    minor=False,
    vulnerable=False,
    picture_kept=False,
    added_utc_s=MOMENT_S,
    expires_utc_s=MOMENT_S + 200,
    review_utc_s=MOMENT_S + 100,
)
CASE = CaseFile(
    site="mill-lane",
    version=1,
    issued_utc_s=MOMENT_S,
    expires_utc_s=MOMENT_S + 7 * 86400,
    model_digest=bytes([1]) * 32,
    policy_digest=bytes([2]) * 32,
    body_digest=bytes([3]) * 32,
    dim=128,
    entries=entries_of([ENTRY]),
)
