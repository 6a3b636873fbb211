"""The watchlist: portraits, entries, the build, the signatures, what changed, and publishing.

Imports `nets`, `site`, `errors` and `disk`; `broker` and `commands` import it.
"""
