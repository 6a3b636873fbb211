"""The pictures in the documents: pages in a browser, and screens of a terminal.

Imports `demo`, `rig`, `scenes` and `errors`; nothing imports it.
"""
