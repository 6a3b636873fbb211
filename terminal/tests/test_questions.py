"""Questions where no terminal is."""

import os
import pty
import subprocess
import sys

ASKS = """
from formats.keyfile import KeyRefused
from terminal.questions import ask_unseen
try:
    ask_unseen("Passphrase of the estate")
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
    assert not done.stderr  # Not even the question.


NEW = """
from terminal.questions import ask_new
ask_new("New passphrase of 19")
"""


def test_the_rule_for_a_new_passphrase_is_said_before_it_is_typed() -> None:
    person, program = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", NEW], stdin=program, stderr=program, start_new_session=True
    )
    said = ""
    for typed in ("too short", "long enough to keep", "but another one", *["a dozen words"] * 2):
        while not said.endswith(": "):
            said += os.read(person, 1).decode()
        os.write(person, f"{typed}\n".encode())
        said += "|"
    assert asking.wait(30) == 0
    os.close(program)
    os.close(person)
    assert said.replace("\r\n", "") == (
        "New passphrase of 19, at least 12 characters: |"
        "It needs at least 12 characters; type another one."
        "New passphrase of 19, at least 12 characters: |The same again: |"
        "The two differ; type both again."
        "New passphrase of 19, at least 12 characters: |The same again: |"
    )
