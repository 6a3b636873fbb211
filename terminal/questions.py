"""Questions to the person at the keyboard: a passphrase or a PIN, unseen. No terminal: refused.

A new passphrase is asked for twice, after its rule was said. Nothing is printed where there is no
terminal. An option `--passphrase-file` is read elsewhere (`formats.passphrase`).
"""

import warnings
from getpass import GetPassWarning, getpass

import typer

from formats.keyfile import PASSPHRASE_LENGTH, KeyRefused


def ask_unseen(question: str) -> str:
    """Return what a person types without it being shown; an empty line is asked again.

    Raises:
        KeyRefused: there is no terminal on which it would not be shown.
    """
    typed = ""
    while not typed:
        try:
            with warnings.catch_warnings(action="error", category=GetPassWarning):
                typed = getpass(f"{question}: ")
        except GetPassWarning as error:
            raise KeyRefused(
                "There is no terminal to ask for the passphrase: name a file that holds it with "
                "--passphrase-file."
            ) from error
    return typed


def ask_new(question: str) -> str:
    """Return a new passphrase that a person types twice; one that is too short is asked again.

    Raises:
        KeyRefused: there is no terminal on which it would not be shown.
    """
    rule = f"at least {PASSPHRASE_LENGTH} characters"
    while True:
        typed = ask_unseen(f"{question}, {rule}")
        if len(typed) < PASSPHRASE_LENGTH:
            typer.echo(f"It needs {rule}; type another one.", err=True)
        elif ask_unseen("The same again") != typed:
            typer.echo("The two differ; type both again.", err=True)
        else:
            return typed
