"""A TCP proxy with network faults: delay, cut, half-open, corruption, throttling.

It stands between a client and the broker, in a thread of its own. It reads its faults again for
each piece that it forwards, so that a test can change them while connections are open. It does not
read the content, which is TLS.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
PIECE_BYTES: Final = 4096
LOOK_S: Final = 0.05
"""Time between two checks whether a half-open connection is still to be held."""


@dataclass(slots=True)
class Faults:
    """The faults of each connection from now on; by default there are none."""

    delay_s: float = 0.0
    """Each piece is forwarded this much later."""
    cut_after: int | None = None
    """A connection is reset once this many bytes have passed, either way together."""
    half_open: bool = False
    """No byte passes, and neither end is told."""
    corrupt_at: int | None = None
    """One bit of this byte of a connection, either way together, is flipped."""
    bytes_per_s: int | None = None
    """A piece takes as long as it would at this speed."""


@dataclass(slots=True)
class Counts:
    """Counts of connections, bytes and faults."""

    connections: int = 0
    passed_bytes: int = 0
    cut: int = 0
    corrupted: int = 0


@dataclass(slots=True)
class FaultProxy:
    """Listens on a port of its own and forwards to another, inside the block of `running`."""

    upstream_port: int
    faults: Faults = field(default_factory=Faults)
    counts: Counts = field(default_factory=Counts)
    port: int = 0
    """0 until it runs, then its own."""
    _loop: asyncio.AbstractEventLoop | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator["FaultProxy"]:
        """Listen and forward until the block ends."""
        with socket.create_server((HOST, self.port)) as door:
            self.port = int(door.getsockname()[1])
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever)
            thread.start()
            serving = asyncio.run_coroutine_threadsafe(self._serve(door), self._loop).result()
            try:
                yield self
            finally:
                asyncio.run_coroutine_threadsafe(self._end(serving), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                thread.join()
                self._loop.close()

    def cut(self) -> None:
        """Reset all connections now, also half-open ones."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._reset_all)

    async def _serve(self, door: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._serve_client, sock=door.dup())

    async def _end(self, serving: asyncio.Server) -> None:
        serving.close()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _reset_all(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.counts.connections += 1
        try:
            there_reader, there = await asyncio.open_connection(HOST, self.upstream_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, there}
        self._open |= pair
        passed = [0]
        try:
            await asyncio.gather(
                self._forward(reader, there, passed), self._forward(there_reader, writer, passed)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open -= pair
            for one in pair:
                one.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: list[int]
    ) -> None:
        while piece := await reader.read(PIECE_BYTES):
            faults = self.faults
            await self._hold(len(piece))
            before, passed[0] = passed[0], passed[0] + len(piece)
            piece = self._corrupted(piece, before)
            if faults.cut_after is not None and passed[0] >= faults.cut_after:
                self.counts.cut += 1
                break
            self.counts.passed_bytes += len(piece)
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError  # One end has closed: reset the other, too.

    async def _hold(self, count: int) -> None:
        faults = self.faults
        wait_s = faults.delay_s + (count / faults.bytes_per_s if faults.bytes_per_s else 0.0)
        if wait_s:
            await asyncio.sleep(wait_s)
        while self.faults.half_open:  # noqa: ASYNC110  # A test sets it from another thread.
            await asyncio.sleep(LOOK_S)

    def _corrupted(self, piece: bytes, before: int) -> bytes:
        at = self.faults.corrupt_at
        if at is None or not before <= at < before + len(piece):
            return piece
        self.counts.corrupted += 1
        damaged = bytearray(piece)
        damaged[at - before] ^= 1
        return bytes(damaged)
