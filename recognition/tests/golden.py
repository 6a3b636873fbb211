"""The shipped embedder's template of a drawn picture: two gradients and their product."""

import numpy as np

from recognition.aligner import Chip
from recognition.manifest import load_uncalibrated
from recognition.template import Template
from recognition.tests.bundles import MODELS


def golden_chip() -> Chip:
    rows, columns = np.mgrid[:112, :112]
    channels = [rows, columns, rows * columns // 100]
    pixels = np.stack(channels, axis=2, dtype=np.uint8, casting="unsafe")
    return Chip(pixels, load_uncalibrated(MODELS)[0].alignment)


GOLDEN_HEX = (
    "e21cf3ea1656e40de0bdf5e8b90232fa0f1ab03800d5fe002b3e414befccf7f7"
    "e009dbd7fc45e025eacc34e8e00ffe182fb502020602ce32ce52e41802e0e09f"
    "22cef713381ae00b8100f502ef3ec4181c2ffef5f50454091ceff31ce638c606"
    "d9f3093206cc2bf1380f160413e600d752e2ef0b2dc60209430bf30600bb34ed"
)
"""The template, made with ai-edge-litert 2.3.0 and its XNNPACK kernels."""

GOLDEN = Template(np.frombuffer(bytes.fromhex(GOLDEN_HEX), np.int8))
