"""How a refused command ends."""

import pytest
import typer
from typer.testing import CliRunner

from formats import VERSION
from formats.errors import Refused
from terminal.command_line import Refusing, Version, describe_os_error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Refused("The key is another one."), "Refused: The key is another one."),
        (FileExistsError(17, "File exists", "site/keys"), "Refused: File exists: site/keys."),
        (OSError(28, "No space left on device"), "Refused: No space left on device."),
        (OSError("read timed out"), "Refused: read timed out."),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_1(error: Exception, sentence: str) -> None:
    app = typer.Typer(cls=Refusing)

    @app.command()
    def fails() -> None:
        raise error

    @app.command()
    def works() -> None: ...

    result = CliRunner().invoke(app, ["fails"])
    assert (result.exit_code, result.stderr) == (1, sentence + "\n")
    assert CliRunner().invoke(app, ["works"]).exit_code == 0


def test_an_error_without_any_word_is_still_a_sentence() -> None:
    assert describe_os_error(OSError()) == "The operating system gave no reason."


def test_the_version_is_printed_and_nothing_else_done() -> None:
    app = typer.Typer(cls=Refusing)

    @app.callback()
    def program(*, version: Version = False) -> None: ...

    @app.command()
    def works() -> None:
        raise AssertionError

    result = CliRunner().invoke(app, ["--version", "works"], prog_name="tallylight")
    assert (result.exit_code, result.stdout) == (0, f"tallylight {VERSION}\n")
