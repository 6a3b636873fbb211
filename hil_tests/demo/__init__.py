"""`make demo`: one run of the whole camera, its figures, and the review of its event.

Imports `rig`, `scenes` and `errors`; `screenshots` and the tests import it.
"""
