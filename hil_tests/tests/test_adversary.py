"""A short run beside a hostile courier and a hostile broker; `make long-adversary` is the long one.

The same adversary acts on the folders of a whole camera with a lamp while it looks.
"""

import os
import sys
import time

import pytest

from formats.ledger import Program
from hil_tests.long.adversary.__main__ import table
from hil_tests.long.adversary.run import open_folder, run
from hil_tests.long.chaos.testbed import SupervisedProgram
from hil_tests.rig.camera_users import COURIER, as_user, why_not
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.judgement import judge
from hil_tests.rig.site_maker import copy_site

pytestmark = [
    pytest.mark.broker,
    pytest.mark.alone,
    pytest.mark.long,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]
LOOKING_S = 6.0


@pytest.mark.timeout(240)
def test_beside_a_hostile_courier_and_a_lying_broker_no_promise_breaks() -> None:
    with open_folder() as folder:
        outcome = run(folder, count=100, pause_s=0.15, seed=7)
    assert outcome.sound, outcome
    assert outcome.events.promised == 100
    assert {act.partition("\t")[2] for act in outcome.acts} >= {"done", "refused"}
    assert any(act.startswith("broker: ") for act in outcome.acts)
    assert table(outcome).row_count > len(outcome.acts)


@pytest.mark.timeout(240)
def test_beside_a_hostile_courier_no_look_is_outside_the_light(listed_site: DeskSite) -> None:
    with open_folder() as folder:
        desk = copy_site(listed_site, folder)
        desk.camera.chmod(0o755)
        for name in ("inbox", "receipts"):
            shared = desk.camera / name
            shared.mkdir(exist_ok=True)
            for path in (shared, *shared.rglob("*")):
                os.chown(path, COURIER, COURIER)
        acting = [sys.executable, "-m", "hil_tests.long.adversary.acts", str(desk.camera), "7"]
        adversary = SupervisedProgram([*as_user(COURIER), *acting], folder / "adversary.log")
        with DeskRig(desk) as rig:
            rig.start()
            adversary.ensure_running()
            try:
                until_s = time.monotonic() + LOOKING_S
                while time.monotonic() < until_s:
                    time.sleep(LOOKING_S / 3)
                    rig.restart(Program.WATCH)
                looks = len(rig.looks())
                rig.wait_until(lambda: len(rig.looks()) > looks)
            finally:
                adversary.kill()
            verdict = judge(rig.lamp_current(), rig.looks())
            acts = adversary.log.read_text().splitlines()
        assert any(act.endswith("\tdone") for act in acts)
        assert not [act for act in acts if act.endswith("\tdone to watch")]
        assert verdict.looks > 0
        assert verdict.outside == 0
