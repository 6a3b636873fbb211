"""An honest estate: events arrive, two people judge, hold, release and hand over, some end.

Each step is done as its person would do it, with the real programs, and comes to one of three ends:
done, refused in one sentence, or a traceback, which must not be. `Truth` keeps what the people
really saw and did; the judgement compares everything else with it.
"""

import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pyrage

from estate.accounts.match_archive import pack_match
from estate.console.desk import Desk
from estate.console.standing import Standing
from estate.retention.holds import hold_event, release_event
from estate.tests.books import Office, jpeg
from estate.tests.command_line import run
from estate.tests.handed_over import outsider
from estate.verdicts.decisions import Outcome
from estate.verdicts.export import export_match
from formats.errors import Refused
from formats.verdict import Judgement

PEOPLE: Final = (1, 2)
POLICE: Final = pyrage.x25519.Identity.generate()
TO: Final = "The police"
SHADES: Final = range(0, 256, 3)
"""Each event's face is a grey of its own. An even grey is the person on the list."""
FACES: Final = {jpeg(shade): shade for shade in SHADES}


@dataclass(slots=True)
class Truth:
    """What happened in fact."""

    said: set[tuple[int, bytes, int, Judgement]] = field(default_factory=set)
    """Reviewer, event, the face that this reviewer was shown, and the judgement."""
    held: set[bytes] = field(default_factory=set)
    ended: set[bytes] = field(default_factory=set)
    """Events whose own time has ended."""
    handed_over: Counter[bytes] = field(default_factory=Counter)
    archives: list[tuple[bytes, int]] = field(default_factory=list)
    """Event, and the face in the archive that police got."""

    def agreed(self, event: bytes) -> set[Judgement]:
        """Return what two people said of an event; nothing if only one has spoken."""
        mine = {who: judgement for who, on, _, judgement in self.said if on == event}
        return set(mine.values()) if len(mine) == len(PEOPLE) else set()

    def confirmed(self, event: bytes, face: int) -> bool:
        """Return whether two people said of this event, with this face before them: a match."""
        return all((who, event, face, Judgement.MATCH) in self.said for who in PEOPLE)

    def may_be_destroyed(self, event: bytes) -> bool:
        """Return whether its time has ended, or two people did not confirm it."""
        rejected = self.agreed(event) not in (set(), {Judgement.MATCH})
        return event not in self.held and (rejected or event in self.ended)

    def copy(self) -> "Truth":
        """Return a copy that can go another way."""
        parts = (set(self.said), set(self.held), set(self.ended))
        return Truth(*parts, Counter(self.handed_over), list(self.archives))


@dataclass(slots=True)
class Life:
    """The estate of one round."""

    office: Office
    truth: Truth
    books: Path
    arrived: int = 0
    desks: dict[int, Desk] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    """How often each step came to which end."""
    words: list[str] = field(default_factory=list)
    """All that the programs said."""
    tracebacks: list[str] = field(default_factory=list)

    def attempt(self, step: str, work: Callable[[], object]) -> bool:
        """Do one step; return whether it was done."""
        came = "done"
        try:
            self.words.append(str(work()))
        except Refused as refusal:
            self.words.append(str(refusal))
            came = "refused in one sentence"
        except Exception:  # noqa: BLE001  # It is counted, and fails the run.
            self.tracebacks.append(f"{step}: {traceback.format_exc()}")
            came = "traceback"
        self.ends[f"{step}\t{came}"] += 1
        return came == "done"

    def command(self, *words: str, passphrase: bool = True) -> str:
        """Run a command of `tallylight-estate`; return what it printed."""
        secret = self.office.passphrase if passphrase else ()
        result = run(*words, "--config", str(self.office.settings), *secret)
        self.words.append(result.output)
        if result.exit_code == 1 and "Refused: " in result.stderr:
            raise Refused(result.stderr)
        if result.exit_code:
            raise AssertionError(f"{words[0]}: {result.output}") from result.exception
        return result.output

    def arrive(self, *, lasting_s: int = 30 * 86_400) -> bytes:
        """Let one event arrive; return its digest."""
        self.arrived += 1
        until_s = int(time.time()) + lasting_s
        crop = jpeg(SHADES[self.arrived])
        sealed = self.office.arrive(self.arrived, crop_jpeg=crop, retain_until_utc_s=until_s)
        if lasting_s < 0:
            self.truth.ended.add(sealed.digest)
        return sealed.digest

    def sit_down(self, number: int) -> None:
        """Open a reviewer's console anew."""
        self.desks.pop(number, None)
        self.desks[number] = self.office.desk(number)

    def judge(self, number: int) -> None:
        """Let a reviewer judge what waits, by the face that the console shows."""
        desk = self.desks[number]
        desk.refresh()
        for each in desk.standings():
            if each.mine is None and not each.others_turn:
                self.attempt("a verdict", partial(self._say, number, each))

    def _say(self, number: int, shown: Standing) -> None:
        face = face_of(shown)
        judgement = Judgement.NOT_A_MATCH if face % 2 else Judgement.MATCH
        self.truth.said.add((number, shown.event, face, judgement))
        self.desks[number].judge(shown.event, judgement)

    def hold(self, event: bytes) -> None:
        """Let two people hold an event."""
        for number in PEOPLE:
            key, at_ms = self.office.verdict_key(number), time.time_ns() // 1_000_000
            site = self.office.site()
            if hold_event(self.office.store, site, event, key, "A court.", at_ms):
                self.truth.held.add(event)

    def release(self, event: bytes) -> None:
        """Let two people release an event. What both have signed counts as released."""
        for number in PEOPLE:
            key, at_ms = self.office.verdict_key(number), time.time_ns() // 1_000_000
            site = self.office.site()
            if release_event(self.office.store, site, event, key, "It is over.", at_ms):
                self.truth.held.discard(event)

    def hand_over(self) -> None:
        """Let two people hand over each event that both consoles show as confirmed."""
        for each in self.desks[1].standings() if 1 in self.desks else ():
            if each.outcome is Outcome.CONFIRMED and len(self.desks) == len(PEOPLE):
                self.attempt("a hand-over", partial(self._hand_over, each.event))

    def _hand_over(self, event: bytes) -> None:
        made: list[bytes] = []
        for number in PEOPLE:
            desk = self.desks[number]
            pack = partial(pack_match, desk, self.books)
            export_match(desk, event, str(POLICE.to_public()), TO, pack, made.append)
        for archive in made:
            self.truth.handed_over[event] += 1
            content = ZipFile(BytesIO(pyrage.decrypt(archive, [POLICE])))
            pictures = [name for name in content.namelist() if "seen-by" in name]
            self.truth.archives += [(event, FACES[content.read(name)]) for name in pictures]

    def export_books(self, to: Path, kept: Path) -> str:
        """Hand the books to an outsider, who keeps the root and an older checkpoint."""
        self.command("ledger", "export", str(to), passphrase=False)
        answer = outsider(to, "--kept", kept)
        if answer.returncode:
            if "Traceback" in answer.stderr:
                raise AssertionError(answer.stderr)
            raise Refused(answer.stdout + answer.stderr)
        return answer.stdout

    def back_up_and_restore(self, folder: Path) -> str:
        """Copy the store, and restore the copy at another place."""
        self.command("backup", str(folder / "copy"), passphrase=False)
        before = self.office.settings.read_text()
        self.office.write_settings(
            store=f"sqlite:///{folder / 'restored.db'}", books=str(self.books)
        )
        try:
            return self.command("restore", "--from", str(folder / "copy"))
        finally:
            self.office.settings.write_text(before)


def face_of(shown: Standing) -> int:
    """Return which face a console shows; -1 if it shows none of ours."""
    return FACES.get(shown.candidate.crop_jpeg or b"", -1)
