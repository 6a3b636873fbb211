"""A full disk leaves nothing half-written, and one sentence; limits of periods and ports."""

import resource
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from estate.tests.books import Office
from formats.whole_file import write_whole


def run(
    office: Office, *words: str, disk_bytes: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of the estate, whose files may not grow beyond `disk_bytes`."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if disk_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (disk_bytes, disk_bytes))

    return subprocess.run(
        [sys.executable, "-m", "estate", *words, "--config", str(office.settings)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,  # One thread.
    )


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a refusal."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_backup_that_does_not_fit_leaves_nothing(office: Office) -> None:
    for sequence in range(1, 9):
        office.arrive(sequence)
    copy = office.folder / "copy.db"
    said = refused(run(office, "backup", str(copy), disk_bytes=100_000))
    assert f"{copy} could not be written whole" in said.replace("\n", " ")
    assert not copy.exists()
    assert run(office, "backup", str(copy)).returncode == 0


def test_an_export_that_does_not_fit_names_the_file_and_leaves_no_folder(office: Office) -> None:
    office.arrive(1)
    books, to = office.folder / "books", office.folder / "export"
    books.mkdir(exist_ok=True)
    (books / "camera_watch.checkpoint").write_bytes(bytes(2_000_000))
    said = refused(run(office, "ledger", "export", str(to), disk_bytes=1_000_000))
    assert f"File too large: {to / 'camera_watch.checkpoint'}." in said.replace("\n", " ")
    assert not to.exists()


def test_a_file_that_does_not_fit_leaves_the_old_one_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("the old one")
    code = (
        "import resource, signal, pathlib; from formats.whole_file import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_whole(pathlib.Path({str(tmp_path / 'file')!r}), bytes(2000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"File too large: '{tmp_path / 'file'}'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "the old one"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"one")
    (tmp_path / ".file.part").mkdir()
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_place_where_no_file_can_be_is_refused_by_name(name: str) -> None:
    with pytest.raises(IsADirectoryError):
        write_whole(Path(name), b"all of it")


def test_a_budget_from_the_future_on_signs_nothing(office: Office) -> None:
    later = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    said = refused(run(office, "budget", "--since", later, "--sign", str(office.folder / "signed")))
    assert "in the future" in said
    assert not (office.folder / "signed").exists()


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [("1950-01-01", "2050-01-01", "at most 1098 days"), ("2090-01-01", "2090-02-01", "future")],
)
def test_a_period_that_no_report_can_have_is_refused_at_once(
    office: Office, since: str, until: str, why: str
) -> None:
    words = ("--since", since, "--until", until, "--to", str(office.folder / "report.html"))
    assert why in refused(run(office, "report", *words))


def test_a_taken_port_is_one_sentence(office: Office) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused(run(office, "serve", "--port", port))
    assert f"Port {port} of this machine cannot be used" in said
    assert "--port" in said


def test_a_port_that_does_not_exist_is_wrong_usage(office: Office) -> None:
    result = run(office, "serve", "--port", "99999")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
