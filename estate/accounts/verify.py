#!/usr/bin/env python3
"""Verifies a site's ledgers independently of the site (audit): `python3 verify.py FOLDER`.

One file for outsiders. It needs Python 3.11 and PyNaCl, and imports nothing else of this project.
FOLDER is the output of `tallylight-estate ledger export`: ledgers `*.jsonl`, `*.checkpoint` files,
`keys.json`, certificates of destruction, and in `site/` what the site signed. If you kept
checkpoints, keys or `root.json` yourself, give their folder with --kept: an older export will do.

(0) From the site's root, enough holders signed each root, each policy and each recipients file.
For each ledger:
(1) every line is one record in canonical form, numbered from 0, by the program of this ledger;
(2) every line holds the SHA-256 of the line before it;
(3) the ledger agrees with every checkpoint; the ledger's key signed each, and there is one.
For the estate's ledger:
(4) every verdict is signed by a reviewer that the site's recipients name at that place;
(5) every decision follows from two verdicts of different people; only what two confirmed is
exported;
(6) two different reviewers signed each hold, release and export; nothing that they hold is
destroyed; each destruction has its certificate.
Then it says what the books do not show, and with --json for every event when recognition ran, the
list, what led to it, the reviewers and the hand-overs. At the first bad record it names that record
and exits with status 1.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias
from unicodedata import normalize

from nacl.bindings import crypto_core_ed25519_is_valid_point as is_valid_point
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

VERSION = "0.2.0"
Json: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Any], bool]
Rules: TypeAlias = Mapping[str, Rule]

# --- The formats: docs/formats/json.md, ledger.md, verdict.md, policy.md ---
INT_LIMIT, UTC_LOW_S, UTC_HIGH_S, PPM = 2**63 - 1, 1_577_836_800, 4_102_444_800, 1_000_000
UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb"
    r"\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U000e00ff"
    r"\U000e01f0-\U0010ffff]"
)
_spell = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _whole(low: int = 0, high: int = INT_LIMIT) -> Rule:
    return lambda value: type(value) is int and low <= value <= high


def _hex(size: int) -> Rule:
    digits = re.compile(f"[0-9a-f]{{{2 * size}}}")
    return lambda value: isinstance(value, str) and digits.fullmatch(value) is not None


def _word(*words: str) -> Rule:
    return lambda value: isinstance(value, str) and value in words


def _text(limit: int) -> Rule:
    return lambda value: (
        isinstance(value, str) and 1 <= len(value) <= limit and not UNPRINTABLE.search(value)
    )


def _is_flat(value: object) -> bool:
    number = _whole(-INT_LIMIT)
    return (
        isinstance(value, dict)
        and len(value) <= BODY_LIMIT
        and all(isinstance(each, str) or number(each) for each in value.values())
    )


def _has(value: object, rules: Rules) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == rules.keys()
        and all(rule(value[name]) for name, rule in rules.items())
    )


def _signing_key(value: object) -> bool:
    return HEX32(value) and is_valid_point(bytes.fromhex(str(value)))


NUMBER, HEX16, HEX32, HEX64 = _whole(), _hex(16), _hex(32), _hex(64)
PROGRAMS = ("watch", "lampguard", "courier", "receiver", "estate")
EVENTS = (
    *("start", "stop", "lamp", "period_begin", "period_end", "list_accepted", "list_refused"),
    *("list_destroyed", "event_sealed", "status_sealed", "status_read", "event_receipted"),
    *("event_lapsed", "outbox_full", "fault", "stored", "checkpoint", "verdict", "decision"),
    *("exported", "held", "released", "destroyed", "budget", "restored"),
)
RECORD = {
    "previous": HEX32,
    "program": _word(*PROGRAMS),
    "event": _word(*EVENTS),
    "body": _is_flat,
    **dict.fromkeys(("seq", "mono_ns", "utc_ms"), NUMBER),
}
CHECKPOINT = {"origin": _text(128), "size": _whole(1), "digest": HEX32, "signature": HEX64}
VERDICT = {  # As the body of a record holds it.
    **dict.fromkeys(("envelope", "list_digest", "model_digest", "policy_digest"), HEX32),
    "key": _signing_key,
    **dict.fromkeys(("reviewer", "camera", "lease_id"), HEX16),
    **dict.fromkeys(("given_utc_ms", "captured_utc_ms"), _whole(0, 1000 * UTC_HIGH_S)),
    "organisation": _text(128),
    "judgement": _word("match", "not_a_match", "cannot_tell"),
    "list_version": _whole(1),
    "threshold_ppm": _whole(-PPM, PPM),
    "retain_until_utc_s": _whole(UTC_LOW_S, UTC_HIGH_S),
    "signature": HEX64,
}
PORTRAIT = {"portrait_digest": lambda value: value == "none" or HEX32(value)}
REVIEWER = {
    "name": _text(64),
    "organisation": _text(128),
    "key": lambda value: HEX32(value) and _opens(bytes.fromhex(value)),
    "verdict_key": _signing_key,
}
BOTH = ("first", "second")
SIGNED_BY_TWO = {
    "envelope": HEX32,
    **dict.fromkeys(BOTH, HEX16),
    **dict.fromkeys([f"{which}_utc_ms" for which in BOTH], _whole(0, 1000 * UTC_HIGH_S)),
    **dict.fromkeys([f"{which}_signature" for which in BOTH], HEX64),
}
AGE_KEY = re.compile("age1[02-9ac-hj-np-z]{58}")
EXPORTED = {
    "to": _text(128),
    "recipient": lambda value: isinstance(value, str) and AGE_KEY.fullmatch(value) is not None,
}
ACTS = {  # By the record: the kind of act, what both people signed, and what else it holds.
    "held": ("hold", {"reason": _text(500)}, {}),
    "released": ("release", {"reason": _text(500)}, {}),
    "exported": ("export", EXPORTED, dict.fromkeys(("file", "archive"), HEX32)),
}
RECIPIENTS = {
    **dict.fromkeys(("ledger_key", "receipt_key"), _signing_key),
    "reviewers": lambda value: isinstance(value, list) and all(_has(e, REVIEWER) for e in value),
    "two_organisations": lambda value: isinstance(value, bool),
    "version": _whole(1, 2**32 - 1),
}
DESTRUCTION = {
    "kind": _word("destruction"),
    "event": HEX32,
    "camera": HEX16,
    "ground": _word("retention", "not_a_match", "status", "restored"),
    "destroyed_utc_ms": NUMBER,
    "signature": HEX64,
}
LINE_LIMIT, BODY_LIMIT, CHECKPOINT_LIMIT, FILE_LIMIT = 4096, 32, 1024, 256 * 1024
CERTIFICATE_LIMIT, CERTIFIED = 2048, ("camera", "ground")
ESTATE, NEEDED = "estate", 2
DECIDING = {frozenset({"match"}): "confirmed", frozenset({"cannot_tell"}): "cannot_tell"}
BESIDES = {"envelope", "organisation", "key", "signature"}
SHOWN = ("reviewer", "organisation", "judgement", "portrait_digest", "named_by_site")
HANDED = ("to", "recipient", "file", "first", "second")
KEPT = {
    *("verdict", "decision", "destroyed", "stored", "exported", "list_accepted"),
    *("period_begin", "period_end", "held", "released", "lamp", "event_receipted"),
}
FOLDERS = {"site", "certificates"}
SUFFIXES = {".jsonl", ".checkpoint", ".json"}
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
CURVE = 2**255 - 19
LOOKALIKES = (
    *(("0", "o"), ("1", "l"), ("i", "l"), ("\u0131", "l"), ("\u0138", "k"), ("|", "l")),
    *(("rn", "m"), ("vv", "w")),
)


class Bad(Exception):
    """The first bad record of a ledger."""

    def __init__(self, record: int, why: str) -> None:
        super().__init__(f"record {record}: {why}")
        self.record = record


class NotAsExported(Exception):
    """FOLDER is not what was exported: a file is missing, changed on the way, or unsigned."""


def strict(data: bytes, rules: Rules, limit: int) -> Json:
    """Return the object in `data`: its members follow `rules`, and it has its one spelling.

    Raises:
        ValueError: it is no such object.
    """
    text = data.decode() if len(data) <= limit else ""
    try:
        value = json.loads(text)
    except RecursionError:
        value = None
    _demand(_has(value, rules) and _spell(value) == text, "it is not in canonical form")
    return dict(value)


def _opens(key: bytes) -> bool:
    """Return whether an X25519 key is canonical, and in the subgroup (RFC 7748, section 4.1)."""
    u = int.from_bytes(key, "little")
    # A second encoding becomes y = 0, which is of order 4 and so refused, too.
    y = 0 if u >= CURVE - 1 else (u - 1) * pow(u + 1, -1, CURVE) % CURVE
    return is_valid_point(y.to_bytes(32, "little"))


def folded(name: str) -> str:
    """Return what all spellings of one name have in common: docs/formats/organisations.md."""
    return " ".join(normalize("NFKC", normalize("NFKC", name).casefold()).split())


def organisation_key(name: str) -> str:
    """Return what all names of one organisation have in common: docs/formats/organisations.md."""
    plain = normalize("NFKD", folded(name))
    for alike, stands_for in LOOKALIKES:
        plain = plain.replace(alike, stands_for)
    return "".join(each for each in plain if each.isalnum())


def _is_signed(message: bytes, signature: object, key: object) -> bool:
    if not (HEX64(signature) and _signing_key(key)):
        return False
    try:
        VerifyKey(bytes.fromhex(str(key))).verify(message, bytes.fromhex(str(signature)))
    except CryptoError:
        return False
    return True


# --- Files, and what a copy can do to them ---
def _refuse_spoiled(path: Path) -> None:
    """Refuse a file whose beginning shows that a copy has changed it.

    Raises:
        NotAsExported: it is none, or a program has changed its marks or line ends.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise NotAsExported(f"{path.name!r} is not a plain file: copy the file itself.")
    with path.open("rb") as file:
        begin = file.read(LINE_LIMIT)
    if begin.startswith(MARKS):
        fault = "begins with a byte-order mark"
    elif b"\r\n" in begin:
        fault = "has other line ends (CRLF)"
    else:
        return
    raise NotAsExported(f"{path.name} {fault}, from a program in transit: copy it in binary.")


def _read(path: Path) -> bytes:
    _refuse_spoiled(path)
    with path.open("rb") as file:
        data = file.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise NotAsExported(f"{path.name} is longer than {FILE_LIMIT:,} bytes.")
    return data


def _lines(path: Path, limit: int) -> Iterator[bytes]:
    """Yield each line without its newline; of a line that is too long, its beginning."""
    _refuse_spoiled(path)
    with path.open("rb") as file:
        while line := file.readline(limit + 1):
            if not line.endswith(b"\n") and len(line) <= limit:
                raise NotAsExported(
                    f"{path.name} ends within a line: it was cut short in transit: copy it again."
                )
            yield line.removesuffix(b"\n")


def find_files(folder: Path, lacks: str = "books: name the folder of the export") -> list[Path]:
    """Return the files and folders in a folder of books, without dot files.

    Raises:
        NotAsExported: a copy has changed their names, or the books are in another folder.
    """
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in found:
        lower = path.name.lower()
        if path.name != lower and (lower in FOLDERS or path.suffix.lower() in SUFFIXES):
            raise NotAsExported(
                f"The name {path.name!r} was changed to upper case in transit: rename it to "
                f"{lower!r}."
            )
    if not any(path.suffix in SUFFIXES for path in found):
        deeper = [path for path in found if path.is_dir() and any(path.glob("[!.]*.jsonl"))]
        where = f"The books are one folder deeper: name {deeper[0]}." if deeper else ""
        raise NotAsExported(where or f"{folder} holds no {lacks}.")
    return found


def find_kept(folder: Path) -> tuple[list[Path], bytes | None]:
    """Return the checkpoints, the `keys.json` and the oldest root that an outsider has kept.

    Raises:
        NotAsExported: there are none, or a copy has changed them.
    """
    files = find_files(folder, "checkpoint, keys.json or root.json that you kept")
    found = [each for each in files if each.suffix == ".checkpoint" or each.name == "keys.json"]
    roots = [each for each in files if each.name == "root.json"] + _roots(folder)
    roots += _roots(folder / "site" / "metadata")
    return found, _read(roots[0]) if roots else None


# --- (0) The site ---
@dataclass
class Site:
    """What the site's holders have signed, in all versions that the estate has met."""

    recipients: dict[str, Json] = field(default_factory=dict)
    """By the SHA-256 of the file."""
    keys: dict[str, set[str]] = field(default_factory=dict)
    """The keys that sign each ledger's checkpoints."""
    root: str = ""
    """SHA-256 of the first root."""


def read_site(folder: Path, kept: bytes | None) -> Site:
    """Return what the site signed, verified from its first root, or from the root you kept.

    Raises:
        NotAsExported: a signature or a file is missing or does not hold.
    """
    site, roots, path = Site(), list[Json](), folder
    try:
        for path in _roots(folder / "metadata"):
            data = _read(path)
            site.root = site.root or sha256(data).hexdigest()
            roots.append(_root_after(roots[-1:], json.loads(data)))
            if data == kept:  # Nothing vouches for a root before the one that you kept.
                roots, kept = roots[-1:], None
        _demand(kept is None, "the root that you kept is not among its roots")
        for path in sorted((folder / "metadata").glob("[!.]*.targets.json")):
            metadata = json.loads(_read(path))
            enough = any(_signed_by(root, "targets", metadata) for root in roots)
            _demand(enough, "too few holders signed it")
            targets = metadata["signed"]["targets"]
            _take_policy(site, _target(folder, targets, "policy.json"))
            _take_recipients(site, _target(folder, targets, "recipients.json"))
        _demand(bool(site.recipients), "it holds no signed recipients")
    except OSError as error:
        raise NotAsExported(
            f"site/: {error.filename} cannot be read: {error.strerror}. Copy the books again."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAsExported(f"site/: {path.name} does not hold: {error}.") from error
    return site


def _root_after(before: list[Json], metadata: Json) -> Json:
    signed: Json = metadata["signed"]
    follows = not before or signed["version"] == before[0]["version"] + 1
    _demand(follows and signed["_type"] == "root", "the root before it is missing")
    enough = all(_signed_by(root, "root", metadata) for root in (*before, signed))
    _demand(enough, "too few holders signed it")
    return signed


def _target(folder: Path, targets: Json, name: str) -> bytes:
    digest = targets[name]["hashes"]["sha256"]
    data = _read(folder / "targets" / f"{digest}.{name}")
    _demand(sha256(data).hexdigest() == digest, f"{name} is not the file that was signed")
    return data


def _demand(holds: bool, why: str) -> None:  # noqa: FBT001
    if not holds:
        raise ValueError(why)


def _roots(folder: Path) -> list[Path]:
    found = folder.glob("[0-9]*.root.json")
    return sorted(found, key=lambda path: int(path.name.removesuffix(".root.json")))


def _signed_by(root: Json, role: str, metadata: Json) -> bool:
    """Return whether enough keys to which `root` gives a role have signed the metadata."""
    message, holders, good = _spell(metadata["signed"]).encode(), root["roles"][role], set[str]()
    for each in metadata["signatures"]:
        public = root["keys"].get(each["keyid"], {}).get("keyval", {}).get("public")
        key = {"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"}
        named = each["keyid"] in holders["keyids"] and root["keys"][each["keyid"]] == key
        if named and _is_signed(message, each["sig"], public):
            good.add(public)
    return 1 <= int(holders["threshold"]) <= len(good)


def _take_policy(site: Site, data: bytes) -> None:
    for place in json.loads(data)["places"]:
        camera = _identity(place["sign_key"])
        keys = {"watch": "sign_key", "lampguard": "lampguard_key", "courier": "courier_key"}
        for program, key in keys.items():
            site.keys.setdefault(f"{camera}/{program}", set()).add(place[key])


def _take_recipients(site: Site, data: bytes) -> None:
    found = read_recipients(data)
    site.recipients[sha256(data).hexdigest()] = found
    site.keys.setdefault(ESTATE, set()).add(found["ledger_key"])


def read_recipients(data: bytes) -> Json:
    """Return the reviewers and keys in a recipients file.

    Raises:
        ValueError: it is none, or names one person or one key twice.
    """
    found = strict(data, RECIPIENTS, FILE_LIMIT // 4)
    people = found["reviewers"]
    for name in ("key", "name", "verdict_key"):
        once = len({folded(each[name]) for each in people}) == len(people)
        _demand(once, "a reviewer is there twice")
    employers = {organisation_key(each["organisation"]) for each in people}
    alone = found["two_organisations"] and len(employers) < NEEDED
    _demand(NEEDED <= len(people) <= 64 and not alone, "it names too few or too many")  # noqa: PLR2004
    return found


# --- (1), (2), (3) Ledgers ---
def records(lines: Iterable[bytes], ends: dict[int, str] | None = None) -> Iterator[Json]:
    """Yield each record once it is proven to continue the one before it: (1), (2), (3).

    Args:
        lines: without their newlines, from the first.
        ends: digests from signed checkpoints, by number of records.

    Raises:
        Bad: with the number of the first record that was changed, removed or inserted.
    """
    ends, digest, held, number = ends or {}, "0" * 64, None, -1
    source = iter(lines)
    line = next(source, None)
    while line is not None:
        number += 1
        after = next(source, None)
        try:
            record = strict(line, RECORD, LINE_LIMIT)
        except ValueError as error:
            raise Bad(number, "it is not a record in canonical form") from error
        mine = sha256(line).hexdigest()
        if record["seq"] != number or record["previous"] != digest:
            _blame(record, number, after, mine, ends.get(number + 1))
        if ends.get(number + 1, mine) != mine:
            raise Bad(number, "it is not the record that was signed")
        if held is not None:
            yield held  # A changed record shows only at the record after it.
        digest, line, held = mine, after, record
    missing = max(ends, default=0)
    if missing > number + 1:
        raise Bad(number + 1, f"it is missing; signed records: {missing}")
    if held is not None:
        yield held


def _blame(record: Json, number: int, after: bytes | None, mine: str, signed: str | None) -> None:
    """Name the bad one of two records that do not fit: a record that the next one names is good."""
    if record["seq"] > number:
        raise Bad(number, f"it is missing or out of place; record {record['seq']} is there")
    try:
        named = signed if after is None else strict(after, RECORD, LINE_LIMIT)["previous"]
    except ValueError:
        named = None
    if named == mine and number:
        raise Bad(number - 1, "it was changed or inserted: the record after it names another")
    raise Bad(number, "it does not continue the record before it")


@dataclass
class Book:
    """One verified ledger of FOLDER."""

    name: str
    size: int = 0
    signed: int = 0
    """Number of records that a signed checkpoint covers."""
    void: set[tuple[int, str]] = field(default_factory=set)
    """Size and digest of checkpoints that a restored copy lacks the records of, by its key."""
    kept: list[Json] = field(default_factory=list)


def verify_book(path: Path, checkpoints: list[Json], keys: set[str]) -> Book:
    """Return a verified ledger with its records of the kinds in `KEPT`.

    Raises:
        Bad: a record or a checkpoint does not hold.
    """
    book = Book(path.stem.replace("_", "/"))
    ends: dict[int, str] = {}
    book.void = _void(path, keys) if path.exists() else set()
    for each in checkpoints:
        mine = each["digest"]
        if (each["size"], mine) in book.void:
            continue
        if each["origin"] == book.name and ends.setdefault(each["size"], mine) != mine:
            raise Bad(each["size"] - 1, "two signed checkpoints differ: the books were forked")
    book.signed = max(ends, default=0)
    if not path.exists():
        raise Bad(0, f"the whole ledger is missing; signed records: {book.signed}")
    for record in records(_lines(path, LINE_LIMIT), ends):
        if record["program"] != book.name.rpartition("/")[2]:
            raise Bad(book.size, f"{record['program']} wrote it: the ledger was renamed")
        book.size += 1
        if record["event"] in KEPT:
            book.kept.append(record)
    return book


def _void(path: Path, keys: set[str]) -> set[tuple[int, str]]:
    """Return the checkpoints that the ledger's own key has made void, with `restored` records."""
    void, lines = set(), list[bytes]()
    with suppress(NotAsExported):  # The reading of the records says what is wrong.
        lines = [each for each in _lines(path, LINE_LIMIT) if b'"event":"restored"' in each]
    for line in lines:
        with suppress(ValueError, KeyError):
            body = strict(line, RECORD, LINE_LIMIT)["body"]
            statement = {name: body[name] for name in ("digest", "size")}
            message = b"tallylight-restored-v1\0" + _spell(statement).encode()
            if any(_is_signed(message, body["signature"], key) for key in keys):
                void.add((body["size"], body["digest"]))
    return void


def read_checkpoint(line: bytes, keys: Mapping[str, set[str]]) -> Json:
    """Return the checkpoint in `line`, signed by one of the keys of its ledger.

    Raises:
        ValueError: it is none, or its signature does not hold.
    """
    checkpoint = strict(line, CHECKPOINT, CHECKPOINT_LIMIT)
    statement = {name: checkpoint[name] for name in ("origin", "size", "digest")}
    message = b"tallylight-checkpoint-v1\0" + _spell(statement).encode()
    mine = keys.get(checkpoint["origin"], ())
    _demand(bool(mine), f"the site has no ledger {checkpoint['origin']!r}")
    signed = any(_is_signed(message, checkpoint["signature"], key) for key in mine)
    _demand(signed, "its signature does not hold")
    return checkpoint


# --- (4), (5), (6) The estate ---
@dataclass
class Events:
    """Every event of the estate's ledger, with its verdicts, its decision and its destruction."""

    site: Site | None
    """None for books that an earlier version exported: no reviewer can be looked up."""
    found: dict[str, Json] = field(default_factory=dict)
    in_force: Json | None = None
    """The recipients that the ledger named last; None before it has named any."""
    undated: int = 0
    """Verdicts and acts whose recipients the ledger does not name."""
    unsigned: int = 0
    """Holds, releases and exports of an earlier version, which carry no signatures."""
    again: int = 0
    """Events that the copy of a restored store called held, and that were destroyed again."""

    def take(self, record: Json) -> None:
        """Add the next record of the ledger: (4), (5), (6).

        Raises:
            Bad: it is not a reviewer's or two reviewers', or does not follow from those before it.
        """
        body, kind = record["body"], record["event"]
        checks = {
            "verdict": self._judge,
            "decision": self._decide,
            "exported": self._export,
            "held": self._hold,
            "released": self._release,
            "destroyed": self._destroy,
        }
        try:
            if kind == "list_accepted":
                self._name_recipients(body)
            elif isinstance(body.get("envelope"), str):
                start = {"verdicts": [], "on_hold": False, "signatures": set()}
                event = self.found.setdefault(body["envelope"], start)
                if kind in checks:
                    gone = "destroyed" in event and kind != "destroyed"
                    _demand(not gone, "its event was destroyed already")
                    checks[kind](event, body)
                event[kind] = record
            else:
                _demand(kind not in checks, "it names no event")
        except ValueError as error:
            raise Bad(record["seq"], str(error)) from error

    def _name_recipients(self, body: Json) -> None:
        digest = body.get("recipients_digest")
        if digest is None:
            return
        _demand(self.site is not None, "the recipients that it names are not in site/")
        named = self.site.recipients.get(digest) if self.site else None
        _demand(named is not None, "the site has not signed the recipients that it names")
        older = self.in_force and named and named["version"] < self.in_force["version"]
        _demand(not older, "it goes back to older recipients")
        self.in_force = named

    @property
    def _recipients(self) -> list[Json]:
        every = [*self.site.recipients.values()] if self.site else []
        return [self.in_force] if self.in_force else every

    def _named(self, identity: str) -> list[Json]:
        """Return the reviewers with this id whom the recipients name at this place."""
        people = [each for named in self._recipients for each in named["reviewers"]]
        return [each for each in people if _identity(each["verdict_key"]) == identity]

    def _apart(self, people: Iterable[Json]) -> bool:
        """Return whether they are of two organisations, if the site demands it."""
        demanded = self._recipients and all(each["two_organisations"] for each in self._recipients)
        return not demanded or len({organisation_key(e["organisation"]) for e in people}) >= NEEDED

    def _judge(self, event: Json, body: Json) -> None:
        verify_verdict(body)
        _demand("decision" not in event, "two people had decided already")
        mine = self._named(body["reviewer"])
        _demand(bool(mine) or self.site is None, "the site names no reviewer with its key then")
        for each in mine[:1]:
            same = each["organisation"] == body["organisation"]
            _demand(same, "it names another organisation than the site")
        self.undated += self.in_force is None
        name = folded(mine[0]["name"]) if mine else body["reviewer"]
        before = {each["name"] for each in event["verdicts"]}
        _demand(name not in before, "one person judged it twice")
        event["verdicts"].append(body | {"name": name, "named_by_site": bool(mine)})

    def _decide(self, event: Json, body: Json) -> None:
        verdicts = [  # Reviewers who were removed since do not decide.
            each for each in event["verdicts"] if not self.site or self._named(each["reviewer"])
        ]
        _demand("decision" not in event, "two people had decided already")
        _demand(len(verdicts) >= NEEDED, "it was not decided by two different people")
        outcome = DECIDING.get(frozenset(each["judgement"] for each in verdicts), "not_a_match")
        _demand(outcome == body.get("outcome"), "it does not follow from the verdicts")
        _demand(self._apart(verdicts), "one organisation decided it alone")
        pairs = [pair for pair in combinations(verdicts, NEEDED) if self._apart(pair)]
        shown = [{each.get("portrait_digest") for each in pair} for pair in pairs]
        one = any(len(portraits) == 1 or None in portraits for portraits in shown)
        _demand(one or outcome != "confirmed", "the reviewers were shown different portraits")

    def _export(self, event: Json, body: Json) -> None:
        decided = event.get("decision", {}).get("body", {}).get("outcome")
        _demand(decided == "confirmed", "two people had not confirmed what it exports")
        people = self._two_signed("exported", event, body)
        _demand(not people or self._apart(people), "one organisation exported it alone")
        when = {"signed": _moment(body["second_utc_ms"]) if people else None}
        event["exports"] = [*event.get("exports", []), {n: body.get(n) for n in HANDED} | when]

    def _hold(self, event: Json, body: Json) -> None:
        event["on_hold"] |= bool(self._two_signed("held", event, body))

    def _release(self, event: Json, body: Json) -> None:
        if self._two_signed("released", event, body):
            _demand(event["on_hold"], "two people did not hold what it releases")
            event["on_hold"] = False

    def _destroy(self, event: Json, body: Json) -> None:
        _demand(HEX32(body["envelope"]), "it names no event")
        again = event["on_hold"] and body.get("ground") == "restored"
        _demand(again or not event["on_hold"], "two people held what it destroys")
        self.again += again

    def _two_signed(self, record: str, event: Json, body: Json) -> list[Json]:
        """Return the two people who signed; none if an earlier version wrote the record.

        Raises:
            ValueError: a signature is missing, does not hold, or counted before.
        """
        if "first_signature" not in body and self.in_force is None:
            self.unsigned += 1
            return []
        people = []
        for which in BOTH:
            found = self._named(body.get(which, ""))
            _demand(bool(found), f"the site names no reviewer then who is its {which}")
            verify_act(record, body, which, found[0]["verdict_key"])
            people += found[:1]
        _demand(len({folded(each["name"]) for each in people}) == NEEDED, "one person signed twice")
        signatures = {body[f"{which}_signature"] for which in BOTH}
        _demand(not signatures & event["signatures"], "a signature in it counted before")
        event["signatures"] |= signatures
        self.undated += self.in_force is None
        return people


def verify_verdict(body: Json) -> None:
    """Verify the verdict in a record's body: its form, and the signature of the key it names.

    Raises:
        ValueError: it does not hold.
    """
    # Verdicts of an earlier version do not say which portrait was shown.
    known = VERDICT | (PORTRAIT if "portrait_digest" in body else {})
    _demand(_has(body, known), "it is not a verdict")
    _demand(_identity(body["key"]) == body["reviewer"], "its reviewer does not match its key")
    statement = {name: value for name, value in body.items() if name not in BESIDES}
    statement |= {"kind": "verdict", "event": body["envelope"]}
    message = b"tallylight-verdict-v1\0" + _spell(statement).encode()
    _demand(_is_signed(message, body["signature"], body["key"]), "its signature does not hold")


def verify_act(record: str, body: Json, which: str, key: str) -> None:
    """Verify what two people signed in a record's body: its form, and one of the two signatures.

    Raises:
        ValueError: it does not hold.
    """
    kind, terms, beside = ACTS[record]
    _demand(_has(body, SIGNED_BY_TWO | terms | beside), f"it is no {kind} that two people signed")
    statement = {name: body[name] for name in terms} | {"kind": kind, "event": body["envelope"]}
    statement |= {"reviewer": body[which], "given_utc_ms": body[f"{which}_utc_ms"]}
    message = b"tallylight-act-v1\0" + _spell(statement).encode()
    held = _is_signed(message, body[f"{which}_signature"], key)
    _demand(held, f"the signature of its {which} does not hold")


def verify_certificates(events: Events, folder: Path, keys: set[str]) -> list[str]:
    """Verify the certificate of each destroyed event; return what could not be verified.

    Raises:
        Bad: a certificate is missing or does not hold.
    """
    destroyed = [each["destroyed"] for each in events.found.values() if "destroyed" in each]
    if destroyed and not folder.is_dir():
        older = "Books of an earlier version, or of a reviewer's machine, hold no certificates"
        return [f"NOT VERIFIED: that events were destroyed. {older}. Events: {len(destroyed)}."]
    for record in destroyed:
        path = folder / f"{record['body']['envelope']}.json"
        if not path.exists():
            raise Bad(record["seq"], "its certificate of destruction is missing")
        try:
            found = strict(_read(path), DESTRUCTION, CERTIFICATE_LIMIT)
        except ValueError:
            found = {}
        statement = {name: found[name] for name in found if name != "signature"}
        message = b"tallylight-destruction-v1\0" + _spell(statement).encode()
        signed = any(_is_signed(message, found.get("signature"), key) for key in keys)
        named = {"envelope": found.get("event"), **{each: found.get(each) for each in CERTIFIED}}
        if not signed or named != record["body"]:
            raise Bad(record["seq"], "its certificate of destruction does not hold")
    return []


def _identity(key: str) -> str:
    return blake2b(bytes.fromhex(key), digest_size=16).hexdigest()


# --- What happened ---
def periods(books: Iterable[Book]) -> dict[str, tuple[Json, Json | None]]:
    """Return begin and end of every camera's periods of use, by lamp lease."""
    found: dict[str, tuple[Json, Json | None]] = {}
    for book in books:
        begun: Json | None = None
        for record in book.kept:
            if record["event"] == "period_begin":
                begun = record
                found[record["body"].get("lease_id", "")] = (record, None)
            elif record["event"] == "period_end" and begun is not None:
                found[begun["body"].get("lease_id", "")] = (begun, record)
                begun = None
    return found


def histories(events: dict[str, Json], used: dict[str, tuple[Json, Json | None]]) -> list[Json]:
    """Return for each event its period of use, its list, its basis and its reviewers."""
    return [_history(envelope, event, used) for envelope, event in events.items()]


def _history(envelope: str, event: Json, used: dict[str, tuple[Json, Json | None]]) -> Json:
    basis = event["verdicts"][0] if event["verdicts"] else {}
    begin, end = used.get(basis.get("lease_id", "none"), (None, None))
    return {
        "event": envelope,
        "period": {"begin": _time(begin), "end": _time(end), "lease": basis.get("lease_id")},
        "list": {"version": basis.get("list_version"), "digest": basis.get("list_digest")},
        "list_is_the_periods": None
        if begin is None
        else begin["body"].get("list_digest") == basis.get("list_digest"),
        "led_to_it": {
            "captured": _moment(basis.get("captured_utc_ms")),
            "threshold_ppm": basis.get("threshold_ppm"),
            "model": basis.get("model_digest"),
            "policy": basis.get("policy_digest"),
            "sealed_input": envelope,
        },
        "verified_by": [
            {name: each.get(name) for name in SHOWN} | {"given": _moment(each["given_utc_ms"])}
            for each in event["verdicts"]
        ],
        "outcome": event.get("decision", {}).get("body", {}).get("outcome"),
        "handed_over": event.get("exports", []),
        "on_hold": event.get("on_hold", False),
        "destroyed": _time(event.get("destroyed")),
    }


def _time(record: Json | None) -> str | None:
    return None if record is None else _moment(record["utc_ms"])


def _moment(utc_ms: int | None) -> str | None:
    if utc_ms is None:
        return None
    if utc_ms > 1000 * UTC_HIGH_S:  # A clock may be wrong by more than a calendar holds.
        return f"{utc_ms} ms after 1970"
    return datetime.fromtimestamp(utc_ms / 1000, UTC).isoformat()


# --- The program ---
def verify_books(folder: Path, kept: Path | None) -> tuple[list[Book], Events, list[str]]:
    """Return ledgers and events once every record is verified, and what could not be verified.

    Raises:
        NotAsExported: the first bad record, or a file that is missing or was changed on the way.
    """
    mine, root = find_kept(kept) if kept else ([], None)
    found = [*find_files(folder), *mine]
    here = {path.name: path for path in found}  # What you kept yourself comes last, and counts.
    site = read_site(here["site"], root) if "site" in here else None
    keys = _ledger_keys(site, here.get("keys.json"))
    files = [path for path in found if path.suffix == ".checkpoint"]
    signed = [each for path in files for each in _checkpoints(path, keys)]
    names = {path.stem.replace("_", "/") for path in found if path.suffix == ".jsonl"}
    names |= {ESTATE} | {each["origin"] for each in signed}
    events, ledgers, absent = Events(site), list[Book](), list[str]()
    for name in sorted(names - keys.keys()):
        raise NotAsExported(f"The site has no ledger {name!r}: was the file renamed?")
    for name in sorted(names):
        path = folder / f"{name.replace('/', '_')}.jsonl"
        try:
            ledgers.append(verify_book(path, signed, keys[name]))
            for record in ledgers[-1].kept if name == ESTATE else []:
                events.take(record)
            if name == ESTATE:
                absent = verify_certificates(events, folder / "certificates", keys[name])
        except Bad as bad:
            raise NotAsExported(f"{path.name}, {bad}") from bad
    for book in ledgers:
        if not book.signed:
            raise NotAsExported(f"No checkpoint signs the ledger {book.name}: ask for one.")
    notes = [
        f"The estate restored an older copy of {book.name}: records that its checkpoint of {size} "
        "records had signed are lost."
        for book in ledgers
        for size, _ in sorted(book.void)
    ]
    return ledgers, events, notes + _notes(ledgers, events, root) + absent


def _ledger_keys(site: Site | None, path: Path | None) -> Mapping[str, set[str]]:
    keys: Json = {}
    if path is None and site is None:
        raise NotAsExported(
            "keys.json and site/ are missing, and without keys no signature can be verified: name "
            "the folder that `tallylight-estate ledger export` wrote."
        )
    if path is not None:
        try:
            keys = json.loads(_read(path))
            _demand(all(map(HEX32, keys.values())), "a key is not 64 lower-case hex digits")
        except (ValueError, AttributeError, RecursionError) as error:
            raise NotAsExported(f"keys.json is not a table of keys: {error}.") from error
    if site is None:
        return {name: {key} for name, key in keys.items()}
    for name, key in keys.items():
        if key not in site.keys.get(name, set()):
            raise NotAsExported(f"keys.json has a key for {name!r} that the site has not signed.")
    return site.keys


def _checkpoints(path: Path, keys: Mapping[str, set[str]]) -> list[Json]:
    try:
        return [read_checkpoint(line, keys) for line in _lines(path, CHECKPOINT_LIMIT)]
    except ValueError as error:
        raise NotAsExported(f"A checkpoint in {path.name} does not hold: {error}.") from error


def _notes(books: list[Book], events: Events, root: bytes | None) -> list[str]:
    """Return what the books do not show, and the root that the outsider must compare."""
    site = events.site or Site()
    groups = " ".join(re.findall("....", site.root))
    begin = (
        f"The root {groups} came with the books: compare it with the minutes of the site's "
        "ceremony. Then keep site/metadata/1.root.json, and name its folder with --kept."
        if events.site
        else "NOT VERIFIED: who the reviewers are. An earlier version exported these books, "
        "without site/. Ask for a new export."
    )
    lit = _told(books, "lamp", "lease_id")
    dark = _told(books, "period_begin", "lease_id") - lit
    came = {envelope for _, envelope in _told(books, "event_receipted", "envelope")}
    doubts = {
        "who held, released or exported in records of an earlier version, which the reviewers "
        "did not sign. Records": events.unsigned,
        "the release of holds, in a copy that was restored. Events that the estate destroyed "
        "again, and that were held": events.again,
        "when the reviewers of records of an earlier version were named; the site has named them "
        "at some time. Records": events.undated,
        "that the lamp was lit. Periods of use with a lease that no ledger of their camera's "
        "lampguard has": len(dark),
        "what became of events that a camera has a receipt for. Events that the estate's ledger "
        "does not name": len(came - events.found.keys()),
    }
    missing = sorted(site.keys.keys() - {book.name for book in books})
    return [
        *([] if root and events.site else [begin]),
        *(f"NOT VERIFIED: {doubt}: {count}." for doubt, count in doubts.items() if count),
        *(f"NOT VERIFIED: what {name} did. The books have no ledger of it." for name in missing),
    ]


def _told(books: list[Book], happening: str, member: str) -> set[tuple[str, str]]:
    """Return what the records of one kind say of `member`, each with its camera."""
    return {
        (book.name.partition("/")[0], str(record["body"][member]))
        for book in books
        for record in book.kept
        if record["event"] == happening and member in record["body"]
    }


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    parser.add_argument("folder", type=Path, help="what `tallylight-estate ledger export` wrote")
    kept = "folder with checkpoints, keys.json, root.json of yours, or an older export"
    parser.add_argument("--kept", type=Path, help=kept)
    parser.add_argument("--json", action="store_true", help="print the history of every event")
    return parser


def main() -> int:
    """Verify the folder named on the command line; return 0 if every record is good."""
    chosen = command_line().parse_args()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        books, events, notes = verify_books(chosen.folder, chosen.kept)
    except NotAsExported as error:
        print(error, file=sys.stderr if chosen.json else sys.stdout)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be read: {error.strerror}.", file=sys.stderr)
        return 1
    for note in notes:
        print(note, file=sys.stderr if chosen.json else sys.stdout)
    if chosen.json:
        print(json.dumps(histories(events.found, periods(books)), indent=1))
        return 0
    for book in books:
        print(f"{book.name}: records verified: {book.size:,}, of them signed: {book.signed:,}")
    count, signed = sum(book.size for book in books), sum(book.signed for book in books)
    print(f"Every record holds. Records: {count:,}. Events: {len(events.found):,}.")
    if later := count - signed:
        print(f"Records after the newest checkpoints: {later:,}. They can still be written anew.")
    if doubts := [note for note in notes if note.startswith("NOT VERIFIED")]:
        print(f"Read the lines above that begin with NOT VERIFIED: {len(doubts):,}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
