"""The shipped embedder's quantisation: what its int8 values hold."""

from ai_edge_litert import schema_py_generated as schema

from models import FOLDER
from models.edgetpu.prelu import slopes

LOWEST = -6.0
HIGHEST = 8.5
"""The published normalisations give each channel a standard deviation of 1; int8 holds 6 below the
mean and 9 above it, less half a step."""


def test_no_value_is_cut_off_before_its_slope_multiplies_it() -> None:
    content = (FOLDER / "embedder.int8.tflite").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for one in slopes(model):
        steps = model.subgraphs[0].tensors[one.taken].quantization
        low, high = ((end - steps.zeroPoint[0]) * steps.scale[0] for end in (-128, 127))
        assert low <= LOWEST
        assert high >= HIGHEST
