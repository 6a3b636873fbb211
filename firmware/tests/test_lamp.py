"""The holder's end of the lamp: the proof of light, and each thing that ends it."""

import fcntl
import os
import time
from collections.abc import Iterator

import pytest

from firmware.errors import DiskStalled, LampDark
from firmware.hardware.lamp import LONGEST_NS, Lamp, Lit
from firmware.tests.fakes import LEASE_ID, ScriptedGuard, grant
from firmware.tests.observations import eventually
from formats.lease import LEASE_MS, SILENT_MS, Grant, Reason, Refused, Request, encode_answer


@pytest.fixture
def guard() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as guard:
        yield guard


def test_a_grant_is_light(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        lit.check()
        assert lit.lease_id == LEASE_ID


def test_a_proof_kept_after_its_block_is_worth_nothing(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        pass
    with pytest.raises(LampDark, match="kept"):
        lit.check()


def test_the_guard_is_told_when_looking_ends(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit():
        pass
    eventually(lambda: guard.heard == [Request.ASK, Request.STOP])


def test_the_guard_is_told_even_if_looking_fails(guard: ScriptedGuard) -> None:
    with pytest.raises(ZeroDivisionError), Lamp(guard.channel).lit():
        raise ZeroDivisionError
    eventually(lambda: guard.heard == [Request.ASK, Request.STOP])


def test_a_check_tells_the_guard_that_the_holder_lives(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        lit.check()
        eventually(lambda: guard.heard == [Request.ASK, Request.BEAT])


def test_beats_are_50_ms_apart(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        for _ in range(100):
            lit.check()
    eventually(lambda: Request.STOP in guard.heard)
    assert guard.heard.count(Request.BEAT) <= 2


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (Reason.FAULT, "cannot be proven"),
        (Reason.BUSY, "another program"),
    ],
)
def test_a_refusal_ends_the_proof(guard: ScriptedGuard, reason: Reason, sentence: str) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.says(encode_answer(Refused(reason)))
        with pytest.raises(LampDark, match=sentence):
            lit.check()


def test_a_holder_that_was_silent_is_told_of_its_camera(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        lit.check()
        time.sleep(SILENT_MS / 1000)
        guard.says(encode_answer(Refused(Reason.NOT_READY)))
        with pytest.raises(LampDark, match=r"silent for 0\.5 s: no frame came.*check the camera"):
            lit.check()


def test_a_light_that_ends_while_its_holder_beats_is_the_guards_disk(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        lit.check()
        guard.says(encode_answer(Refused(Reason.NOT_READY)))
        with pytest.raises(DiskStalled, match="disk takes no records: check the card"):
            lit.check()
        with pytest.raises(LampDark):
            lit.check()


def test_a_refusal_ends_the_proof_for_good(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.goes_dark()
        with pytest.raises(LampDark):
            lit.check()
        guard.says(encode_answer(grant(60)))
        with pytest.raises(LampDark):
            lit.check()


def test_a_lease_that_ran_out_is_not_revived(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.says(encode_answer(Grant(LEASE_ID, 1)))
        with pytest.raises(LampDark, match="not renewed"):
            lit.check()
        guard.says(encode_answer(grant(60)))
        with pytest.raises(LampDark):
            lit.check()


def test_a_guard_that_goes_away_ends_the_proof(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.dies()
        with pytest.raises(LampDark, match="gone"):
            lit.check()


@pytest.mark.parametrize(
    "packet",
    [b"\0", b"x" * 64, encode_answer(grant(60)) + b"\0"],
    ids=["of one byte", "too long", "longer by a byte"],
)
def test_an_answer_that_is_none_ends_the_proof(guard: ScriptedGuard, packet: bytes) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.says(packet)
        with pytest.raises(LampDark):
            lit.check()


def test_the_newest_grant_counts(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.says(encode_answer(Grant(LEASE_ID, 1)))
        guard.says(encode_answer(grant(60)))
        lit.check()


def test_what_was_said_of_earlier_light_is_no_light_now(guard: ScriptedGuard) -> None:
    guard.says(encode_answer(Grant(bytes(16), grant(60).deadline_mono_ns)))
    with Lamp(guard.channel).lit() as lit:
        assert lit.lease_id == LEASE_ID


def test_a_grant_that_came_too_late_is_not_taken() -> None:
    late = Grant(bytes(16), 1)
    with ScriptedGuard(answers=(late,)) as guard, pytest.raises(LampDark, match="no lease"):
        enter(Lamp(guard.channel))


def test_the_longest_grant_is_a_lease() -> None:
    assert LEASE_MS * 1_000_000 <= LONGEST_NS <= (LEASE_MS + 5) * 1_000_000


@pytest.mark.parametrize("for_s", [LEASE_MS / 1000 + 0.5, 60, 1e9])
def test_a_first_grant_for_longer_than_a_lease_is_no_light(for_s: float) -> None:
    guard = ScriptedGuard(answers=(grant(for_s),), longest_s=LONGEST_NS / 1e9)
    with guard, pytest.raises(LampDark, match="more than a lease"):
        enter(Lamp(guard.channel))


def test_a_renewal_for_longer_than_a_lease_ends_the_proof_for_good(guard: ScriptedGuard) -> None:
    with Lamp(guard.channel).lit() as lit:
        guard.says(encode_answer(grant(guard.longest_s + 1)))
        with pytest.raises(LampDark, match="more than a lease"):
            lit.check()
        guard.says(encode_answer(grant(60)))
        with pytest.raises(LampDark):
            lit.check()


def test_a_guard_that_is_not_ready_is_asked_again() -> None:
    with ScriptedGuard(answers=(Refused(Reason.NOT_READY),) * 2) as guard:
        with Lamp(guard.channel).lit():
            pass
        assert guard.heard[:3] == [Request.ASK] * 3


@pytest.mark.parametrize("reason", [Reason.FAULT, Reason.BUSY])
def test_a_guard_that_refuses_gives_no_light(reason: Reason) -> None:
    with ScriptedGuard(answers=(Refused(reason),)) as guard, pytest.raises(LampDark):
        enter(Lamp(guard.channel))


def test_a_guard_that_says_nothing_gives_no_light() -> None:
    with ScriptedGuard(answers=(None,)) as guard, pytest.raises(LampDark, match="no lease"):
        enter(Lamp(guard.channel))


def test_a_guard_that_is_gone_gives_no_light(guard: ScriptedGuard) -> None:
    guard.dies()
    with pytest.raises(LampDark, match="gone"):
        enter(Lamp(guard.channel))


def test_a_channel_that_is_closed_gives_no_light() -> None:
    read, write = os.pipe()
    os.close(write)
    with pytest.raises(LampDark, match="gone"):
        enter(Lamp(read))
    os.close(read)


def enter(lamp: Lamp) -> Lit:
    with lamp.lit() as lit:
        return lit


def test_a_channel_above_the_first_thousand_descriptors_works() -> None:
    with ScriptedGuard() as guard:
        high = fcntl.fcntl(guard.channel, fcntl.F_DUPFD, 2000)
        with Lamp(high).lit() as lit:
            lit.check()
        Lamp(high).close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(high)
