"""Policy, recipients and camera requests: one spelling each, values out of bounds are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from formats.camera_request import CameraIdentity, read_request, write_request
from formats.casefile import read_casefile, write_casefile
from formats.envelope import (
    NO_PREVIOUS,
    Kind,
    Origin,
    Sealed,
    TimeQuality,
    key_id,
    seal,
    sender_id,
)
from formats.errors import Forged, FormatError, Malformed, Misaddressed, TooLarge, UnusableKey
from formats.firmware_offer import FirmwareOffer, read_version
from formats.policy import Place, read_policy, site_name_is_plain, write_policy
from formats.recipients import Reviewer, check_addressees, read_recipients, write_recipients
from formats.strict_json import JsonValue, dumps
from formats.tests.site_samples import (
    CAMERA,
    CAMERA_KEY,
    CASE,
    ESTATE,
    POLICE,
    POLICY,
    RECIPIENTS,
    opening,
    signing,
)

REQUEST = write_request(CAMERA_KEY, CAMERA, b"csr")
READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "policy": (read_policy, write_policy(POLICY)),
    "recipients": (read_recipients, write_recipients(RECIPIENTS)),
    "casefile": (read_casefile, write_casefile(CASE)),
    "request": (read_request, REQUEST),
}


FOLDER = Path(__file__).parent / "vectors"
VECTORS = json.loads((FOLDER / "keys.json").read_text())
NAMES = json.loads((FOLDER / "organisations.json").read_text())
LOOKALIKES: dict[str, list[str]] = {
    **NAMES["one_organisation"],
    **{case: names for case, names in NAMES["two_scripts"].items() if len(names) == 2},
}
OTHER_CAMERA = CameraIdentity(
    sign_key=signing(21).verify_key,
    list_key=opening(22).public_key,
    receipt_key=opening(23).public_key,
    lampguard_key=signing(24).verify_key,
    courier_key=signing(25).verify_key,
)
Keys = list[tuple[Callable[[bytes], object], bytes, tuple[str | int, ...]]]
KEYS_IN_FILES: dict[str, Keys] = {
    "x25519": [
        (read_policy, READERS["policy"][1], ("places", 0, "list_key")),
        (read_policy, READERS["policy"][1], ("places", 0, "receipt_key")),
        (read_recipients, READERS["recipients"][1], ("reviewers", 0, "key")),
        (read_request, REQUEST, ("request", "list_key")),
        (read_request, REQUEST, ("request", "receipt_key")),
    ],
    "ed25519": [
        *(
            (read_policy, READERS["policy"][1], ("places", 0, f"{name}_key"))
            for name in ("sign", "lampguard", "courier")
        ),
        (read_policy, READERS["policy"][1], ("suppliers", 0, "sign_key")),
        (read_policy, READERS["policy"][1], ("suppliers", 0, "seal_key")),
        (read_recipients, READERS["recipients"][1], ("reviewers", 0, "verdict_key")),
        (read_recipients, READERS["recipients"][1], ("receipt_key",)),
        (read_recipients, READERS["recipients"][1], ("ledger_key",)),
        (read_request, REQUEST, ("request", "sign_key")),
    ],
}


def changed(content: bytes, *path: str | int, to: JsonValue) -> bytes:
    """Return the same file with one value changed, in its one spelling."""
    document = json.loads(content)
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = to
    return dumps(document)


@pytest.mark.parametrize("digest", ["", "ab", "AB" * 32, "zz" * 32])
def test_an_evaluation_that_is_no_digest_is_refused(digest: str) -> None:
    demanded = b'"evaluations":["%s"]' % digest.encode()
    written = write_policy(POLICY).replace(b'"evaluations":[]', demanded)
    assert demanded in written
    with pytest.raises(Malformed):
        read_policy(written)


def test_a_policy_reads_as_it_was_written() -> None:
    assert read_policy(write_policy(POLICY)) == POLICY


def test_recipients_read_as_they_were_written() -> None:
    assert read_recipients(write_recipients(RECIPIENTS)) == RECIPIENTS


def test_a_request_reads_as_it_was_written() -> None:
    request = read_request(REQUEST)
    assert (request.identity, request.csr) == (CAMERA, b"csr")


def test_a_camera_is_named_by_its_signing_key() -> None:
    assert CAMERA.camera_id == sender_id(CAMERA_KEY.verify_key)


@pytest.mark.parametrize("name", READERS)
def test_no_flipped_bit_reads_as_the_same(name: str) -> None:
    read, content = READERS[name]
    good = read(content)
    for at in range(len(content)):
        flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        try:
            assert read(flipped) != good
        except FormatError:
            continue


@pytest.mark.parametrize("name", READERS)
def test_a_missing_field_is_refused(name: str) -> None:
    read, content = READERS[name]
    for field in json.loads(content):
        document = json.loads(content)
        del document[field]
        with pytest.raises(Malformed, match="is missing"):
            read(dumps(document))


@pytest.mark.parametrize("name", READERS)
def test_an_unknown_field_is_refused(name: str) -> None:
    read, content = READERS[name]
    with pytest.raises(Malformed, match="unknown fields"):
        read(changed(content, "surprise", to=1))


@pytest.mark.parametrize("name", READERS)
def test_an_endless_file_is_refused(name: str) -> None:
    with pytest.raises(TooLarge):
        READERS[name][0](b"0" * (17 * 1024 * 1024))


# --- policy


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("retention_days",), 31),
        (("freshness_h",), 0),
        (("freshness_h",), 169),
        (("cap",), 100_001),
        (("fpir_ppm",), 0),
        (("fpir_ppm",), 1_000_001),
        (("version",), 0),
        (("crop",), 1),
        (("site",), "Mill Lane"),
        (("site",), "-mill"),
        (("categories",), ["a", "a"]),
        (("schedule", 0, "weekday"), 7),
        (("schedule", 0, "until_minute"), 1441),
        (("schedule", 0, "until_minute"), 360),
        (("assessment", "digest"), "00"),
        (("agreement", "url"), "two\nlines"),
        (("places", 0, "place"), ""),
    ],
)
def test_a_figure_out_of_bounds_is_refused(path: tuple[str | int, ...], to: JsonValue) -> None:
    with pytest.raises(Malformed):
        read_policy(changed(write_policy(POLICY), *path, to=to))


@pytest.mark.parametrize("idle_s", [60, 299, 301, 900])
def test_a_policy_may_say_when_consoles_lock(idle_s: int) -> None:
    policy = replace(POLICY, idle_lock_s=idle_s)
    assert read_policy(write_policy(policy)) == policy


def test_a_policy_of_before_locks_consoles_after_five_minutes() -> None:
    written = write_policy(POLICY)
    assert b"idle_lock_s" not in written
    assert read_policy(written).idle_lock_s == 300


@pytest.mark.parametrize("idle_s", [0, 59, 300, 901])
def test_an_idle_lock_out_of_bounds_or_said_without_need_is_refused(idle_s: int) -> None:
    written = write_policy(POLICY).replace(b'"places"', b'"idle_lock_s":%d,"places"' % idle_s)
    with pytest.raises(Malformed):
        read_policy(written)


def test_one_supplier_alone_is_refused() -> None:
    with pytest.raises(Malformed, match="2 to 16 suppliers"):
        replace(POLICY, suppliers=(POLICE,))


def test_one_organisation_under_two_keys_is_refused() -> None:
    with pytest.raises(Malformed, match="suppliers are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, organisation="police")))


@pytest.mark.parametrize("case", LOOKALIKES)
def test_an_organisation_that_looks_like_another_is_no_second_supplier(case: str) -> None:
    one, two = LOOKALIKES[case]
    suppliers = (replace(POLICE, organisation=one), replace(ESTATE, organisation=two))
    with pytest.raises(Malformed, match="organisations"):
        replace(POLICY, suppliers=suppliers)


@pytest.mark.parametrize("case", LOOKALIKES)
def test_an_organisation_that_looks_like_another_is_no_second_reviewers(case: str) -> None:
    reviewers = tuple(
        replace(each, organisation=name)
        for each, name in zip(RECIPIENTS.reviewers, LOOKALIKES[case], strict=True)
    )
    with pytest.raises(Malformed, match="organisations"):
        replace(RECIPIENTS, reviewers=reviewers)


def test_one_key_under_two_organisations_is_refused() -> None:
    with pytest.raises(Malformed, match="supplier keys are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, sign_key=POLICE.sign_key)))


def test_one_key_for_two_purposes_is_refused() -> None:
    with pytest.raises(Malformed, match="supplier keys are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, seal_key=ESTATE.sign_key)))


def test_trusted_time_is_not_demanded_and_waived_at_once() -> None:
    with pytest.raises(Malformed, match="authenticated time"):
        replace(POLICY, authenticated_time=True, unsynchronised=True)


def test_one_camera_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="cameras are the same"):
        replace(POLICY, places=POLICY.places * 2)


def test_a_camera_key_of_low_order_is_refused() -> None:
    with pytest.raises(UnusableKey):
        read_policy(changed(write_policy(POLICY), "places", 0, "list_key", to="00" * 32))


@pytest.mark.parametrize("name", ["list_key", "receipt_key"])
def test_one_key_for_two_cameras_is_refused(name: str) -> None:
    other = replace(OTHER_CAMERA, **{name: getattr(CAMERA, name)})
    with pytest.raises(Malformed, match="cameras' keys are the same"):
        replace(POLICY, places=(*POLICY.places, Place(other, "South gate", "Seen here twice.")))


@pytest.mark.parametrize("kind", ["x25519", "ed25519"])
def test_a_key_that_no_one_generates_is_refused_in_every_file(kind: str) -> None:
    refused = VECTORS[kind]["refused"].values()
    for read, content, path in KEYS_IN_FILES[kind]:
        for text in refused:
            with pytest.raises(UnusableKey):
                read(changed(content, *path, to=text))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 11, 23, 6, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 5, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 21, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 22, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 12, 0, tzinfo=UTC), False),
    ],
)
def test_the_schedule_includes_its_begin_and_not_its_end(
    moment: datetime, *, is_open: bool
) -> None:
    assert POLICY.is_open(moment) is is_open


def test_a_camera_has_its_place() -> None:
    assert POLICY.place_of(CAMERA.camera_id).place == "North gate"


def test_another_camera_has_no_place() -> None:
    with pytest.raises(KeyError):
        POLICY.place_of(bytes(16))


@pytest.mark.parametrize("name", ["", "a" * 33, "A", "a b", "a/b", "a.b", "-a", "ä"])
def test_a_name_that_is_not_plain_is_no_site(name: str) -> None:
    assert not site_name_is_plain(name)


# --- recipients


def test_one_reviewer_alone_is_refused() -> None:
    with pytest.raises(Malformed, match="no reviewer decides alone"):
        replace(RECIPIENTS, reviewers=RECIPIENTS.reviewers[:1])


def test_one_key_for_two_reviewers_is_refused() -> None:
    one, two = RECIPIENTS.reviewers
    with pytest.raises(Malformed, match="same key"):
        replace(RECIPIENTS, reviewers=(one, replace(two, key=one.key)))


def test_one_key_of_the_recipients_has_one_purpose() -> None:
    (one, two), receipt = RECIPIENTS.reviewers, RECIPIENTS.receipt_key
    with pytest.raises(Malformed, match="two purposes"):
        replace(RECIPIENTS, ledger_key=receipt)
    with pytest.raises(Malformed, match="two purposes"):
        replace(RECIPIENTS, reviewers=(one, replace(two, verdict_key=receipt)))


def test_one_verdict_key_for_two_reviewers_is_refused() -> None:
    one, two = RECIPIENTS.reviewers
    with pytest.raises(Malformed, match="sign with the same key"):
        replace(RECIPIENTS, reviewers=(one, replace(two, verdict_key=one.verdict_key)))


def test_two_organisations_cannot_decide_where_one_has_all_reviewers() -> None:
    one, two = RECIPIENTS.reviewers
    reviewers = (one, replace(two, organisation=one.organisation))
    with pytest.raises(Malformed, match="two must decide together"):
        replace(RECIPIENTS, two_organisations=True, reviewers=reviewers)


@pytest.mark.parametrize("name", ["one", "One", "one ", "\uff4fne"])
def test_one_name_for_two_reviewers_is_refused(name: str) -> None:
    one, two = RECIPIENTS.reviewers
    with pytest.raises(Malformed, match="same name"):
        replace(RECIPIENTS, reviewers=(one, replace(two, name=name)))


def test_a_reviewer_key_of_low_order_is_refused() -> None:
    with pytest.raises(UnusableKey):
        read_recipients(changed(write_recipients(RECIPIENTS), "reviewers", 0, "key", to="00" * 32))


def sealed_to(*keys: PrivateKey) -> Sealed:
    return seal(
        Kind.EVENT,
        b"",
        sender=CAMERA_KEY,
        recipients=[key.public_key for key in keys],
        origin=Origin(bytes(16), 1, 1, TimeQuality.UNSYNCHRONISED, NO_PREVIOUS),
    )


def test_an_event_for_exactly_the_reviewers_is_addressed_rightly() -> None:
    check_addressees(sealed_to(opening(10), opening(9)), RECIPIENTS)


def test_an_event_for_a_stranger_as_well_is_misaddressed() -> None:
    stranger = key_id(opening(99).public_key).hex()
    with pytest.raises(Misaddressed, match=f"strangers, with the slots {stranger}:"):
        check_addressees(sealed_to(opening(9), opening(10), opening(99)), RECIPIENTS)


def test_an_event_without_one_reviewer_is_misaddressed() -> None:
    with pytest.raises(Misaddressed, match=r"strangers.* and not to the reviewers two:"):
        check_addressees(sealed_to(opening(9), opening(99)), RECIPIENTS)


def test_an_event_for_some_of_three_reviewers_is_misaddressed() -> None:
    third = Reviewer("three", "estate", opening(31).public_key, signing(32).verify_key)
    three = replace(RECIPIENTS, reviewers=(*RECIPIENTS.reviewers, third))
    with pytest.raises(Misaddressed, match="sealed not to the reviewers three:"):
        check_addressees(sealed_to(opening(9), opening(10)), three)


# --- camera request


def test_a_request_signed_by_another_key_is_refused() -> None:
    with pytest.raises(Forged):
        read_request(changed(REQUEST, "signature", to="00" * 64))


def test_a_request_with_a_swapped_key_is_refused() -> None:
    with pytest.raises(Forged):
        read_request(changed(REQUEST, "request", "list_key", to=bytes(CAMERA.receipt_key).hex()))


def test_a_request_with_a_key_of_low_order_is_refused() -> None:
    with pytest.raises(UnusableKey):
        read_request(changed(REQUEST, "request", "receipt_key", to="00" * 32))


OFFER = FirmwareOffer("pi5", read_version("0.3.0"), bytes([9]) * 32, 1000)


def test_a_policy_without_offers_has_the_bytes_of_before() -> None:
    assert b"firmware" not in write_policy(POLICY)


def test_an_offer_of_firmware_is_kept() -> None:
    written = write_policy(replace(POLICY, firmware=(OFFER,)))
    assert read_policy(written).firmware == (OFFER,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"firmware":[{', b'"firmware":[],"x":[{'),
        (b'"board":"pi5"', b'"board":"../5"'),
        (b'"size":1000', b'"size":0'),
        (b'"size":1000', b'"size":1073741825'),
        (b'"version":"0.3.0"', b'"version":"0.03.0"'),
        (b'"version":"0.3.0"', b'"version":"3"'),
        (b'"board":"pi5",', b""),
    ],
)
def test_an_offer_out_of_bounds_is_refused(old: bytes, new: bytes) -> None:
    written = write_policy(replace(POLICY, firmware=(OFFER,)))
    assert old in written
    with pytest.raises(FormatError):
        read_policy(written.replace(old, new))


def test_an_empty_list_of_offers_and_two_for_one_board_are_refused() -> None:
    empty = write_policy(POLICY).replace(b'"fpir_ppm"', b'"firmware":[],"fpir_ppm"')
    with pytest.raises(Malformed, match="without firmware"):
        read_policy(empty)
    with pytest.raises(Malformed, match="boards with firmware"):
        replace(POLICY, firmware=(OFFER, replace(OFFER, version=read_version("0.4"))))
