"""Guard and holder over a real socket, with a simulated lamp between them."""

import os
import socket
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from firmware.errors import LampDark
from firmware.guard.interlock import LOCATED
from firmware.guard.lampguard import run
from firmware.guard.leases import Users
from firmware.guard.listener import CALLERS
from firmware.hardware.lamp import Lamp, Lit
from firmware.identity import make_identity
from firmware.record.ledger import Ledger, Moment
from firmware.supervisor import Supervisor
from firmware.tests.command import config_of
from firmware.tests.fakes import Bulb, Guard, guarding, last_look
from firmware.tests.observations import eventually, records
from formats.lease import (
    Blinking,
    Grant,
    Reason,
    Refused,
    Request,
    decode_answer,
    decode_located,
    encode_request,
)
from formats.ledger import Happening, Program

pytestmark = pytest.mark.alone


def say(caller: socket.socket, request: Request) -> None:
    caller.send(encode_request(request))


def hear(caller: socket.socket) -> Grant | Refused:
    return decode_answer(caller.recv(64))


def test_the_lamp_is_lit_before_the_first_grant(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        assert not guard.bulb.driven
        say(caller, Request.ASK)
        assert isinstance(hear(caller), Grant)
        assert guard.bulb.driven


def test_a_lease_ends_within_200_ms_and_is_renewed_under_the_same_name(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        first, second = hear(caller), hear(caller)
        assert isinstance(first, Grant)
        assert isinstance(second, Grant)
        assert second.deadline_mono_ns <= time.monotonic_ns() + 200_000_000
        assert second.deadline_mono_ns > first.deadline_mono_ns
        assert second.lease_id == first.lease_id


def test_a_holder_that_asks_twice_keeps_the_lease_in_the_ledger(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        first = hear(caller)
        say(caller, Request.ASK)
        hear(caller)
        again = hear(caller)
        assert isinstance(first, Grant)
        assert isinstance(again, Grant)
        assert first.lease_id == again.lease_id


def test_a_second_holder_is_told_that_the_lamp_is_busy(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as first, guard.called() as second:
        say(first, Request.ASK)
        hear(first)
        say(second, Request.ASK)
        assert hear(second) == Refused(Reason.BUSY)
        assert isinstance(hear(first), Grant)


def test_a_caller_without_the_lamp_cannot_stop_or_keep_it(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as holder, guard.called() as other:
        say(holder, Request.ASK)
        hear(holder)
        say(other, Request.STOP)
        assert isinstance(hear(holder), Grant)
        while isinstance(hear(holder), Grant):
            say(other, Request.BEAT)
        eventually(lambda: ("hold", "holder silent") in guard.changes())


def test_another_user_is_turned_away(tmp_path: Path) -> None:
    with guarding(tmp_path, users=Users(os.getuid() + 1)) as guard, guard.called() as caller:
        assert caller.recv(64) == b""
        assert not guard.bulb.driven


def test_no_more_callers_than_the_guard_can_hear(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard:
        callers = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(CALLERS + 1)]
        for caller in callers:
            caller.settimeout(5)
            caller.connect(str(guard.door))
        assert callers[-1].recv(64) == b""
        say(callers[0], Request.ASK)
        assert isinstance(hear(callers[0]), Grant)
        for caller in callers:
            caller.close()


@pytest.mark.parametrize("packet", [b"\1", b"\1\4", b"\1\5", b"\1\1\0", b"\1\1" * 2048])
def test_a_caller_that_sends_nonsense_is_disconnected(tmp_path: Path, packet: bytes) -> None:
    with guarding(tmp_path) as guard:
        with guard.called() as caller:
            caller.send(packet)
            assert caller.recv(64) == b""
        with guard.called() as caller:
            say(caller, Request.ASK)
            assert isinstance(hear(caller), Grant)


def test_a_holder_that_talks_nonsense_loses_the_lamp(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        hear(caller)
        caller.send(b"nonsense")
        eventually(lambda: ("hold", "holder gone") in guard.changes())


def test_a_holder_that_dies_loses_the_lamp_which_stays_on_for_a_while(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard:
        with guard.called() as caller:
            say(caller, Request.ASK)
            hear(caller)
        eventually(lambda: ("hold", "holder gone") in guard.changes())
        assert guard.bulb.driven


def test_a_holder_that_dies_at_once_breaks_nothing(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard:
        with guard.called() as caller:
            say(caller, Request.ASK)
        with guard.called() as caller:
            eventually(lambda: guard.has("hold"))
            say(caller, Request.ASK)
            assert isinstance(hear(caller), Grant)


def test_a_silent_holder_is_refused_and_the_lamp_held(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        while isinstance(answer := hear(caller), Grant):
            pass
        assert answer == Refused(Reason.NOT_READY)
        eventually(lambda: guard.changes()[-1] == ("hold", "holder silent"))
        assert guard.bulb.driven


def test_2_s_after_the_holder_stopped_the_lamp_goes_out(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        hear(caller)
        say(caller, Request.STOP)
        stopped_s = time.monotonic()
        eventually(lambda: not guard.bulb.driven)
        assert time.monotonic() - stopped_s >= 2.0
        eventually(lambda: guard.changes()[-1] == ("off", "held"))


def test_a_lamp_that_dies_ends_the_proof(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, lamp_of(guard) as channel:
        with Lamp(channel.fileno()).lit() as lit:
            lit.check()
            guard.bulb.wire_cut = True
            cut_s = time.monotonic()
            assert last_look(lit) - cut_s <= 0.25
        assert not guard.bulb.driven


def test_a_lamp_that_never_lights_gives_no_proof(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, lamp_of(guard) as channel:
        guard.bulb.wire_cut = True
        with pytest.raises(LampDark, match="check the lamp"), Lamp(channel.fileno()).lit():
            pytest.fail("There was no light.")


def test_a_broken_lamp_is_refused_with_its_reason(tmp_path: Path) -> None:
    with guarding(tmp_path, bulb=Bulb(tied_high=True)) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        assert hear(caller) == Refused(Reason.FAULT)


def test_a_holder_that_checks_keeps_its_light_for_longer_than_it_may_be_silent(
    tmp_path: Path,
) -> None:
    with guarding(tmp_path) as guard, lamp_of(guard) as channel:
        with Lamp(channel.fileno()).lit() as lit:
            until_s = time.monotonic() + 0.8
            while time.monotonic() < until_s:
                lit.check()
                time.sleep(0.04)
        assert not guard.has("hold") or guard.changes()[-1] == ("hold", "holder stopped")


def test_every_change_is_in_the_ledger_and_light_with_its_lease(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        answer = hear(caller)
        say(caller, Request.STOP)
        eventually(lambda: guard.has("hold"))
    assert isinstance(answer, Grant)
    changes = [dict(one) for one in records(tmp_path, Happening.LAMP)]
    assert changes[:4] == [
        {"from": "boot", "to": "off", "reason": "test passed"},
        {"from": "off", "to": "arming", "reason": "asked"},
        {"from": "arming", "to": "on", "reason": "lit", "lease_id": answer.lease_id.hex()},
        {"from": "on", "to": "hold", "reason": "holder stopped"},
    ]


class SlowLedger(Ledger):
    """A ledger on a worn SD card."""

    def append(self, event: Happening, body: object = None, at: Moment | None = None) -> None:
        time.sleep(0.25)
        super().append(event, body, at)  # type: ignore[arg-type]  # What the guard writes.


def test_a_slow_disk_is_no_fault_of_the_lamp(tmp_path: Path) -> None:
    ledger = SlowLedger(tmp_path, Program.LAMPGUARD)
    with guarding(tmp_path, ledger=ledger) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        while not isinstance(hear(caller), Grant):
            say(caller, Request.ASK)
        assert not guard.has("fault")


def test_a_guard_that_ends_leaves_the_lamp_dark(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        say(caller, Request.ASK)
        hear(caller)
    assert not guard.bulb.driven


def test_the_door_is_closed_to_other_users(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard:
        assert guard.door.stat().st_mode & 0o777 == 0o660


def test_a_run_is_recorded_from_start_to_stop(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    make_identity(config.state)
    ticks = iter([True, True, False])
    run(config, lambda: nullcontext(Bulb()), Users(os.getuid()), lambda: next(ticks), Supervisor())
    assert len(records(config.state.lampguard, Happening.START)) == 1
    assert records(config.state.lampguard, Happening.STOP) == [{"reason": "stopped"}]


def test_a_guard_that_starts_again_takes_the_door_of_the_one_before(tmp_path: Path) -> None:
    for _ in range(2):
        with guarding(tmp_path) as guard, guard.called() as caller:
            say(caller, Request.ASK)
            assert isinstance(hear(caller), Grant)


def lamp_of(guard: Guard) -> socket.socket:
    """Return the holder's open, non-blocking end."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(str(guard.door))
    line.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
    return line


def test_the_user_of_service_lets_the_lamp_blink_and_gets_no_light(tmp_path: Path) -> None:
    users = Users(os.getuid() + 1, os.getuid())
    with guarding(tmp_path, users=users) as guard:
        with guard.called() as caller:
            say(caller, Request.ASK)
            assert caller.recv(64) == b""
        with guard.called() as caller:
            say(caller, Request.LOCATE)
            assert decode_located(caller.recv(64)) == Blinking()
            assert caller.recv(64) == b""
        eventually(lambda: guard.changes()[-1] == ("locating", LOCATED))
        with guard.called() as caller:
            say(caller, Request.LOCATE)
            assert decode_located(caller.recv(64)) == Refused(Reason.LOCATING)


def test_a_caller_of_service_that_says_nothing_keeps_no_place_of_watch(tmp_path: Path) -> None:
    with guarding(tmp_path, users=Users(os.getuid(), os.getuid())) as guard, guard.called():
        callers = [guard.called() for _ in range(CALLERS)]
        with ExitStack() as opened:
            *_, last = [opened.enter_context(caller) for caller in callers]
            say(last, Request.ASK)
            assert isinstance(hear(last), Grant)


def look_on(lit: Lit) -> None:
    """Look for as long as the light is proven; raise its reason when it ends."""
    while True:
        lit.check()
        time.sleep(0.01)


def test_a_look_that_ends_for_a_person_who_looks_for_the_camera_says_so(tmp_path: Path) -> None:
    users = Users(os.getuid(), os.getuid())  # The first caller is taken for the locator.
    with guarding(tmp_path, users=users) as guard, guard.called() as locator:
        with guard.called() as channel, Lamp(channel.fileno()).lit() as lit:
            say(locator, Request.LOCATE)
            assert decode_located(locator.recv(64)) == Blinking()
            with pytest.raises(LampDark, match="a person who looks for this camera"):
                look_on(lit)
        assert ("hold", LOCATED) in guard.changes()
