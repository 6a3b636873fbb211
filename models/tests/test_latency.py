"""Latency: what a look costs is the time of all its passes."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.evaluate.latency import RUNS, latency
from models.evaluate.recognisers import Bare
from recognition.aligner import STANDARD


@dataclass
class Interpreter:
    """A net that answers zeros and counts its passes."""

    passes: int = field(default=0)

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"dtype": np.int8, "index": 0}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": 1, "quantization": (1.0, 0)}]

    def set_tensor(self, index: int, values: object) -> None:
        pass

    def invoke(self) -> None:
        self.passes += 1

    def get_tensor(self, index: int) -> object:
        return np.zeros((1, 128), np.int8)


@pytest.mark.parametrize(("mirrored", "passes"), [(False, 1), (True, 2)])
def test_each_pass_of_a_look_is_timed(mirrored: bool, passes: int) -> None:  # noqa: FBT001 - a case
    net = Interpreter()
    entry: Any = SimpleNamespace(alignment=STANDARD)
    (row,) = latency([Bare("net", "origin", entry, mirrored, net)])
    assert row["net"] == "net"
    assert net.passes == passes * RUNS
