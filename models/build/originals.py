"""Write the nets that the shipped embedder is compared with, one for each change to it.

They are the net as its makers published it, and ours in float before quantisation. It runs in the
environment that `run` prepares, and reads the same pinned package.
"""

import argparse
from pathlib import Path

from models.build import derive, embedder_net
from models.build.quantise import float_net


def main() -> None:
    """Write the nets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, help="folder with the package")
    parser.add_argument("out", type=Path, help="folder for the nets")
    arguments = parser.parse_args()
    function = embedder_net.embedder(derive.published_embedder(arguments.sources))
    arguments.out.mkdir(parents=True, exist_ok=True)
    as_published = derive.read(arguments.sources, derive.EMBEDDER)
    (arguments.out / "embedder.published.onnx").write_bytes(as_published)
    (arguments.out / "embedder.float32.tflite").write_bytes(float_net(function))


if __name__ == "__main__":
    main()
