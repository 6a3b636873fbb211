"""Every program of the camera signs its own ledger; the guard signs after every change."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import VerifyKey

from firmware.courier import run as carry
from firmware.guard.lampguard import run as guard_lamp
from firmware.guard.leases import Users
from firmware.identity import ledger_signer, make_identity
from firmware.record.ledger import Ledger
from firmware.supervisor import Supervisor
from firmware.tests.command import config_of
from firmware.tests.fakes import Bulb, guarding
from firmware.tests.observations import eventually
from firmware.tests.test_lampguard import hear, say
from formats.lease import Grant, Request
from formats.ledger import Program, verify_against, verify_checkpoint
from wire.tests.broker import Broker

pytestmark = pytest.mark.alone


def signed(folder: Path, key: VerifyKey) -> int:
    """Return how many records of a ledger its last checkpoint covers; 0 before there is any."""
    if not (folder / "checkpoint.json").exists():
        return 0
    checkpoint = verify_checkpoint((folder / "checkpoint.json").read_bytes(), key)
    verify_against((folder / "ledger.jsonl").read_bytes().splitlines(), checkpoint)
    return checkpoint.head.size


def written(folder: Path) -> int:
    return len((folder / "ledger.jsonl").read_bytes().splitlines())


def test_all_that_a_guard_wrote_is_signed_when_it_ends(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    key = make_identity(config.state).lampguard_key
    ticks = iter([*[True] * 50, False])
    guard_lamp(
        config, lambda: nullcontext(Bulb()), Users(os.getuid()), lambda: next(ticks), Supervisor()
    )
    assert signed(config.state.lampguard, key) == written(config.state.lampguard) > 2


def test_all_that_a_courier_wrote_is_signed_when_it_ends(tmp_path: Path) -> None:
    broker = Broker(tmp_path)  # It is not there; its certificates are.
    usual, authority = config_of(tmp_path), broker.files / "ca.pem"
    turns = iter([True, False])
    config = replace(usual, state_folder=broker.state.root, broker_ca=authority)
    carry(config, lambda: next(turns))
    assert signed(broker.state.courier, broker.camera.courier_key) == 2
    assert written(broker.state.courier) == 2


def test_the_guard_signs_every_change_also_in_light(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    folder, key = config.state.lampguard, make_identity(config.state).lampguard_key
    ledger = Ledger(folder, Program.LAMPGUARD)
    ledger.sign_with(ledger_signer(config.state, Program.LAMPGUARD))
    with guarding(folder, ledger=ledger) as guard, guard.called() as caller:
        eventually(lambda: signed(folder, key) == 1, within_s=30)
        say(caller, Request.ASK)
        while not isinstance(hear(caller), Grant):
            say(caller, Request.ASK)
        eventually(lambda: (signed(folder, key), guard.changes()[-1][0]) == (3, "on"))
        say(caller, Request.STOP)
        eventually(lambda: signed(folder, key) == 5, within_s=30)
    assert [state for state, _ in guard.changes()][:5] == ["off", "arming", "on", "hold", "off"]
