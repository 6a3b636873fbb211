"""The command line of `tallylight-estate`, called inside the test process."""

from typer.testing import CliRunner, Result

from estate.__main__ import app


def run(*words: str, stdin: str | None = None) -> Result:
    """Run a command and return its result."""
    return CliRunner().invoke(app, words, input=stdin)


def done(*words: str) -> str:
    """Run a command that must succeed, and return its output."""
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(result: Result) -> str:
    """Return the one sentence of a refused command."""
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Refused: ")
    assert line.endswith(".")
    return line
