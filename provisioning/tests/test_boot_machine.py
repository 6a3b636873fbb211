"""Any order of installs, boots, crashes, power cuts and rot boots what was committed or tried.

The scripts and the boot ROM's choice are the real ones. The machine holds what each slot contains:
a good version, one that never gets ready, one that resets at once, or half a version.
"""

import shutil
from enum import Enum
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from provisioning.device.boot.boot_rom import chosen_partition
from provisioning.tests.boot_card import BootCard, make_bootfs, new_card

SLOTS: Final = {2: "A", 3: "B"}
BOOTS: Final = 12
"""Most resets within which a camera with a good committed slot must be up."""


class Content(Enum):
    """What a slot holds."""

    GOOD = "gets ready"
    NEVER_READY = "runs and never gets ready"
    RESETS = "resets before systemd: rotten, or no version at all"


class Camera(RuleBasedStateMachine):
    """One card, its slots, and the two registers of a board."""

    bootfs = b""

    @initialize()
    def flash(self) -> None:
        self.folder = Path(mkdtemp())
        if not Camera.bootfs:
            Camera.bootfs = make_bootfs(self.folder / "bootfs.img")
        self.card: BootCard = new_card(self.folder / "camera", Camera.bootfs)
        self.content = {"A": Content.GOOD, "B": Content.RESETS}
        self.committed = {"A"}
        """Slots whose present content was committed once."""
        self.tries = 0
        """Boots of a fresh install that are allowed."""
        self.tryboot = False
        self.up = "A"
        self._ready()

    @rule(content=st.sampled_from(Content), cut=st.booleans())
    def install(self, content: Content, cut: bool) -> None:  # noqa: FBT001  # Drawn.
        other = "B" if self.up == "A" else "A"
        if chosen_partition(self.card.autoboot.read_bytes(), tryboot=False) == (
            2 if other == "A" else 3
        ):
            return  # The fall-back runs and is not committed yet; `ready` comes first.
        self.card.slots("set-state", other, "bad")
        self.committed.discard(other)
        self.content[other], self.tries = Content.RESETS, 0
        if cut:
            self._boot("power")
            return
        self.content[other] = content
        self.card.slots("set-primary", other)
        self.tries = 1
        self._boot("warm")

    @rule()
    def power_cut(self) -> None:
        self._boot("power")

    @rule()
    def crash(self) -> None:
        self._boot("crash")

    @rule()
    def the_committed_slot_rots(self) -> None:
        other = "B" if self.up == "A" else "A"
        if other in self.committed and self.content[other] is Content.GOOD:
            self.content[self.up] = Content.RESETS
            self._boot("crash")
            assert self.up == other

    @invariant()
    def the_camera_is_up_in_a_slot_that_gets_ready(self) -> None:
        if hasattr(self, "up"):
            assert self.content[self.up] is Content.GOOD

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "folder", ""), ignore_errors=True)

    def _boot(self, how: str) -> None:
        """Boot until a slot is ready; each boot is of a committed slot, or the one try."""
        self.tryboot = how == "warm" and self.card.asks_for_tryboot()
        reset = "power" if how == "power" else "warm"
        for _ in range(BOOTS):
            tried, self.tryboot = self.tryboot, False
            slot = SLOTS[chosen_partition(self.card.autoboot.read_bytes(), tryboot=tried)]
            if slot not in self.committed:
                assert tried
                assert self.tries == 1
                self.tries = 0
            self.card.runs(slot)
            if self.card.choice(slot, tryboot=tried, reset=reset) == "other":
                self.tryboot = True
            elif self.content[slot] is Content.GOOD:
                self.up = slot
                self._ready()
                return
            elif self.content[slot] is Content.NEVER_READY and slot not in self.committed:
                self.card.slots("set-state", slot, "bad")  # As the script `ready` does.
            reset = "warm"
        raise AssertionError("no slot got ready")

    def _ready(self) -> None:
        self.card.slots("set-state", self.up, "good")
        self.committed.add(self.up)


@pytest.mark.long
class TestCamera(Camera.TestCase):  # type: ignore[misc, valid-type]  # Made at run time.
    """The machine's runs: each starts hundreds of programs."""


TestCamera.settings = settings(max_examples=30, stateful_step_count=8, deadline=None)
