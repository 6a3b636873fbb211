"""Questions to the person at the keyboard: a passphrase or a PIN, unseen. No terminal: refused."""

import warnings
from getpass import GetPassWarning

import typer

from formats.keyfile import KeyRefused


def ask_unseen(question: str, *, twice: bool) -> str:
    """Return what a person types without it being shown, asked twice if `twice`.

    Raises:
        KeyRefused: there is no terminal on which it would not be shown.
    """
    try:
        with warnings.catch_warnings(action="error", category=GetPassWarning):
            return str(typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True))
    except GetPassWarning as error:
        raise KeyRefused(
            "There is no terminal to ask for the passphrase: name a file that holds it with "
            "--passphrase-file."
        ) from error
