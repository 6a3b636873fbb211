"""The nets that a site adopts: signed bundles, and the import of an embedder of its own.

Imports `site`, `errors` and `disk`; `lists` and `commands` import it.
"""
