"""An event that was deleted unsent, and a chain mark that was put back: the estate sees a gap."""

import os
from pathlib import Path

from estate.intake.chains import read_chains
from estate.store.envelopes import Store
from firmware.config import State
from firmware.delivery.chain_check import check_chain
from firmware.delivery.marks import CHAINS
from firmware.delivery.outbox import Outbox
from firmware.identity import make_identity, watch_keys
from firmware.record.ledger import Ledger
from formats.envelope import Sealed
from formats.ledger import Program
from hil_tests.long.chaos.maker import Maker, record


def test_an_event_deleted_unsent_under_the_mark_of_before_leaves_a_gap(tmp_path: Path) -> None:
    state = State(tmp_path / "camera")
    make_identity(state)
    outbox, ledger = Outbox(state.outbox), Ledger(state.watch, Program.WATCH)
    maker = Maker(outbox, watch_keys(state).sign, bytes(16), None)

    def put() -> Sealed:
        sealed, link = maker.seal()
        outbox.put(sealed, link)
        record(ledger, link)
        maker.link = link
        return sealed

    delivered = [put(), put()]
    outbox.recover()
    marks = {name: (state.outbox / name).read_bytes() for name in CHAINS}
    put()
    (state.outbox / "waiting" / "000000000003").unlink()
    for name, content in marks.items():
        (state.outbox / name).write_bytes(content)
    maker.link = check_chain(outbox, ledger, outbox.recover().link)
    maker.boot_id = os.urandom(16)
    delivered.append(put())
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    for sealed in delivered:
        store.add_envelopes([sealed], 1)
    (chain,) = read_chains(store)
    store.close()
    assert len(chain.gaps) == 1
