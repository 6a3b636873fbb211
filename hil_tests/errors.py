"""Refusals of the rigs and the demo: one sentence each, which says what to do."""


class DeskRefused(Exception):
    """A source, a port, a program or a rig that is needed is not there."""
