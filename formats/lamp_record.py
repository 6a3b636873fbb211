"""The lamp record: what the sense line saw while a camera blinked the code of its registration.

It proves that this camera's lamp shines when it is driven and is dark when it is not, and that the
camera blinked the code of one transcript, which a person has read. The camera's signing key signs
it. Without a lamp record a camera is not armed. It does not prove that the lamp still works: the
guard tests that at every start. Byte tables: docs/formats/lamp-record.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nacl.signing import VerifyKey

from formats.board import DIGEST_BYTES
from formats.envelope_header import ID_BYTES
from formats.errors import Forged, Malformed
from formats.registration import BLINKS, GROUPS, code_of
from formats.signed_members import read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue

EDGES_LIMIT: Final = 2 * GROUPS * BLINKS
"""Most changes of the sense line: each blink has two."""
GROUP_PAUSE_MS: Final = 1000
"""A dark time of at least this long stands between two groups of blinks."""
_KIND: Final = "lamp-record"
_SERIAL_LIMIT: Final = 64
_LONGEST_MS: Final = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Edge:
    """One change of the sense line."""

    at_ms: int
    """Since the blinking began, in milliseconds."""
    lit: bool


@dataclass(frozen=True, slots=True)
class LampRecord:
    """What the sense line said while the lamp blinked."""

    camera: bytes
    """(16,) `sender_id`."""
    serial: str
    transcript: bytes
    edges: tuple[Edge, ...]
    dark_samples: int
    """Readings while the lamp was driven dark, from 20 ms after each change on."""
    dark_sensed: int
    """Those of them that said current: none, for a lamp that works."""
    lit_samples: int
    """The same while the lamp was driven lit."""
    lit_sensed: int
    """Those of them that said current: all, for a lamp that works."""


def write_lamp_record(record: LampRecord, key: Ed25519Signer) -> bytes:
    """Return the lamp record, signed by the camera."""
    return sign_members(_KIND, _members(record), key)


def read_lamp_record(data: bytes, key: VerifyKey) -> LampRecord:
    """Return the lamp record in `data`, if it proves a lamp that works.

    Raises:
        Malformed, TooLarge: it is none.
        Forged: the camera's key did not sign it, the edges are not the code of its transcript, or
            the sense line did not follow the lamp.
    """
    record = read_signed(_KIND, data, _read, members=_members, key=lambda _: key)
    if blinks_of(record.edges) != code_of(record.transcript):
        raise Forged("The sense line did not see the code: check the lamp and its wires.")
    if not record.lit_samples == record.lit_sensed > 0 or not record.dark_samples:
        raise Forged("No current was sensed while the lamp was driven: check the lamp.")
    if record.dark_sensed:
        raise Forged("Current was sensed while the lamp was dark: check the sense line.")
    return record


def blinks_of(edges: Sequence[Edge]) -> tuple[int, ...]:
    """Return how often the lamp blinked in each group.

    Raises:
        Malformed: the edges do not alternate, beginning with light and ending dark, in order.
    """
    groups: list[int] = []
    before = Edge(-GROUP_PAUSE_MS, lit=False)
    for edge in edges:
        if edge.lit is before.lit or edge.at_ms <= before.at_ms:
            raise Malformed("The edges of a lamp record are not in order: check the sense line.")
        if edge.lit and edge.at_ms - before.at_ms >= GROUP_PAUSE_MS:
            groups.append(0)
        if edge.lit:
            groups[-1] += 1
        before = edge
    if before.lit:
        raise Malformed("Current was sensed to the end of the code: check the sense line.")
    return tuple(groups)


def _members(record: LampRecord) -> dict[str, JsonValue]:
    return {
        "camera": record.camera.hex(),
        "dark_samples": record.dark_samples,
        "dark_sensed": record.dark_sensed,
        "edges": [{"at_ms": edge.at_ms, "lit": edge.lit} for edge in record.edges],
        "lit_samples": record.lit_samples,
        "lit_sensed": record.lit_sensed,
        "serial": record.serial,
        "transcript": record.transcript.hex(),
    }


def _read(fields: Fields) -> LampRecord:
    return LampRecord(
        camera=fields.hex_bytes("camera", ID_BYTES),
        serial=fields.text("serial", at_most=_SERIAL_LIMIT),
        transcript=fields.hex_bytes("transcript", DIGEST_BYTES),
        edges=fields.objects("edges", _read_edge, count=EDGES_LIMIT),
        dark_samples=fields.integer("dark_samples"),
        dark_sensed=fields.integer("dark_sensed"),
        lit_samples=fields.integer("lit_samples"),
        lit_sensed=fields.integer("lit_sensed"),
    )


def _read_edge(fields: Fields) -> Edge:
    return Edge(fields.integer("at_ms", high=_LONGEST_MS), fields.boolean("lit"))
