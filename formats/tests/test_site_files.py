"""Policy, recipients and camera requests: one spelling each, values out of bounds are refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from formats.camera_request import read_request, write_request
from formats.casefile import read_casefile, write_casefile
from formats.envelope import sender_id
from formats.errors import Forged, FormatError, Malformed, TooLarge, UnusableKey
from formats.policy import read_policy, site_name_is_plain, write_policy
from formats.recipients import read_recipients, write_recipients
from formats.strict_json import JsonValue, dumps
from formats.tests.site_samples import (
    CAMERA,
    CAMERA_KEY,
    CASE,
    ESTATE,
    POLICE,
    POLICY,
    RECIPIENTS,
)

REQUEST = write_request(CAMERA_KEY, CAMERA, b"csr")
READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "policy": (read_policy, write_policy(POLICY)),
    "recipients": (read_recipients, write_recipients(RECIPIENTS)),
    "casefile": (read_casefile, write_casefile(CASE)),
    "request": (read_request, REQUEST),
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


def test_one_supplier_alone_is_refused() -> None:
    with pytest.raises(Malformed, match="2 to 16 suppliers"):
        replace(POLICY, suppliers=(POLICE,))


def test_one_organisation_under_two_keys_is_refused() -> None:
    with pytest.raises(Malformed, match="suppliers are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, organisation="police")))


def test_one_key_under_two_organisations_is_refused() -> None:
    with pytest.raises(Malformed, match="supplier keys are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, sign_key=POLICE.sign_key)))


def test_one_key_for_two_purposes_is_refused() -> None:
    with pytest.raises(Malformed, match="supplier keys are the same"):
        replace(POLICY, suppliers=(POLICE, replace(ESTATE, seal_key=ESTATE.sign_key)))


def test_one_camera_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="cameras are the same"):
        replace(POLICY, places=POLICY.places * 2)


def test_a_camera_key_of_low_order_is_refused() -> None:
    with pytest.raises(UnusableKey):
        read_policy(changed(write_policy(POLICY), "places", 0, "list_key", to="00" * 32))


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


def test_one_name_for_two_reviewers_is_refused() -> None:
    one, two = RECIPIENTS.reviewers
    with pytest.raises(Malformed, match="same name"):
        replace(RECIPIENTS, reviewers=(one, replace(two, name=one.name)))


def test_a_reviewer_key_of_low_order_is_refused() -> None:
    with pytest.raises(UnusableKey):
        read_recipients(changed(write_recipients(RECIPIENTS), "reviewers", 0, "key", to="00" * 32))


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
