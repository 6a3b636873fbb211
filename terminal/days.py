"""Days that a person types as an option, such as `--until 2026-12-31`."""

from datetime import datetime

import typer


def read_day(text: str | datetime) -> datetime:
    """Return the beginning of a day; Typer calls it as the `parser` of an option.

    Raises:
        BadParameter: the text names no day.
    """
    if isinstance(text, datetime):
        return text
    try:
        return datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  # The commands say which zone.
    except ValueError as error:
        raise typer.BadParameter(f"{text!a} is no day: write it as in 2026-12-31.") from error
