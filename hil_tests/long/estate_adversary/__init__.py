"""Attackers of the estate: one who writes its database, one who shares the reviewer's machine.

`run` lives an estate beside `DatabaseAttacker`; `other_user` runs a real console beside a program
of another user. Both count what must not happen.
"""
