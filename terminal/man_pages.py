"""Write the manual page of a command line, from the help of its commands: one page per program.

`python -m terminal.man_pages provisioning.__main__ tallylight` prints the page in roff. Its date is
$SOURCE_DATE_EPOCH, so that two builds give the same bytes. A module with a Typer `app` gets a
section for each command; one with `command_line()`, which returns an argparse parser, its help.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeAlias

import typer.main

from formats import VERSION

_WIDTH: Final = 80
"""Of a page without the width of a terminal: two builds give the same lines."""
_Command: TypeAlias = Any  # Typer ships no types for what it makes.


def man_page(app: typer.Typer, name: str, moment: datetime) -> str:
    """Return the manual page, section 1, in roff."""
    root = typer.main.get_command(app)
    lines = [
        f'.TH {name.upper()} 1 "{moment:%Y-%m-%d}" "Tallylight {VERSION}" "User commands"',
        ".SH NAME",
        f"{name} \\- {_plain(_summary(root))}",
        ".SH SYNOPSIS",
        f".B {name}",
        ".I COMMAND",
        "[OPTION]... [ARGUMENT]...",
        ".SH COMMANDS",
    ]
    for path, command in _leaves(root, ()):
        lines += _describe(path, command)
    lines += [
        ".SH EXIT STATUS",
        "0: done. 1: refused; one sentence says why and what to do. 2: wrong usage.",
        ".SH SEE ALSO",
        f"{name} COMMAND \\-\\-help, /usr/share/doc/{name}/",
    ]
    return "\n".join(lines) + "\n"


def argparse_page(parser: argparse.ArgumentParser, name: str, moment: datetime) -> str:
    """Return the manual page, section 1, in roff, of a program with one command line."""
    parser.prog = name
    parser.formatter_class = partial(argparse.HelpFormatter, width=_WIDTH)
    # A blank line stands between the usage, the description and the options.
    usage, _, options = parser.format_help().partition("\n\n")
    lines = [
        f'.TH {name.upper()} 1 "{moment:%Y-%m-%d}" "Tallylight {VERSION}" "User commands"',
        ".SH NAME",
        f"{name} \\- {_plain((parser.description or '').rstrip('.'))}",
        ".SH SYNOPSIS",
        _plain(usage.removeprefix("usage: ")),
        ".SH DESCRIPTION",
        ".nf",
        *(_unfilled(line) for line in options.splitlines()),
        ".fi",
        ".SH EXIT STATUS",
        "0: done. 1: refused; one sentence says why and what to do. 2: wrong usage.",
    ]
    return "\n".join(lines) + "\n"


def _unfilled(line: str) -> str:
    """Return a line whose spaces stay as they are."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped else ""


def _leaves(command: _Command, path: tuple[str, ...]) -> Iterator[tuple[str, _Command]]:
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    context = command.make_context(None, [], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from _leaves(command.get_command(context, name), (*path, name))


def _describe(path: str, command: _Command) -> list[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = " ".join(str(each.name).upper() for each in arguments)
    lines = [".SS " + _plain(f"{path} {words}".strip()), _plain(command.help or "")]
    for each in command.params:
        if getattr(each, "hidden", False):  # It is refused with what to do instead.
            continue
        if each.param_type_name == "argument":
            lines += [".TP", f".I {_plain(str(each.name).upper())}"]
        else:
            lines += [".TP", f".B {_plain(', '.join(each.opts))}"]
        lines.append(_plain(getattr(each, "help", "") or ""))
    return lines


def _summary(command: _Command) -> str:
    return (command.help or "").split("\n")[0].rstrip(".")


def _plain(text: str) -> str:
    """Return text in which roff sees no command: one line, hyphens that can be copied."""
    one_line = " ".join(text.split())
    escaped = one_line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


if __name__ == "__main__":
    found, program = import_module(sys.argv[1]), sys.argv[2]
    built = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    if hasattr(found, "app"):
        sys.stdout.write(man_page(found.app, program, built))
    else:
        sys.stdout.write(argparse_page(found.command_line(), program, built))
