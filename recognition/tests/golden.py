"""What the shipped embedder makes of a picture of nobody: two gradients and their product."""

import numpy as np

from recognition.aligner import Chip
from recognition.embedder import Template


def golden_chip() -> Chip:
    rows, columns = np.mgrid[:150, :150]
    channels = [rows, columns, rows * columns // 100]
    return Chip(np.stack(channels, axis=2, dtype=np.uint8, casting="unsafe"))


GOLDEN_HEX = (
    "e52a14efede4e9ec42eb71ffaedcf925bbefcfd703eb0c17caa2e0c91fc10e24"
    "c6e1e8ff05ea2af5c6e9ec6b40ff14f607acf837181b11ba0725cd0c04e5ece4"
    "652ccfcb47d8fd2ecfbfab0f7f32bf13a8f2e819f114e60b31e4075af8eefaf4"
    "da0eedfc22d4fe14bf371607110ceee1578f57562b311129fdf1dbfc02dbe505"
)
"""Made with ai-edge-litert 2.3.0 and its XNNPACK kernels."""

GOLDEN = Template(np.frombuffer(bytes.fromhex(GOLDEN_HEX), np.int8))
