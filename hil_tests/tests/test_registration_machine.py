"""Both sides of a registration, with messages that are lost, doubled or cut, and power cuts."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware.identity import make_identity
from firmware.registration.kept import check_registration, read_kept
from firmware.registration.session import FAIL_SAFE_S
from formats.errors import Refused
from hil_tests.tests.registration_pair import Camera, Laptop, register
from provisioning.registration.exchange import Ask, Exchange
from provisioning.registration.open_file import TRIES


class Registering(RuleBasedStateMachine):
    """One camera on one cable; each rule is a try that ends somewhere, or a power cut."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.camera = Camera(Path(self.folder.name), "c1")
        self.laptop = Laptop(Path(self.folder.name) / "site")
        self.keys = make_identity(self.camera.state)
        self.exchange = self.laptop.exchange("c1")

    def _try(self, ask: Ask) -> None:
        try:
            register(self.exchange, ask)
        except (Refused, OSError):
            self.exchange = Exchange(self.laptop.manifest(), self.laptop.terms, "c1", "bench")

    def _losing(self, number: int, *, answer: bool) -> Ask:
        count = [-1]

        def ask(message: bytes) -> bytes:
            count[0] += 1
            if count[0] < number:
                return self.camera.ask(message)
            if answer:
                self.camera.ask(message)
            raise TimeoutError(110, "timed out")

        return ask

    @rule()
    def a_message_is_lost(self) -> None:
        for number in range(4):
            self._try(self._losing(number, answer=False))

    @rule()
    def the_first_answer_is_lost(self) -> None:
        self._try(self._losing(0, answer=True))

    @rule()
    def the_second_answer_is_lost(self) -> None:
        self._try(self._losing(1, answer=True))

    @rule()
    def the_third_answer_is_lost(self) -> None:
        self._try(self._losing(2, answer=True))

    @rule()
    def the_last_answer_is_lost(self) -> None:
        self._try(self._losing(3, answer=True))

    @rule()
    def each_message_comes_twice(self) -> None:
        def twice(message: bytes) -> bytes:
            self.camera.ask(message)
            return self.camera.ask(message)

        self._try(twice)

    @rule()
    def each_message_is_cut(self) -> None:
        self._try(lambda message: self.camera.ask(message[: len(message) // 2]))

    @rule()
    def an_answer_is_cut(self) -> None:
        self._try(lambda message: self.camera.ask(message)[:-1])

    @rule()
    def the_camera_loses_its_power(self) -> None:
        self.camera.start()

    @rule()
    def the_laptop_is_killed(self) -> None:
        self.exchange = self.laptop.exchange("c1")

    @precondition(lambda self: not self.camera.session.ended)
    @rule()
    def ten_minutes_pass(self) -> None:
        self.camera.now_s += FAIL_SAFE_S + 1
        self.camera.session.forget_if_late()

    @invariant()
    def the_keys_stay(self) -> None:
        assert self.laptop.manifest().found == [] or all(
            one.identity == self.keys for one in self.laptop.manifest().found
        )

    @invariant()
    def a_camera_keeps_only_what_the_manifest_holds(self) -> None:
        kept = read_kept(self.camera.state)
        lines = self.laptop.manifest().path
        assert kept is None or kept in lines.read_bytes().splitlines()

    def teardown(self) -> None:
        """From everywhere, a clean line registers the camera within a few tries."""
        for _ in range(4):
            if self.exchange.wrong == TRIES:  # A person looked at the cable, as the sentence asks.
                shutil.rmtree(self.laptop.folder / "registrations" / "open")
                self.exchange = self.laptop.exchange("c1")
            self._try(self.camera.ask)
        kept = check_registration(self.camera.state)
        assert kept == self.laptop.manifest().found[-1]
        assert kept.identity == self.keys == make_identity(self.camera.state)
        self.folder.cleanup()


TestRegistering = Registering.TestCase
TestRegistering.settings = settings(
    max_examples=8,
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
