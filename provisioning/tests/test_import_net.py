"""A net of one's own: what can be measured is measured, the rest must be output."""

from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema
from nacl.signing import SigningKey

from provisioning.nets.bundles import MODELS, build_bundle, manifest_to_sign
from provisioning.nets.import_net import EXAMPLE
from provisioning.tests.workshop import HOPPER, refusal, tallylight
from recognition.enrolment import enrol
from recognition.eye import Eye
from recognition.manifest import load_manifest, load_uncalibrated
from recognition.picture import read_picture
from recognition.tests.toy_embedder import toy_embedder
from recognition.tests.toy_net import toy_net

CALIBRATION = (MODELS / "manifest.toml").read_text("utf-8").partition("\n[calibration]\n")[2]
SHIPPED = load_manifest(MODELS).embedder
RAW = EXAMPLE.replace("mean = 127.5", "mean = 0.0").replace("divisor = 127.5", "divisor = 1.0")


def bring(folder: Path, content: bytes, about: str = RAW, name: str = "own.tflite") -> list[str]:
    """Return the command that imports a net from `folder` into `folder / "models"`."""
    (folder / name).write_bytes(content)
    (folder / "about.toml").write_text(about, "utf-8")
    to, about_file = str(folder / "models"), str(folder / "about.toml")
    return ["model", "import", str(folder / name), "--about", about_file, "--to", to]


def calibrated(models: Path, digest: str) -> None:
    """Put a table into a manifest as models/evaluate/calibrate.py does."""
    text = (models / "manifest.toml").read_text("utf-8")
    table = CALIBRATION.replace(SHIPPED.net.digest.hex(), digest)
    (models / "manifest.toml").write_text(f"{text}\n[calibration]\n{table}", "utf-8")


def test_a_net_of_ones_own_is_imported_but_runs_on_no_camera_yet(tmp_path: Path) -> None:
    assert "Calibrate it" in tallylight(*bring(tmp_path, toy_embedder(112)))
    embedder, detectors = load_uncalibrated(tmp_path / "models")
    assert embedder.alignment.chip_px == 112
    assert embedder.net.licence == "Example-1.0"
    assert detectors == load_manifest(MODELS).detectors
    assert "calibration is missing" in refusal("model", "show", tmp_path / "models")


def test_once_calibrated_and_signed_it_makes_the_templates(tmp_path: Path) -> None:
    tallylight(*bring(tmp_path, toy_embedder(112)))
    embedder, _ = load_uncalibrated(tmp_path / "models")
    calibrated(tmp_path / "models", embedder.net.digest.hex())
    key = SigningKey.generate()
    content = manifest_to_sign(tmp_path / "models")
    eye = Eye.load(build_bundle(tmp_path / "bundle", tmp_path / "models", key, content))
    assert enrol(read_picture(HOPPER), eye).template.vector.shape == (3,)


def test_a_net_of_another_alignment_is_another_model(tmp_path: Path) -> None:
    content = (MODELS / SHIPPED.net.file).read_bytes()
    about = RAW.replace("71.7366", "71.0").replace("mean = 0.0", "mean = 128.0")
    tallylight(*bring(tmp_path, content, about))
    calibrated(tmp_path / "models", SHIPPED.net.digest.hex())
    own = load_manifest(tmp_path / "models")
    assert own.embedder.net.digest == SHIPPED.net.digest
    assert own.model_digest != load_manifest(MODELS).model_digest


def test_pixels_may_enter_normalised(tmp_path: Path) -> None:
    normalised = toy_embedder(112, scale=1 / 127.5, zero_point=-1)
    tallylight(*bring(tmp_path, normalised, EXAMPLE))


@pytest.mark.parametrize(
    ("content", "about", "sentence"),
    [
        (toy_net(schema.TensorType.FLOAT32), RAW, "takes or gives float32, not int8"),
        (toy_net(operation=36), RAW, "holds the operation 36"),
        (toy_net(operation=32, custom="own"), RAW, "holds the custom operation b'own'"),
        (toy_net(operation=6), RAW, "holds the operation 6"),
        (b"not a net", RAW, "is no TFLite net"),
        (toy_embedder(112)[:-40], RAW, "own.tflite"),
        (toy_embedder(96), RAW, "takes [1, 96, 96, 3] where one chip"),
        (toy_embedder(112), EXAMPLE, "stores pixel 255 as -127.0, not 127"),
        (toy_embedder(112, scale=2.0), RAW, "stores pixel 255 as -0.5, not 127"),
        (toy_embedder(112), RAW.replace("divisor = 1.0", "divisor = 0.0"), "must be above 0"),
        (toy_embedder(112), RAW.replace("licence", "license"), "(write licence)"),
        (toy_embedder(112), RAW.replace("training", "trained"), "(write training)"),
        (toy_embedder(112), RAW.replace("[alignment]", "[pose]"), "alignment is missing"),
        (toy_embedder(112), RAW.replace("[preprocessing]", "[p]"), "preprocessing is missing"),
        (toy_embedder(112), RAW.replace("mean", "median"), "(write mean)"),
        (toy_embedder(112), RAW.replace("source =", "colour = 1\nsource ="), "'colour' is unknown"),
        (toy_embedder(112), RAW.replace("71.7366", "171.7366"), "alignment is five"),
        (toy_embedder(112), "source =", "It is not TOML"),
    ],
)
def test_what_cannot_be_vouched_for_is_refused(
    tmp_path: Path, content: bytes, about: str, sentence: str
) -> None:
    assert sentence in refusal(*bring(tmp_path, content, about))
    assert not (tmp_path / "models").exists()


def test_an_onnx_net_must_be_converted_first(tmp_path: Path) -> None:
    output = refusal(*bring(tmp_path, b"\x08\x07", name="own.onnx"))
    assert "convert it to TFLite of int8" in output


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").touch()
    assert "is not empty" in refusal(*bring(tmp_path, toy_embedder(112)))


def test_a_missing_statement_is_refused(tmp_path: Path) -> None:
    words = bring(tmp_path, toy_embedder(112))
    (tmp_path / "about.toml").unlink()
    assert "about.toml" in refusal(*words)


def test_the_example_is_printed_to_start_from() -> None:
    assert tallylight("model", "example") == EXAMPLE
