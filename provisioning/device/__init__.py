"""What is put onto a camera: the image with its units, and the wheel with the three programs.

Imports `site`, `keys`, `errors` and `disk`; only `commands` imports it.
"""
