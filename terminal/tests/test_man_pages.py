"""The manual page of a command line."""

from datetime import UTC, datetime
from types import ModuleType
from typing import Annotated

import pytest
import typer

from estate.accounts import verify
from provisioning.conformance import tuf_client
from terminal.man_pages import argparse_page, man_page


def test_a_page_names_each_command_with_its_arguments_and_options() -> None:
    app = typer.Typer()

    @app.callback()
    def desk() -> None:
        """Make lists."""

    @app.command("add")
    def add(
        folder: Annotated[str, typer.Argument(help="The site's folder.")],
        until: Annotated[str, typer.Option(help=".Last day.")] = "",
        gone: Annotated[str, typer.Option("--of-an-earlier-version", hidden=True)] = "",
    ) -> None:
        """Put a person on the next list."""

    page = man_page(app, "desk", datetime(2026, 11, 26, tzinfo=UTC))
    assert page.startswith('.TH DESK 1 "2026-11-26"')
    assert "desk \\- Make lists\n" in page
    assert ".SS add FOLDER\nPut a person on the next list.\n" in page
    assert ".I FOLDER\nThe site's folder.\n" in page
    assert ".B \\-\\-until\n\\&.Last day.\n" in page
    assert "earlier" not in page
    assert man_page(app, "desk", datetime(2026, 11, 26, tzinfo=UTC)) == page


@pytest.mark.parametrize(
    ("module", "name", "option"),
    [(verify, "tallylight-verify", "kept"), (tuf_client, "tallylight-tuf-client", "target")],
)
def test_a_program_of_one_command_line_has_a_page(
    module: ModuleType, name: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    page = argparse_page(module.command_line(), name, moment)
    monkeypatch.setenv("COLUMNS", "200")
    assert page.startswith(f'.TH {name.upper()} 1 "2026-11-26"')
    assert f".SH SYNOPSIS\n{name.replace('-', chr(92) + '-')} " in page
    assert f"\\-\\-{option}" in page
    assert argparse_page(module.command_line(), name, moment) == page
