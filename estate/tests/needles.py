"""Byte patterns by which an event would be found on a disk."""

from base64 import b64encode

from formats.envelope import Sealed
from formats.envelope_header import HEADER_BYTES

CANARY = b"canary in a coal mine, forty-two bytes long."


def needles(sealed: Sealed) -> list[bytes]:
    """Return the patterns: canaries, slots, pieces of the body, and the signature."""
    header, blob = sealed.header, sealed.blob
    slots = [blob[HEADER_BYTES + 120 * n : HEADER_BYTES + 120 * (n + 1)] for n in range(2)]
    body = blob[HEADER_BYTES + 120 * header.slot_count + 4 : -64]
    pieces = [body[at : at + 48] for at in range(0, len(body) - 48, 1024)]
    return [CANARY, b64encode(CANARY)[4:-4], *(slot[8:] for slot in slots), *pieces, blob[-64:]]
