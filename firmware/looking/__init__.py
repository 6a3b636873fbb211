"""Looking: faces of a frame, tracks, the search, the report of a candidate, and the status.

Imports `trust`, `hardware`, `delivery`, `record` and `errors`.
Only `watch` and `station` import it.
"""
