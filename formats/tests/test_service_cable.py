"""The messages of the service cable: one spelling each, and a request of one connection alone."""

import json

import pytest
from nacl.signing import VerifyKey

from formats.errors import FormatError
from formats.service_cable import (
    CALL_LIMIT,
    HERE,
    LOCATED,
    Act,
    ServiceHello,
    read_call,
    read_service_hello,
    read_service_request,
    write_call,
    write_service_hello,
    write_service_request,
)
from formats.strict_json import parse
from formats.tests.make_vectors import FOLDER
from formats.tests.registration_vectors import INSTALLER
from formats.tests.service_vectors import CAMERA, NONCE

VECTORS = json.loads((FOLDER / "service.json").read_text())
GOOD = {name: message.encode() for name, message in VECTORS["good"].items()}
BROKEN = {name: message.encode() for name, message in VECTORS["broken"].items()}
HELLO = ServiceHello(CAMERA, NONCE)
KEY = VerifyKey(bytes.fromhex(VECTORS["installer"]))


def test_each_message_is_spelt_as_published() -> None:
    assert write_call(CAMERA) == GOOD["call"]
    assert write_service_hello(HELLO) == GOOD["hello"]
    assert write_service_request(Act.REPORT, HELLO, INSTALLER) == GOOD["report"]
    assert write_service_request(Act.LOCATE, HELLO, INSTALLER) == GOOD["locate"]


def test_each_message_is_read() -> None:
    assert read_call(GOOD["call"]) == CAMERA
    assert len(GOOD["call"]) <= CALL_LIMIT
    assert read_service_hello(GOOD["hello"]) == HELLO
    assert read_service_request(GOOD["report"], HELLO, KEY) is Act.REPORT
    assert read_service_request(GOOD["locate"], HELLO, KEY) is Act.LOCATE


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_request_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        read_service_request(BROKEN[name], HELLO, KEY)


@pytest.mark.parametrize("word", [HERE, LOCATED])
def test_each_answer_of_one_word_is_strict_json(word: bytes) -> None:
    assert parse(word, lambda fields: fields.text("kind", at_most=32), limit=64, what="word")
