"""Accept the list in the inbox, or keep the last good one; destroy a list that ended.

A refused list changes nothing: the last accepted list runs until its own end. Every outcome is in
the ledger of `watch`.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from nacl.signing import SigningKey

from firmware.config import State
from firmware.record.ledger import Ledger
from firmware.trust.list_destruction import DestructionLog, destroy_body, held_list
from firmware.trust.site_verifier import verify_accepted, verify_site
from firmware.trust.watchlist import ListRefused, ThisCamera, Watchlist
from formats.ledger import Happening
from formats.list_end import End


def site_folder(state: State) -> Path:
    """Return the folder of the repository that `watch` accepted last."""
    return state.site


def accept_inbox(  # noqa: PLR0913  # The camera's files, keys and clock are in different hands.
    state: State,
    root: bytes,
    *,
    camera: ThisCamera,
    ledger: Ledger,
    key: SigningKey,
    now: datetime,
) -> Watchlist:
    """Return the list in the inbox; if it is refused, the last good one until its own end.

    Args:
        state: this camera's folders.
        root: TUF root metadata from the read-only image.
        camera: the camera this runs on.
        ledger: of `watch`.
        key: signs that a list was destroyed.
        now: a moment in UTC from a clock that is trusted.

    Raises:
        ListRefused: both lists are refused, or there is no earlier one.
        OSError: the card cannot be written.
    """
    metadata = site_folder(state)
    before, now_s = held_list(metadata), int(now.timestamp())
    log = DestructionLog(state.watch / "destroyed", key, ledger)
    try:
        watchlist = verify_site(state.inbox, metadata, root, camera=camera, now=now)
    except ListRefused as refusal:
        ledger.append(Happening.LIST_REFUSED, {"code": refusal.code})
        with suppress(ListRefused):
            return verify_accepted(metadata, root, camera=camera, now=now)
        if before and now_s >= before.expires_utc_s:
            destroy_body(before, End.EXPIRED, log, now_s)
        raise
    if before and before.digest != watchlist.digest:
        destroy_body(before, End.REPLACED, log, now_s)
    _record(ledger, watchlist)
    return watchlist


def _record(ledger: Ledger, watchlist: Watchlist) -> None:
    body: dict[str, int | str] = {
        "version": watchlist.version,
        "digest": watchlist.digest.hex(),
        "policy_digest": watchlist.policy_digest.hex(),
        "entries": len(watchlist.entries),
    }
    ledger.append(Happening.LIST_ACCEPTED, body)
