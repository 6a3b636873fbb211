"""The manual page of a command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from terminal.man_pages import man_page


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
