"""An independent listener on the broker: what does somebody see who reads everything?

mosquitto's own client subscribes to `#`. Every payload must be a sealed envelope of its kind's one
size; whatever is not, is counted in bytes.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import IO, Final

from formats.envelope import Kind, read
from formats.errors import FormatError

FORMAT: Final = "%t %x"
"""mosquitto_sub's: the topic, then the payload in hexadecimal."""
ON_THE_WIRE: Final = (Kind.EVENT, Kind.RECEIPT)


@dataclass(slots=True)
class Tap:
    """What was seen on the broker so far."""

    payloads: list[bytes] = field(default_factory=list)
    unsealed_bytes: int = 0
    sizes: dict[Kind, set[int]] = field(default_factory=lambda: defaultdict(set))

    def listen(self, lines: IO[bytes]) -> threading.Thread:
        """Take in mosquitto_sub's output until it ends."""
        thread = threading.Thread(target=self._listen, args=(lines,), daemon=True)
        thread.start()
        return thread

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.take(bytes.fromhex(line.split(b" ")[1].decode()))

    def take(self, payload: bytes) -> None:
        """Judge one payload."""
        self.payloads.append(payload)
        for kind in ON_THE_WIRE:
            try:
                read(kind, payload)
            except FormatError:
                continue
            self.sizes[kind].add(len(payload))
            return
        self.unsealed_bytes += len(payload)
