"""Counts in sentences: the singular where a count is one, such as `1 event` and `2 events`."""


def counted(count: int, thing: str) -> str:
    """Return a count with its thing; `thing` is the singular of a word whose plural adds an s."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
