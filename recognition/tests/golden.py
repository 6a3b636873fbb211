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
    "6536b6d5f60debd52bd51eebd2021efb5612490c1cd70c4a21353a420005cba2"
    "00f8c8d52317b429b4f631e407141ffb51ec26e414f6b445b47d211c0ca96881"
    "fd17df174a21c617b919f12b35191f2431470ad344fe242915f9f1f6c542d51a"
    "e2e13603cffb352e3d6d2824d2e4a5d77507cdc6f617dc292970891702072814"
)
"""The template, made with ai-edge-litert 2.3.0 and its XNNPACK kernels."""

GOLDEN = Template(np.frombuffer(bytes.fromhex(GOLDEN_HEX), np.int8))
