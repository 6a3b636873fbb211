"""Questions where no terminal is."""

import subprocess
import sys

ASKS = """
from formats.keyfile import KeyRefused
from terminal.questions import ask_unseen
try:
    ask_unseen("Passphrase of the estate", twice=False)
except KeyRefused as error:
    print(error)
"""


def test_without_a_terminal_the_passphrase_file_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKS],
        input="seen by all\n",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert "name a file that holds it with --passphrase-file." in done.stdout
    assert "Warning" not in done.stderr
