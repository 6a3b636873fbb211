#!/usr/bin/env python3
"""Writes what the shipped embedder is measured against, to see what each change to it costs.

The net as its makers published it; ours in float, before it was quantised; and ours quantised on
real faces in place of the two portraits, if chips of some are given. Runs inside the environment
that `models/build/run` prepares, from the same pinned package.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models" / "build")]

import derive  # noqa: E402 - found beside this script
import embedder_net  # noqa: E402
import numpy as np  # noqa: E402
from quantise import float_net, int8_net  # noqa: E402


def main() -> None:
    """Write the nets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, help="folder with the package")
    parser.add_argument("out", type=Path, help="folder for the nets")
    parser.add_argument("--chips", type=Path, help="what chips.py wrote, of real faces")
    arguments = parser.parse_args()
    function = embedder_net.embedder(derive.published_embedder(arguments.sources))
    arguments.out.mkdir(parents=True, exist_ok=True)
    as_published = derive.read(arguments.sources, derive.EMBEDDER)
    (arguments.out / "embedder.published.onnx").write_bytes(as_published)
    (arguments.out / "embedder.float32.tflite").write_bytes(float_net(function))
    if arguments.chips:
        chips = np.load(arguments.chips, allow_pickle=False)
        net = int8_net(function, (chip.astype(np.float32) - 128 for chip in chips))
        (arguments.out / "embedder.real.int8.tflite").write_bytes(net)


if __name__ == "__main__":
    main()
