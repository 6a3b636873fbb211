"""A PostgreSQL server for the tests: Debian's programs, an unprivileged user, no network."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

USER: Final = "nobody"
"""PostgreSQL refuses to run as root; it then runs as this user."""
START_S: Final = 60
LOG_BYTES: Final = 8 << 20
"""Small segments, so that the server soon reuses its write-ahead log."""


class Missing(Exception):
    """PostgreSQL is not installed."""


@dataclass(frozen=True)
class Cluster:
    """One server that listens on a socket in its folder, and nowhere else."""

    programs: Path
    folder: Path
    names: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """Make an empty database; return its URL."""
        name = f"store{next(self.names)}"
        self.run("createdb", "-h", str(self.folder), "-U", "estate", name)
        return f"postgresql://estate@/{name}?host={self.folder}"

    def turn_log_over(self, connection: Connection) -> None:
        """Let the server write so much that it reuses its log; without this it takes days."""
        for _ in range(3 * LOG_BYTES >> 19):
            zeros = "SELECT pg_logical_emit_message(false, 'zeros', repeat('0', 1 << 19))"
            connection.exec_driver_sql(zeros)
        connection.exec_driver_sql("CHECKPOINT")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the unprivileged user."""
        command = [str(self.programs / program), *arguments]
        with (self.folder / "tests.log").open("ab") as log:  # A pipe would wait for the server.
            done = subprocess.run(
                [*_as_user(), *command],
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                timeout=START_S,
            )
        assert done.returncode == 0, (self.folder / "tests.log").read_text()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server; stop it and remove everything at the end.

    Raises:
        Missing: PostgreSQL is not installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Missing("PostgreSQL is not installed: make postgres.")
    folder = Path(tempfile.mkdtemp(prefix="tallylight-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        server = Cluster(found[-1].parent, folder)
        data = str(folder / "data")
        made = ("--auth=trust", "--encoding=UTF8", "--wal-segsize=1")
        server.run("initdb", "-D", data, "-U", "estate", *made)
        log = f"-c min_wal_size=2MB -c max_wal_size={LOG_BYTES >> 20}MB"
        options = f"-c listen_addresses= -c unix_socket_directories={folder} {log}"
        server.run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    ids = pwd.getpwnam(USER)
    return ("setpriv", f"--reuid={ids.pw_uid}", f"--regid={ids.pw_gid}", "--clear-groups")
