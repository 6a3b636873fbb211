"""Fuzzing of all parsers: any bytes from a network or a disk give a value or a refusal.

`make long-fuzz` runs the same for longer. An input that breaks the rule is kept in the corpus, and
is tried first in later runs.
"""

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import FormatError
from hil_tests.tests.parsers import CORPUS, Parser, parsers

PARSERS = parsers()
QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

every_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


def judged(parser: Parser, data: bytes) -> None:
    """Let a parser read; keep an input on which it neither returns nor refuses."""
    try:
        parser.read(data)
    except FormatError:
        return
    except Exception:
        folder = CORPUS / parser.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{sha256(data).hexdigest()[:16]}.bin").write_bytes(data)
        raise


def damage(data: st.DataObject, seed: bytes) -> bytes:
    """The seed, changed a few times."""
    changed = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(changed) - 1)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat", "set"])):
            case "flip" if changed:
                changed[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del changed[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                changed[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case "repeat":
                changed[at:at] = changed[at : at + data.draw(st.integers(1, 40))]
            case _:
                new = data.draw(st.sampled_from([b"\xff" * 8, bytes(8), b"-1", b'"\\', b"9" * 20]))
                changed[at : at + len(new)] = new
    return bytes(changed)


@every_parser
def test_a_seed_is_taken(parser: Parser) -> None:
    assert parser.seeds
    for seed in parser.seeds:
        parser.read(seed)


@every_parser
def test_what_was_kept_is_read_or_refused(parser: Parser) -> None:
    for data in parser.corpus:
        judged(parser, data)


@every_parser
@QUIET
@given(data=st.data())
def test_what_is_damaged_is_read_or_refused(parser: Parser, data: st.DataObject) -> None:
    judged(parser, damage(data, data.draw(st.sampled_from(parser.seeds + parser.corpus))))


@every_parser
@QUIET
@given(noise=st.binary(max_size=300))
def test_noise_is_read_or_refused(parser: Parser, noise: bytes) -> None:
    judged(parser, noise)
    judged(parser, parser.seeds[0][:16] + noise)
