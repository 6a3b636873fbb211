"""Looking: faces of a frame, tracks, search in the list, reports of candidates, statuses.

Imports `trust`, `hardware`, `delivery`, `record` and `errors`.
Only `watch` and `station` import it.
"""
