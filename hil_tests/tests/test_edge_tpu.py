"""The nets on a real Edge TPU: they load, they answer as the processor does, and they alternate.

Needs an Edge TPU on USB and the compiled nets (`make models-edgetpu`); skipped elsewhere. A net
that is opened on the Edge TPU does not fall back to the processor, so a pass is the device's.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recognition.contract import NetEntry
from recognition.interpreter import Accelerator, Net
from recognition.manifest import load_manifest

MODELS = Path(__file__).parents[2] / "models"
USB = Path("/sys/bus/usb/devices")
USB_IDS = {("1a6e", "089a"), ("18d1", "9302")}
"""Of a USB accelerator before its firmware is loaded, and after."""

STEPS_MAX = 12
"""Two runtimes on processors differ by up to 10 steps on these nets; the Edge TPU rounds anew."""

COSINE_MIN = 0.99
ALTERNATIONS = 20


def is_plugged_in() -> bool:
    found = {
        (vendor.read_text().strip(), (vendor.parent / "idProduct").read_text().strip())
        for vendor in USB.glob("*/idVendor")
    }
    return bool(found & USB_IDS)


pytestmark = [
    pytest.mark.tpu,
    pytest.mark.skipif(not is_plugged_in(), reason="no Edge TPU is plugged into this machine"),
]


def on_edge_tpu(entry: NetEntry) -> Net:
    if entry.edge_tpu is None:
        pytest.skip(f"{entry.file} is not compiled: run make models-edgetpu where the compiler is")
    return Net.load(MODELS, entry, Accelerator.EDGE_TPU)


def picture(entry: NetEntry) -> NDArray[np.int8]:
    """Gradients and grain, so that no row and no channel is like another."""
    rng = np.random.default_rng(7)
    _, height, width, _ = entry.input.shape
    rows, columns = np.mgrid[:height, :width]
    channels = [255 * rows / height, 255 * columns / width, 127 + 127 * np.sin(rows / 9)]
    grain = rng.normal(0, 12, (height, width, 3))
    values: NDArray[np.int8] = np.clip(np.stack(channels, axis=2) + grain - 128, -128, 127).astype(
        np.int8
    )
    return values[None]


def entries() -> list[NetEntry]:
    manifest = load_manifest(MODELS)
    return [*(detector.net for detector in manifest.detectors), manifest.embedder.net]


@pytest.mark.parametrize("place", range(3))
def test_the_edge_tpu_answers_as_the_processor_does(place: int) -> None:
    entry = entries()[place]
    values = picture(entry)
    (expected,) = Net.load(MODELS, entry).run(values)
    (given,) = on_edge_tpu(entry).run(values)
    off = np.abs(given.astype(int) - expected.astype(int))
    assert np.quantile(off, 0.99) <= STEPS_MAX


def test_the_edge_tpu_points_a_template_where_the_processor_does() -> None:
    entry = load_manifest(MODELS).embedder.net
    values = picture(entry)
    zero = entry.outputs[0].zero_point
    one, other = (
        net.run(values)[0].astype(float).ravel() - zero
        for net in (Net.load(MODELS, entry), on_edge_tpu(entry))
    )
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) >= COSINE_MIN


def test_nets_that_alternate_on_one_edge_tpu_keep_their_answers() -> None:
    nets = [on_edge_tpu(entry) for entry in entries()]
    first = [net.run(picture(net.entry))[0].copy() for net in nets]
    for _ in range(ALTERNATIONS):
        again = [net.run(picture(net.entry))[0] for net in nets]
        assert all((one == other).all() for one, other in zip(first, again, strict=True))
