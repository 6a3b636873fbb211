"""Benchmarks: everything that measures speed or memory, each run as `python -m benchmarks.<name>`.

Every benchmark prints one table, with the machine and its load above it, and writes the same as
JSON with `--json FILE`. A benchmark asserts nothing: a figure is true of the machine that printed
it. On a busy machine the least of many repetitions says most. A benchmark may import from every
package and from its tests; no package imports from here.
"""

import os

# One thread for each net and each matrix, because a camera's other cores have other work. NumPy
# reads this when it is imported, so it stands here.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
