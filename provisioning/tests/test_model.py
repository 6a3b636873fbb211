"""Model bundles: signed, verified, adopted; broken ones and foreign keys are refused."""

import json
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from formats.keyfile import KeyFile, Purpose, make_key, write_key
from formats.model_bundle import verify_bundle
from formats.public_key_file import read_public_key
from provisioning.nets.bundles import MODELS, build_bundle, manifest_to_sign, read_unverified
from provisioning.tests.workshop import (
    CHEAP,
    HOPPER,
    MODEL_KEY,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)
from recognition.manifest import load_manifest

EMBEDDER = "embedder.int8.tflite"
EMBEDDER_DIGEST = load_manifest(MODELS).embedder.net.digest.hex()


def copied(folder: Path) -> Path:
    """Copy the unsigned nets that ship, to be changed."""
    folder.mkdir()
    for path in (*MODELS.glob("*.tflite"), MODELS / "manifest.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def edited(folder: Path, old: str, new: str) -> Path:
    path = folder / "manifest.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return folder


def locked(folder: Path, purpose: Purpose = Purpose.MODEL) -> KeyFile:
    """Make a key in `folder / "key"`, with its passphrase beside it."""
    key = make_key(purpose, "Maker", PASSPHRASE, CHEAP)
    write_key(folder / "key", key)
    (folder / "passphrase").write_text(PASSPHRASE)
    return key


def build(folder: Path, *more: str | Path) -> list[str | Path]:
    opening = ("--key", folder / "key", "--passphrase-file", folder / "passphrase")
    return ["model", "build", folder / "bundle", *opening, "--yes", *more]


# Keys


def test_a_key_is_made_with_its_public_half_beside_it(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    words = ("model", "key", tmp_path / "maker.key", "--holder", "Maker")
    opening = ("--passphrase-file", tmp_path / "passphrase")
    tallylight(*words, *opening)
    assert len(read_public_key(tmp_path / "maker.pub", Purpose.MODEL).public) == 32
    assert "never overwritten" in refusal(*words, *opening)


def test_a_key_for_another_purpose_signs_no_nets(tmp_path: Path) -> None:
    locked(tmp_path, Purpose.RECEIPT)
    assert "model key is needed" in refusal(*build(tmp_path))
    assert not (tmp_path / "bundle").exists()


# Building


def test_what_is_built_verifies_with_its_key_and_is_all_there(tmp_path: Path) -> None:
    key = locked(tmp_path)
    tallylight(*build(tmp_path))
    (tmp_path / "trusted.pub").write_text(key.public.hex())
    output = tallylight("model", "verify", tmp_path / "bundle", "--trust", tmp_path / "trusted.pub")
    assert "every net is as signed" in output
    assert "NOT EVALUATED" in output
    files = {path.name for path in (tmp_path / "bundle").iterdir()}
    named = {entry.file for entry in load_manifest(MODELS).entries}
    assert files == {"manifest.toml", "manifest.sig", *named}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("\nembedder_sha256 = ", "\nembedder = ", "embedder_sha256 is missing"),
        ('dtype = "int8"', 'dtype = "float32"', "must take and give int8"),
        ("zero_point = -128", "zero_point = -127", "breaks the contract"),
        (EMBEDDER_DIGEST, "00" * 32, "another embedder"),
        ("training = ", "trained = ", "training is missing"),
    ],
)
def test_what_no_camera_would_run_is_not_signed(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    locked(tmp_path)
    source = edited(copied(tmp_path / "source"), old, new)
    assert sentence in refusal(*build(tmp_path, "--from", source))
    assert not (tmp_path / "bundle").exists()


def test_a_truncated_net_is_not_signed(tmp_path: Path) -> None:
    locked(tmp_path)
    net = copied(tmp_path / "source") / EMBEDDER
    net.write_bytes(net.read_bytes()[:-1])
    assert "not the file" in refusal(*build(tmp_path, "--from", tmp_path / "source"))
    assert not (tmp_path / "bundle").exists()


def test_a_missing_net_is_not_signed(tmp_path: Path) -> None:
    locked(tmp_path)
    (copied(tmp_path / "source") / EMBEDDER).unlink()
    assert EMBEDDER in refusal(*build(tmp_path, "--from", tmp_path / "source"))
    assert not (tmp_path / "bundle").exists()


def test_a_bundle_replaces_nothing(tmp_path: Path) -> None:
    locked(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thesis.txt").write_text("mine")
    assert "is not empty" in refusal(*build(tmp_path))
    assert (tmp_path / "bundle" / "thesis.txt").read_text() == "mine"


# Evaluation


def test_an_evaluation_is_named_by_its_digest(tmp_path: Path) -> None:
    locked(tmp_path)
    digest = load_manifest(MODELS).embedder.net.digest.hex()
    (tmp_path / "evaluation.json").write_text(json.dumps({"embedder_sha256": digest}))
    tallylight(*build(tmp_path, "--evaluation", tmp_path / "evaluation.json"))
    assert read_unverified(tmp_path / "bundle").evaluation_digest is not None
    assert "NOT EVALUATED" not in tallylight("model", "show", tmp_path / "bundle")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [('{"embedder_sha256": "00"}', "another embedder"), ("<html>", "is not the JSON")],
)
def test_another_evaluation_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    locked(tmp_path)
    (tmp_path / "evaluation.json").write_text(content)
    words = build(tmp_path, "--evaluation", tmp_path / "evaluation.json")
    assert sentence in refusal(*words)


def test_a_manifest_names_one_evaluation(tmp_path: Path) -> None:
    locked(tmp_path)
    evaluated = f'[evaluation]\nsha256 = "{"00" * 32}"\n\n[calibration]\n'
    source = edited(copied(tmp_path / "source"), "[calibration]\n", evaluated)
    (tmp_path / "evaluation.json").write_text("{}")
    words = build(tmp_path, "--from", source, "--evaluation", tmp_path / "evaluation.json")
    assert "names an evaluation already" in refusal(*words)


# Looking


def test_unsigned_nets_can_be_shown_with_where_they_come_from() -> None:
    output = " ".join(tallylight("model", "show", MODELS).split())
    assert "Apache-2.0" in output
    assert "trained on" in output


def test_a_folder_without_manifest_shows_nothing(tmp_path: Path) -> None:
    assert "manifest.toml" in refusal("model", "show", tmp_path)


# Adopting


def test_a_site_enrols_with_the_nets_that_it_adopted(begun: Workshop) -> None:
    bundle = begun.site / "model" / "bundle"
    verified = verify_bundle(bundle, MODEL_KEY.verify_key)
    assert read_unverified(bundle) == load_manifest(MODELS)
    trusted = read_public_key(begun.site / "model" / "trusted.pub", Purpose.MODEL)
    assert trusted.public == bytes(verified.signer)


def test_nets_that_another_key_signed_are_not_adopted(begun: Workshop, tmp_path: Path) -> None:
    build_bundle(tmp_path / "other", MODELS, SigningKey.generate(), manifest_to_sign(MODELS))
    before = contents(begun.site)
    words = ("model", "adopt", begun.site, tmp_path / "other")
    assert "is trusted here" in refusal(*words, "--trust", begun.folder / "models.pub", "--yes")
    assert contents(begun.site) == before


def test_a_bundle_with_a_changed_net_is_not_adopted(begun: Workshop) -> None:
    net = begun.folder / "models" / EMBEDDER
    net.write_bytes(net.read_bytes()[:-1] + b"!")
    before = contents(begun.site)
    words = ("model", "adopt", begun.site, begun.folder / "models")
    assert "not the file" in refusal(*words, "--trust", begun.folder / "models.pub", "--yes")
    assert contents(begun.site) == before


def test_another_key_can_be_trusted_later(prepared: Workshop, tmp_path: Path) -> None:
    key = SigningKey.generate()
    build_bundle(tmp_path / "newer", MODELS, key, manifest_to_sign(MODELS))
    public = prepared.public("newer", bytes(key.verify_key))
    tallylight("model", "adopt", prepared.site, tmp_path / "newer", "--trust", public, "--yes")
    prepared.add(HOPPER)


def test_a_bundle_verifies_with_no_other_key(begun: Workshop) -> None:
    public = begun.public("stranger", bytes(SigningKey.generate().verify_key))
    words = ("model", "verify", begun.folder / "models", "--trust", public)
    assert "is trusted here" in refusal(*words)
