"""Errors of rigs and the demo: what a desk lacks, in one sentence that says what to do."""


class DeskRefused(Exception):
    """A source, a port or a program that the desk needs cannot be had."""
