"""The nets that a site adopts: signed model bundles, and the import of another embedder.

Imports `site`, `errors` and `disk`; `lists` and `commands` import it.
"""
