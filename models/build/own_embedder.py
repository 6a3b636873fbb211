"""Quantise an embedder of your own from ONNX to int8, for `tallylight model import`.

It runs in the environment that `run` prepares, as `make models-own`. The quantisation is calibrated
on the two public-domain portraits, like that of the shipped nets. The int8 net is then compared
with the float net on other variations of the portraits. Error rates on other people's faces are
not measured here, but by `models.evaluate`.
"""

import argparse
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf

from models.build import portraits
from models.build.onnx_net import Emitter
from models.build.onnx_weights import Published
from models.build.quantise import Function, float_net, int8_net, likeness_of
from models.build.ranges import measured
from recognition.aligner import Alignment
from recognition.face import Point

CHIPS: Final = 300
COMPARED: Final = 60
"""Further chips, not used for the calibration, on which both nets are compared."""

ALIKE_MIN: Final = 0.95
"""Least cosine of float and quantised net on one chip; the shipped embedder keeps 0.99. Below it,
quantisation changed more than noise, and the net needs another recipe."""


def main() -> None:
    """Quantise and compare; write the net if it is close enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", type=Path, help="embedder in ONNX, one chip of RGB in")
    parser.add_argument(
        "about", type=Path, help="the same TOML file as for tallylight model import"
    )
    parser.add_argument("to", type=Path, help="int8 TFLite file that is written")
    arguments = parser.parse_args()
    about = tomllib.loads(arguments.about.read_text("utf-8"))
    mean, divisor = (float(about["preprocessing"][key]) for key in ("mean", "divisor"))
    alignment = _alignment(about["alignment"])
    function = _function(Published(arguments.net.read_bytes()), alignment.chip_px)
    chips = portraits.chips(CHIPS + COMPARED, alignment)
    samples = [(chip.astype(np.float32) - mean) / divisor for chip in chips]
    original = float_net(function)
    ranges = measured(original, samples[:CHIPS])
    content = int8_net(function, iter(samples[:CHIPS]), ranges)
    likeness = likeness_of(original, content, samples[CHIPS:])
    print(f"{arguments.to.name}: {len(content):,} bytes; against float: {likeness}")
    if likeness.least < ALIKE_MIN:
        raise SystemExit(
            f"Quantisation changes this net too much: the least cosine is {ALIKE_MIN}. Quantise it "
            "with a recipe of its own (models/build/embedder_net.py is one), and import that."
        )
    arguments.to.write_bytes(content)


def _alignment(table: dict[str, Any]) -> Alignment:
    try:
        right_eye, left_eye, nose, right, left = (Point(*one["at"]) for one in table["points"])
    except ValueError:
        raise SystemExit(
            "The alignment must have five points: eyes, nose, corners of the mouth."
        ) from None
    return Alignment(int(table["chip_px"]), (right_eye, left_eye, nose, right, left))


def _function(published: Published, chip_px: int) -> Function:
    @tf.function(
        input_signature=[tf.TensorSpec((1, chip_px, chip_px, 3), tf.float32)], autograph=False
    )
    def embed(chip: Any) -> Any:  # noqa: ANN401 - TensorFlow ships no types
        return tf.reshape(Emitter(published, chip).emit(published.outputs[0]), (1, -1))

    return embed


if __name__ == "__main__":
    main()
