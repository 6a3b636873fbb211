"""Stands in for another user of the reviewer's machine, who wants a face or a verdict.

It runs as a user of its own. It reads processes, memory, files and sockets, sends signals, plants
links, and speaks to each port of the machine in every way that it can think of: as another host,
with guessed and stale secrets, as another site, in broken HTTP. Each line that it prints is an act
and what came of it. `found` means that it has a secret or a piece of a face.
"""

import ctypes
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

from numpy.random import Generator, default_rng

READ_LIMIT: Final = 1 << 22
OF_A_PROCESS: Final = (
    *(
        "cmdline",
        "environ",
        "maps",
        "mem",
        "status",
        "stack",
        "auxv",
        "cwd",
        "root",
        "fd",
        "fdinfo",
    ),
    *("task", "map_files", "limits", "wchan", "syscall", "net/tcp", "net/unix"),
)
OF_EVERY_PROCESS: Final = ("cmdline", "environ")
PTRACE_ATTACH: Final = 16
SHARED: Final = (Path("/dev/shm"), Path("/run/user"), Path("/var/tmp"))  # noqa: S108
PLANTED: Final = ("console.html", "office.toml", "store.db-wal", "store.db", "sitecustomize.py")
WAIT_S: Final = 2.0
WEBSOCKET: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13"
)
METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "TRACE")
LISTENS: Final = "0A"
"""State of a listening socket in /proc/net/tcp."""


@dataclass(slots=True)
class OtherUser:
    """One run of the other user."""

    process: int
    """Process of the console; the process list shows it."""
    host: str
    """Name and port of the console, as one who looked over the reviewer's shoulder knows them."""
    event: str
    stale: Sequence[str]
    """Token and cookie of an earlier console."""
    needles: Sequence[bytes]
    """Pieces of the face and of the secrets, by which a success is known."""
    folders: Sequence[Path]
    reviewer: int
    dice: Generator
    said: list[str] = field(default_factory=list)

    def act(self) -> None:
        """Do everything once."""
        acts: dict[str, Callable[[], Iterator[bytes]]] = {
            "process list and /proc": self.read_processes,
            "memory of the console": self.read_memory,
            "files of the reviewer, temporary files": self.read_files,
            "signals": self.send_signals,
            "links and files planted": self.plant,
            "requests with Host, Origin and Fetch games": self.ask,
            "guessed and stale tokens and cookies": self.guess,
            "broken HTTP": self.speak_badly,
            "race for the token": self.race,
        }
        for name, act in acts.items():
            tried, found = 0, 0
            for seen in act():
                tried += 1
                found += any(needle in seen for needle in self.needles)
            print(f"{name}\t{tried}\t{found}", flush=True)

    def read_processes(self) -> Iterator[bytes]:
        """Read what each process shows to other users."""
        for folder in Path("/proc").glob("[0-9]*"):
            for name in (
                OF_A_PROCESS if int(folder.name) == self.process else ("cmdline", "environ")
            ):
                yield from _contents(folder / name)

    def read_memory(self) -> Iterator[bytes]:
        """Attach as a debugger, and read by process_vm_readv."""
        libc = ctypes.CDLL(None, use_errno=True)
        attached = libc.ptrace(PTRACE_ATTACH, self.process, None, None)
        yield self.needles[0] if attached == 0 else b""
        kept = ctypes.create_string_buffer(4096)
        local = (ctypes.c_void_p * 2)(ctypes.addressof(kept), 4096)
        for address in (0x400000, 0x555555554000, 0x7FFFF7A00000):
            remote = (ctypes.c_void_p * 2)(address, 4096)
            count = libc.process_vm_readv(self.process, local, 1, remote, 1, 0)
            yield self.needles[0] if count > 0 else b""

    def read_files(self) -> Iterator[bytes]:
        """Read each file that the reviewer's folders and the temporary ones show."""
        for place in (*self.folders, Path(tempfile.gettempdir()), *SHARED):
            for path in _walk(place, self.reviewer):
                yield from _contents(path)

    def send_signals(self) -> Iterator[bytes]:
        """End the console, or have it write its memory."""
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGABRT, signal.SIGKILL):
            try:
                os.kill(self.process, number)
                yield self.needles[0]
            except PermissionError:
                yield b""

    def plant(self) -> Iterator[bytes]:
        """Put links and settings where the console reads or writes."""
        for folder in (*self.folders, *(each / "books" / "portraits" for each in self.folders)):
            for name in (
                "console.html",
                "office.toml",
                "store.db-wal",
                "store.db",
                "sitecustomize.py",
            ):
                try:
                    (folder / name).unlink(missing_ok=True)
                    (folder / name).symlink_to("/etc/passwd")
                    yield self.needles[0]
                except OSError:
                    yield b""

    def ask(self) -> Iterator[bytes]:
        """Ask for each page as another host, another site, with foreign headers."""
        port = self.host.partition(":")[2]
        hosts = (
            self.host,
            f"127.0.0.1:{port}",
            f"localhost:{port}",
            "evil.example",
            "",
            self.host.upper(),
        )
        origins = (f"http://{self.host}", "null", "http://evil.example", "")
        sites = ("none", "same-origin", "cross-site")
        for host, origin, site in product(hosts, origins, sites):
            extra = (
                f"Origin: {origin}\r\nSec-Fetch-Site: {site}\r\nX-Forwarded-Host: {self.host}\r\n"
            )
            for target in self.dice.choice(self._targets(), 3, replace=False):
                yield self._send(str(self.dice.choice(METHODS)), str(target), host, extra)

    def guess(self) -> Iterator[bytes]:
        """Try empty, guessed, cut, doubled and stale secrets."""
        token, cookie = self.stale
        made = ("", "0", "x" * 43, "x" * 100_000, "%00", token, token[:-1], token + "=", "\udc80")
        for secret in made:
            yield self._send("GET", f"/?token={secret}", self.host, "")
            yield self._send("GET", f"/?token=&token={secret}&token[]={secret}", self.host, "")
        same = f"Origin: http://{self.host}\r\n"
        for value in (*made, cookie.partition("=")[2]):
            for jar in (f"tallylight={value}", f"a=1;tallylight={value};tallylight="):
                header = f"Cookie: {jar}\r\n{same}"
                yield self._send("GET", f"/crop/{self.event}", self.host, header)
                yield self._send("POST", f"/verdict/{self.event}", self.host, header)

    def speak_badly(self) -> Iterator[bytes]:
        """Send requests in forms that servers and guards may read differently."""
        crop, host = f"/crop/{self.event}", self.host
        both = f"Content-Length: {len(crop)}\r\nTransfer-Encoding: chunked"
        inner = f"GET {crop} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        for text in (
            f"GET {crop} HTTP/1.0\r\n\r\n",
            f"GET http://{host}{crop} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            f"GET {crop} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
            f"GET /static/..{crop} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            f"GET /static/%2e%2e/%2e%2e/desk.py HTTP/1.1\r\nHost: {host}\r\n\r\n",
            f"GET /{crop} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            f"GET /static/icon.svg HTTP/1.1\r\nHost: {host}\r\n\r\n{inner}",
            f"POST / HTTP/1.1\r\nHost: {host}\r\n{both}\r\n\r\n0\r\n\r\n{inner}",
            f"GET {crop} HTTP/1.1\r\nHost: {host}\r\n{WEBSOCKET}\r\n\r\n",
            f"GET {crop} HTTP/1.1\r\nHost: {host}\r\nCookie: {'a' * 70_000}\r\n\r\n",
            "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
            f"GET {crop}",
        ):
            yield self._exchange(text.encode())

    def race(self) -> Iterator[bytes]:
        """Ask for the first page on every listening port, again and again."""
        for _ in range(20):
            for port in _listening():
                yield self._exchange(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode(), port)

    def _targets(self) -> list[str]:
        pages = ("candidate", "crop", "portrait", "verdict", "export", "hold")
        return ["/", "/queue", "/stream", *(f"/{page}/{self.event}" for page in pages)]

    def _send(self, method: str, target: str, host: str, headers: str) -> bytes:
        body = "judgement=match&portrait=none" if method == "POST" else ""
        form = "Content-Type: application/x-www-form-urlencoded\r\n"
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        text = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}{form}{length}{body}"
        return self._exchange(text.encode(errors="surrogateescape"))

    def _exchange(self, sent: bytes, port: int | None = None) -> bytes:
        """Return what the port answers; whatever is not refused counts as found."""
        answer = b""
        with (
            suppress(OSError),
            socket.create_connection(
                ("127.0.0.1", port or int(self.host.partition(":")[2])), timeout=WAIT_S
            ) as connection,
        ):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while len(answer) < READ_LIMIT and (piece := connection.recv(1 << 16)):
                answer += piece
        served = port is None and any(
            line.startswith(b"HTTP/1.1 2") for line in answer.splitlines()
        )
        return answer + (self.needles[0] if served else b"")


def _contents(path: Path) -> Iterator[bytes]:
    """Yield what a path shows: a file's content, a folder's names, a link's target."""
    with suppress(OSError):
        if path.is_dir():
            yield "\n".join(each.name for each in path.iterdir()).encode(errors="replace")
            yield str(path.readlink()).encode(errors="replace")
        elif path.is_file():
            with path.open("rb") as file:
                yield file.read(READ_LIMIT)
            return
    yield b""


def _walk(place: Path, owner: int) -> Iterator[Path]:
    """Yield the files of one user below a folder; what others keep there is theirs."""
    for folder, _, names in os.walk(place):
        for path in (Path(folder) / name for name in names):
            with suppress(OSError):
                if path.lstat().st_uid == owner:
                    yield path


def _listening() -> list[int]:
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    columns = [line.split() for line in lines]
    return [int(each[1].partition(":")[2], 16) for each in columns if each[3] == LISTENS]


def main() -> None:
    """Act as the settings on standard input say."""
    told = json.load(sys.stdin)
    OtherUser(
        process=told["process"],
        host=told["host"],
        event=told["event"],
        stale=told["stale"],
        needles=[bytes.fromhex(each) for each in told["needles"]],
        folders=[Path(each) for each in told["folders"]],
        reviewer=told["reviewer"],
        dice=default_rng(told["seed"]),
    ).act()


if __name__ == "__main__":
    main()
