"""All parsers of bytes from a network or a disk, each with an input that it accepts.

A parser may return a value or refuse with a `FormatError`, whichever bytes it gets.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nacl.signing import VerifyKey

from estate.config import Config as EstateConfig
from firmware.config import Config as CameraConfig
from firmware.delivery.marks import Link, Terms
from formats.camera_request import read_request, write_request
from formats.casefile import read_casefile, write_casefile
from formats.commissioning import read_commissioning, read_commissioning_acceptance
from formats.envelope import Kind, read
from formats.event import MatchEvent
from formats.keyfile import Cost, Purpose, make_key, read_key, write_key
from formats.lease import decode_answer, decode_located, decode_request
from formats.ledger import Record, verify_checkpoint
from formats.policy import read_policy, write_policy
from formats.receipt import hand_over, open_receipt, read_handed_over
from formats.recipients import read_recipients, write_recipients
from formats.registration_record import read_registration
from formats.settings import read_settings
from formats.site_bundle import LAST, read_bundle, write_bundle
from formats.status import Status
from formats.tests import site_samples as samples
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import COURIER, ESTATE
from formats.topics import parse_topic
from formats.watchlist import Body, read_body, write_body

CORPUS = Path(__file__).parent / "corpus"
"""A folder for each parser: inputs that once broke the rule, or look likely to break it."""
ASK_BYTES = 2


@dataclass(frozen=True)
class Parser:
    """One parser and a seed that it accepts."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]

    @property
    def corpus(self) -> tuple[bytes, ...]:
        """Return the kept inputs."""
        return tuple(path.read_bytes() for path in sorted((CORPUS / self.name).glob("*.bin")))


def vectors(name: str) -> Any:  # noqa: ANN401  # JSON.
    return json.loads((FOLDER / f"{name}.json").read_text())


def envelopes(kind: str) -> tuple[bytes, ...]:
    """Return the published envelopes of a kind that hold their kind's content."""
    good = [one for one in vectors("envelope")["good"] if kind.lower() in one["name"]]
    return tuple(b64decode(one["blob"]) for one in good)


def from_file(read_path: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a parser of bytes, made from a parser of paths."""

    def reading(data: bytes) -> object:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(data)
            return read_path(path)

    return reading


def key_file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        key = make_key(Purpose.RECEIPT, "desk", "correct horse battery", Cost(1, 8192))
        write_key(path, key)
        return path.read_bytes()


def request() -> bytes:
    return write_request(samples.CAMERA_KEY, samples.CAMERA, b"csr")


def settings(kind: type[CameraConfig] | type[EstateConfig]) -> bytes:
    usual = {"accelerator": "'cpu'", "lamp_eye": "'none'"}
    usual |= {"broker_port": "8883", "bundle_port": "8884"}
    return "\n".join(
        f"{name} = {usual.get(name, repr('x'))}" for name in (one.name for one in fields(kind))
    ).encode()


def parsers() -> list[Parser]:
    """Return all parsers."""
    return [*_of_the_wire(), *_of_the_disk(), *_of_the_site(), *_of_the_installer()]


def _of_the_wire() -> list[Parser]:
    files = {"metadata/1.root.json": b"{}", "targets/ab.policy.json": b"[]", LAST: b"{}"}
    leases = {name: bytes.fromhex(data) for name, data in vectors("lease")["good"].items()}
    blinking = leases.pop("blinking")
    asks = tuple(data for data in leases.values() if len(data) == ASK_BYTES)
    return [
        Parser("event", lambda data: read(Kind.EVENT, data), envelopes("EVENT")[:1]),
        Parser("list", lambda data: read(Kind.LIST, data), envelopes("LIST")[:1]),
        Parser(
            "receipt",
            lambda data: open_receipt(data, estate=ESTATE.verify_key, key=COURIER),
            envelopes("RECEIPT"),
        ),
        Parser(
            "handed-over-receipt",
            lambda data: read_handed_over(data, estate=ESTATE.verify_key),
            tuple(
                hand_over(blob, estate=ESTATE.verify_key, key=COURIER)
                for blob in envelopes("RECEIPT")
            ),
        ),
        Parser("bundle", read_bundle, (write_bundle(files),)),
        Parser(
            "topic",
            lambda data: parse_topic(data.decode("utf-8", errors="replace")),
            tuple(topic.encode() for topic in vectors("topics")["good"]),
        ),
        Parser("lease-request", decode_request, asks),
        Parser("lease-answer", decode_answer, tuple(set(leases.values()) - set(asks))),
        Parser("locate-answer", decode_located, (blinking,)),
    ]


def _of_the_disk() -> list[Parser]:
    ledger = vectors("ledger")
    signer = VerifyKey(bytes.fromhex(ledger["key"]))
    return [
        Parser("link", Link.from_bytes, (Link(7, bytes(16), 3, bytes(32)).to_bytes(),)),
        Parser("terms", Terms.from_bytes, (Terms(bytes(32), 30).to_bytes(),)),
        Parser("ledger-line", Record.from_line, tuple(line.encode() for line in ledger["lines"])),
        Parser(
            "checkpoint",
            lambda data: verify_checkpoint(data, signer),
            (ledger["checkpoint"].encode(),),
        ),
        Parser("key-file", from_file(read_key), (key_file(),)),
        Parser(
            "camera-settings",
            from_file(lambda path: read_settings(path, CameraConfig)),
            (settings(CameraConfig),),
        ),
        Parser(
            "estate-settings",
            from_file(lambda path: read_settings(path, EstateConfig)),
            (settings(EstateConfig),),
        ),
    ]


def _of_the_installer() -> list[Parser]:
    registration, pages = vectors("registration"), vectors("commissioning")
    return [
        Parser("registration", read_registration, (registration["good"].encode(),)),
        Parser("commissioning", read_commissioning, (pages["page"].encode(),)),
        Parser("acceptance", read_commissioning_acceptance, (pages["good"].encode(),)),
    ]


def _of_the_site() -> list[Parser]:
    body = Body(4, bytes(16) + bytes([1]) * 16, bytes([127]) * 8)
    return [
        Parser("request", read_request, (request(),)),
        Parser("policy", read_policy, (write_policy(samples.POLICY),)),
        Parser("recipients", read_recipients, (write_recipients(samples.RECIPIENTS),)),
        Parser("case-file", read_casefile, (write_casefile(samples.CASE),)),
        Parser("list-body", read_body, (write_body(body),)),
        Parser(
            "event-payload",
            MatchEvent.from_payload,
            tuple(event.encode() for event in vectors("event")["good"].values()),
        ),
        Parser(
            "status-payload",
            Status.from_payload,
            tuple(status.encode() for status in vectors("status")["good"].values()),
        ),
    ]
