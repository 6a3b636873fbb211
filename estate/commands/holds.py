"""`tallylight-estate hold` and `release`: two people keep an event beyond its retention time."""

from pathlib import Path
from typing import Annotated

import typer

from estate.commands.options import AsJson, Settings, current_site, open_office, print_result
from estate.passphrase import unlocking
from estate.retention.holds import hold_event, release_event
from formats.envelope import sender_id
from formats.envelope_header import DIGEST_BYTES
from formats.errors import Malformed
from formats.hexadecimal import read_hex
from formats.keyfile import KeyRefused, Purpose, unlock_signing

Event = Annotated[str, typer.Argument(help="The event's digest, 64 hexadecimal digits.")]
TwoKeys = Annotated[
    list[Path], typer.Option("--key", help="A reviewer's verdict key; give this option twice.")
]
TwoPassphraseFiles = Annotated[
    list[Path] | None,
    typer.Option("--passphrase-file", help="Files with their passphrases, in the same order."),
]
Reason = Annotated[str, typer.Option(help="Why: one line, which the ledger keeps.")]


def hold(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: TwoKeys,
    reason: Reason,
    passphrase_file: TwoPassphraseFiles = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Keep an event beyond its time: two people, each with their key, and a reason."""
    office, store = open_office(config)
    hold_event(
        store, current_site(office), _digest(event), _reviewers(key, passphrase_file), reason
    )
    store.close()
    print_result("The event is held until two people release it.", as_json=as_json, held=event)


def release(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    event: Event,
    key: TwoKeys,
    reason: Reason,
    passphrase_file: TwoPassphraseFiles = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Release a held event, so that it is destroyed at its time: two people, each with a key."""
    office, store = open_office(config)
    release_event(
        store, current_site(office), _digest(event), _reviewers(key, passphrase_file), reason
    )
    store.close()
    sentence = "The event is released: it is destroyed at its time."
    print_result(sentence, as_json=as_json, released=event)


def _digest(text: str) -> bytes:
    try:
        return read_hex(text, DIGEST_BYTES)
    except Malformed as error:
        raise KeyRefused(
            "Name the event by its digest: 64 lower-case hexadecimal digits."
        ) from error


def _reviewers(keys: list[Path], passphrases: list[Path] | None) -> list[bytes]:
    """Return the reviewers' ids, each proven by an unlocked verdict key."""
    files: list[Path | None] = [*passphrases] if passphrases else [None for _ in keys]
    if len(files) != len(keys):
        raise KeyRefused("Give as many passphrase files as keys, or none.")
    reviewers = []
    for path, file in zip(keys, files, strict=True):
        key = unlock_signing(*unlocking(path, Purpose.VERDICT, file))
        reviewers.append(sender_id(key.verify_key))
    return reviewers
