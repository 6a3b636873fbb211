"""How a camera boots: slots, dm-verity, fall-back, data partition; the virtual board's boot ROM.

The scripts are laid into the image and its initial RAM disk; the Python modules run on the machine
that builds or tests. Imports `errors`; only the image's recipe and the tests use it.
"""
