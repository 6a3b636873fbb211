#!/usr/bin/env python3
"""Writes the embedder before it was quantised, to measure what quantisation costs.

Runs inside the environment that `models/build/run` prepares, from the same pinned package.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models" / "build")]

import derive  # noqa: E402 - found beside this script
import embedder_net  # noqa: E402
from quantise import float_net  # noqa: E402


def main() -> None:
    """Write the float net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, help="folder with the package")
    parser.add_argument("out", type=Path, help="folder for embedder.float32.tflite")
    arguments = parser.parse_args()
    published = derive.published_embedder(arguments.sources)
    net = float_net(embedder_net.embedder(published))
    (arguments.out / "embedder.float32.tflite").write_bytes(net)


if __name__ == "__main__":
    main()
