"""Update bundles: build, sign and offer a new version of the cameras' image. RAUC makes the bundle.

Imports `site`, `foreign_file`, `errors` and `disk`; only `commands` imports it.
"""
