"""What the desk refuses, each in one sentence that says what to do."""


class DeskRefused(Exception):
    """A source, a port or a program that the desk needs cannot be had."""
