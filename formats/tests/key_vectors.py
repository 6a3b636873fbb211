"""Make the vectors of public keys: sound ones, and keys that every reader refuses.

Written out by arithmetic on the curve (RFC 7748, RFC 8032), without the code that they test.
"""

from formats.tests.second_encoder import ALICE, CAMERA

P = 2**255 - 19
TOP = 1 << 255
D = -121665 * pow(121666, -1, P) % P
"""The constant of edwards25519 (RFC 8032, section 5.1)."""
LOW_ORDER_U = (
    0,
    1,
    P - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
"""X25519 points of order 1, 2, 4 and 8, and one of the twist (RFC 7748, section 6.1)."""


def keys() -> dict[str, object]:
    """Make keys.json."""
    opening = int.from_bytes(bytes(ALICE.public_key), "little")
    signing = int.from_bytes(bytes(CAMERA.verify_key), "little")
    return {
        "x25519": {"sound": [_hex(opening)], "refused": _refused_recipients(opening)},
        "ed25519": {"sound": [_hex(signing)], "refused": _refused_signers(signing)},
    }


def _refused_recipients(sound: int) -> dict[str, str]:
    low = {f"low order, {number}": u for number, u in enumerate(LOW_ORDER_U)}
    unreduced = {f"u is p + {more}": P + more for more in range(19)}
    alike = {
        "a sound key and its unused bit": sound | TOP,
        # Adding the point of order 2 is u -> 1/u. The same private key opens both.
        "a sound key and the point of order 2": pow(sound, -1, P),
        "a point of the twist": next(u for u in range(2, 99) if not _is_square(_montgomery(u))),
    }
    return _spelled({**low, **unreduced, **alike}, "the unused bit set")


def _refused_signers(sound: int) -> dict[str, str]:
    y, sign = sound & (TOP - 1), sound & TOP
    unreduced = {f"y is p + {more}": P + more for more in range(19)}
    others = {
        "low order, 1": 1,
        "low order, 2": P - 1,
        "low order, 4": 0,
        "no point of the curve": next(n for n in range(2, 99) if not _is_square(_x_squared(n))),
    }
    # Adding the point of order 2 is (x, y) -> (-x, -y).
    alike = {"a sound key and the point of order 2": _hex((P - y) | (sign ^ TOP))}
    return _spelled({**unreduced, **others}, "the sign of x set") | alike


def _spelled(numbers: dict[str, int], bit: str) -> dict[str, str]:
    plain = {name: _hex(number) for name, number in numbers.items()}
    marked = {f"{name}, {bit}": _hex(n | TOP) for name, n in numbers.items() if n < TOP}
    return plain | marked


def _hex(number: int) -> str:
    return number.to_bytes(32, "little").hex()


def _is_square(number: int) -> bool:
    return pow(number, (P - 1) // 2, P) in {0, 1}


def _montgomery(u: int) -> int:
    return (u**3 + 486662 * u**2 + u) % P


def _x_squared(y: int) -> int:
    return (y * y - 1) * pow(D * y * y + 1, -1, P) % P
