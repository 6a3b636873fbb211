"""A tap on the broker: reads all messages, and counts the bytes that were not sealed.

mosquitto's own client subscribes to `#`. Each payload must be a sealed envelope of the one size of
its kind, signed by the camera or by the estate. The bytes of any other payload are counted.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Final

from nacl.signing import VerifyKey

from formats.envelope import Kind, read, verify
from formats.errors import FormatError

FORMAT: Final = "%x %t"
"""Output format of mosquitto_sub: the payload in hexadecimal, then the topic."""


ON_THE_WIRE: Final = (Kind.EVENT, Kind.RECEIPT)
"""The kinds of envelopes that belong on the broker."""


@dataclass(slots=True)
class Tap:
    """The payloads on the broker so far."""

    signers: Mapping[Kind, VerifyKey]
    """The key that must have signed each kind of envelope; no other kind belongs on the broker."""
    payloads: list[bytes] = field(default_factory=list)
    unsealed_bytes: int = 0
    sizes: dict[Kind, int] = field(default_factory=dict)
    """The one size of each kind, from the first of them."""

    def listen(self, lines: IO[bytes]) -> threading.Thread:
        """Start a thread that judges mosquitto_sub's output until it ends."""
        thread = threading.Thread(target=self._listen, args=(lines,), daemon=True)
        thread.start()
        return thread

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.judge_payload(bytes.fromhex(line.split(b" ")[0].decode()))

    def judge_payload(self, payload: bytes) -> None:
        """Judge one payload."""
        self.payloads.append(payload)
        if not any(self._is_sealed(kind, payload) for kind in self.signers):
            self.unsealed_bytes += len(payload)

    def _is_sealed(self, kind: Kind, payload: bytes) -> bool:
        try:
            verify(read(kind, payload), self.signers[kind])
        except FormatError:
            return False
        return self.sizes.setdefault(kind, len(payload)) == len(payload)
