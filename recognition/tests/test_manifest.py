import re
from dataclasses import replace
from pathlib import Path

import pytest

from recognition.calibration import UNMEASURED_TIMES_CENTI
from recognition.errors import ModelRefused
from recognition.manifest import load_manifest, load_uncalibrated


def altered(models: Path, folder: Path, old: str, new: str) -> Path:
    text = (models / "manifest.toml").read_text("utf-8")
    assert old in text
    (folder / "manifest.toml").write_text(text.replace(old, new, 1), "utf-8")
    return folder


def test_the_shipped_manifest_names_a_detector_and_a_calibration(models: Path) -> None:
    manifest = load_manifest(models)
    assert [one.net.input.shape[1:3] for one in manifest.detectors] == [(480, 640)]
    assert manifest.calibration.pairs > 10_000_000


def test_every_shipped_net_has_the_stated_size(models: Path) -> None:
    manifest = load_manifest(models)
    for entry in manifest.entries:
        assert (models / entry.file).stat().st_size == entry.size_bytes


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="cannot be read: No such file"):
        load_manifest(tmp_path)


def test_a_manifest_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text("format =", "utf-8")
    with pytest.raises(ModelRefused, match="It is not TOML"):
        load_manifest(tmp_path)


def test_another_format_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, "tallylight-models/3", "tallylight-models/1")
    with pytest.raises(ModelRefused, match="is not of the format tallylight-models/3"):
        load_manifest(folder)


def test_a_missing_calibration_is_refused(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8").split("\n[calibration]\n")[0]
    (tmp_path / "manifest.toml").write_text(text, "utf-8")
    with pytest.raises(ModelRefused, match="calibration is missing"):
        load_manifest(tmp_path)


def test_a_manifest_without_calibration_can_be_calibrated(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8").split("\n[calibration]\n")[0]
    (tmp_path / "manifest.toml").write_text(text, "utf-8")
    assert load_uncalibrated(tmp_path)[0] == load_manifest(models).embedder


def test_the_calibration_of_another_embedder_is_refused(models: Path, tmp_path: Path) -> None:
    digest = load_manifest(models).embedder.net.digest.hex()
    old = f'embedder_sha256 = "{digest}"'
    folder = altered(models, tmp_path, old, f'embedder_sha256 = "{"0" * 64}"')
    with pytest.raises(ModelRefused, match="measured with another embedder"):
        load_manifest(folder)


def test_an_unknown_key_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, "[embedder]\n", "[embedder]\ncolour = 1\n")
    with pytest.raises(ModelRefused, match="In embedder, unknown: colour"):
        load_manifest(folder)


def test_a_missing_key_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, "stride_px = 8\n", "")
    with pytest.raises(ModelRefused, match="In decode\\[0\\], stride_px is missing"):
        load_manifest(folder)


def test_a_float_net_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, 'dtype = "int8"', 'dtype = "float32"')
    with pytest.raises(ModelRefused, match="must take and give int8"):
        load_manifest(folder)


def test_a_number_of_another_kind_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, "stride_px = 8\n", "stride_px = true\n")
    with pytest.raises(ModelRefused, match="In decode\\[0\\], stride_px must be of type int"):
        load_manifest(folder)


def test_a_broken_digest_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, 'sha256 = "', 'sha256 = "zz')
    with pytest.raises(ModelRefused, match="sha256 must be a SHA-256"):
        load_manifest(folder)


@pytest.mark.parametrize("place", ["[46.0]", "[46.0, 112.0]", "[73.5318, 51.5014]", "[46.0, nan]"])
def test_a_broken_alignment_is_refused(models: Path, tmp_path: Path, place: str) -> None:
    folder = altered(models, tmp_path, "at = [38.2946, 51.6963]", f"at = {place}")
    with pytest.raises(ModelRefused, match="alignment is "):
        load_manifest(folder)


@pytest.mark.parametrize("key", ["licence", "training", "source"])
def test_a_net_without_origin_is_refused(models: Path, tmp_path: Path, key: str) -> None:
    text = (models / "manifest.toml").read_text("utf-8")
    (line,) = re.findall(rf"^{key} = .*\n", text, re.MULTILINE)[:1]
    with pytest.raises(ModelRefused, match=f"In embedder, {key} is missing"):
        load_manifest(altered(models, tmp_path, line, ""))


def test_words_that_would_deceive_a_terminal_are_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, 'licence = "Apa', 'licence = "\\u001b[2JApa')
    with pytest.raises(ModelRefused, match="licence must be one line"):
        load_manifest(folder)


def test_an_evaluation_is_named_once_there_is_one(models: Path, tmp_path: Path) -> None:
    assert load_manifest(models).evaluation_digest is None
    evaluation = f'[evaluation]\nsha256 = "{"ab" * 32}"\n\n[calibration]\n'
    folder = altered(models, tmp_path, "[calibration]\n", evaluation)
    assert load_manifest(folder).evaluation_digest == b"\xab" * 32


def test_a_net_outside_the_folder_is_refused(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, 'file = "embedder', 'file = "../embedder')
    with pytest.raises(ModelRefused, match="must lie beside its manifest"):
        load_manifest(folder)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("shape = [1, 112, 112, 3]", "shape = [1, 150, 150, 3]", "must take one chip"),
        ("shape = [1, 480, 640, 3]", "shape = [480, 640]", "must give one map of its picture"),
        ("shape = [1, 60, 80, 16]", "shape = [1, 60, 80, 17]", "one map of its picture"),
        ("offset = [8.0, ", "offset = [", "must have 16 offsets"),
        ("factor = [0.375", "factor = [0.0", "must have 16 offsets"),
        ("stride_px = 8", "stride_px = 0", "a stride of a pixel or more"),
    ],
)
def test_a_net_of_another_form_is_refused(
    models: Path, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(ModelRefused, match=sentence):
        load_manifest(altered(models, tmp_path, old, new))


def test_a_manifest_without_a_detector_is_refused(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8")
    head, _, rest = text.partition("[[detectors]]")
    calibration = rest[rest.index("[calibration]") :]
    opening = head.replace("[alignment]", "detectors = []\n[alignment]")
    (tmp_path / "manifest.toml").write_text(opening + calibration, "utf-8")
    with pytest.raises(ModelRefused, match="names no detector"):
        load_manifest(tmp_path)


def test_rates_out_of_order_are_refused(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8")
    first = re.findall(r"score_ppm = \d+", text)[0]
    folder = altered(models, tmp_path, first, "score_ppm = 999999")
    with pytest.raises(ModelRefused, match="by rising score"):
        load_manifest(folder)


def test_a_net_may_have_a_second_file_for_the_edge_tpu(models: Path, tmp_path: Path) -> None:
    second = f'{{ file = "e.tflite", bytes = 9, sha256 = "{"cd" * 32}", compiler = "c 16" }}'
    folder = altered(models, tmp_path, "bytes = ", f"edge_tpu = {second}\nbytes = ")
    manifest = load_manifest(folder)
    assert manifest.files[-1].file == "e.tflite"
    assert manifest.model_digest == load_manifest(models).model_digest


def test_a_second_file_outside_the_folder_is_refused(models: Path, tmp_path: Path) -> None:
    second = f'{{ file = "../e", bytes = 9, sha256 = "{"cd" * 32}", compiler = "c 16" }}'
    folder = altered(models, tmp_path, "bytes = ", f"edge_tpu = {second}\nbytes = ")
    with pytest.raises(ModelRefused, match="must lie beside its manifest"):
        load_manifest(folder)


def test_good_faces_may_have_rates_of_their_own(models: Path, tmp_path: Path) -> None:
    row = "{ score_ppm = 1, fmr_ppb = 7, upper_ppb = 9 }"
    folder = altered(models, tmp_path, "good = [", f"good = [\n    {row},")
    assert load_manifest(folder).calibration.good[0].fmr_ppb == 7


def test_the_model_digest_follows_the_embedder(models: Path) -> None:
    manifest = load_manifest(models)
    net = replace(manifest.embedder.net, digest=bytes(32))
    other = replace(manifest, embedder=replace(manifest.embedder, net=net))
    assert manifest.model_digest != other.model_digest


def test_the_model_digest_follows_the_alignment(models: Path, tmp_path: Path) -> None:
    folder = altered(models, tmp_path, "at = [38.2946, 51.6963]", "at = [46.0, 47.4]")
    assert load_manifest(folder).model_digest != load_manifest(models).model_digest


def test_calibrating_again_makes_no_list_stale(models: Path) -> None:
    manifest = load_manifest(models)
    other = replace(manifest, calibration=replace(manifest.calibration, pairs=1))
    assert manifest.model_digest == other.model_digest


def test_nets_of_the_earlier_format_have_no_measured_group(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8").replace("models/3", "models/2")
    (tmp_path / "manifest.toml").write_text(text.split("\n[calibration.groups]\n")[0], "utf-8")
    assert load_manifest(tmp_path).calibration.times_centi == UNMEASURED_TIMES_CENTI


def test_a_group_better_than_all_people_is_refused(models: Path, tmp_path: Path) -> None:
    text = (models / "manifest.toml").read_text("utf-8").split("\n[calibration.groups]\n")[0]
    groups = '\n[calibration.groups]\ntimes_centi = 99\nworst = "w"\nmeasured = "w"\n'
    (tmp_path / "manifest.toml").write_text(text + groups, "utf-8")
    with pytest.raises(ModelRefused, match="times_centi, must be 100 or more"):
        load_manifest(tmp_path)
