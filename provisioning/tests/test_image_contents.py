"""What the image's recipe writes: trusted files of a site, image.json, the bill of materials."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from formats import VERSION
from provisioning.device import bill_of_materials, image_facts, site_files
from provisioning.device.bill_of_materials import Component, python_components, spdx
from provisioning.device.image_facts import PLACE, tree_digest
from provisioning.errors import FileRefused, SiteRefused
from provisioning.tests.test_update import CURVE, openssl
from provisioning.tests.workshop import Workshop
from recognition.errors import ModelRefused
from recognition.interpreter import Accelerator


def authority(folder: Path, name: str) -> bytes:
    """Make an authority; return its certificate."""
    made = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=x", "-days", "9")
    openssl(folder, "req", "-x509", *CURVE, *made)
    return (folder / f"{name}.pem").read_bytes()


def of_image(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files(place)}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_image_gets_what_a_camera_trusts_and_nothing_else(
    begun: Workshop, tmp_path: Path
) -> None:
    place = tmp_path / "image"
    maker = authority(tmp_path, "maker")
    (begun.site / "maker.pem").write_bytes(maker)
    (begun.site / "model" / "bundle" / "notes.key").write_text("not named by the manifest")
    site_files.copy_trusted(begun.site, place)
    found = of_image(place)
    nets = {f"models/{path.name}" for path in (begun.folder / "models").glob("*.tflite")}
    signed = {"models/manifest.toml", "models/manifest.sig"}
    assert set(found) == {"root.json", "models.pub", "maker.pem", *signed, *nets}
    assert found["root.json"] == (begun.site / "root.json").read_bytes()
    assert found["maker.pem"] == maker
    assert {path.stat().st_mode & 0o777 for path in files(place)} == {0o644}


@pytest.mark.parametrize("more", ["key", "text", "none"])
def test_a_file_that_holds_more_than_certificates_is_refused(
    begun: Workshop, tmp_path: Path, more: str
) -> None:
    maker = authority(tmp_path, "maker")
    holds = {
        "key": (tmp_path / "maker.key").read_bytes() + maker,
        "text": b"Bag Attributes\n" + maker,
        "none": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }
    (begun.site / "maker.pem").write_bytes(holds[more])
    with pytest.raises(SiteRefused, match="certificates and nothing else"):
        site_files.copy_trusted(begun.site, tmp_path / "image")
    assert files(tmp_path / "image") == []


def test_a_link_in_place_of_an_authority_is_refused(begun: Workshop, tmp_path: Path) -> None:
    authority(tmp_path, "maker")
    (begun.site / "maker.pem").symlink_to(tmp_path / "maker.pem")
    with pytest.raises(FileRefused):
        site_files.copy_trusted(begun.site, tmp_path / "image")


def test_a_net_that_was_changed_gets_into_no_image(begun: Workshop, tmp_path: Path) -> None:
    net = next((begun.site / "model" / "bundle").glob("*.tflite"))
    net.write_bytes(net.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelRefused):
        site_files.copy_trusted(begun.site, tmp_path / "image")
    assert files(tmp_path / "image") == []


def test_the_recipe_refuses_what_is_no_site_with_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "provisioning.device.site_files", str(tmp_path), "to"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Refused: ")
    assert len(done.stderr.splitlines()) == 1


def test_image_json_says_board_version_driver_and_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "opt/tallylight/bin/tallylight-camera"
    program.parent.mkdir(parents=True)
    program.write_text("x")
    (tmp_path / PLACE).parent.mkdir(parents=True)
    (tmp_path / "lock").write_text("digests")
    words = ["", "pi4-nocamera", "none", str(tmp_path / "lock"), str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    image_facts.main()
    line = f"{sha256(b'x').hexdigest()}  bin/tallylight-camera\n".encode()
    assert json.loads((tmp_path / PLACE).read_text()) == {
        "board": "pi4-nocamera",
        "camera": "none",
        "packages": sha256(b"digests").hexdigest(),
        "programs": sha256(line).hexdigest(),
        "version": VERSION,
    }


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_the_digest_of_the_programs_covers_names_and_bytes(tmp_path: Path, change: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")
    before = tree_digest(tmp_path)
    if change == "content":
        (tmp_path / "a" / "one").write_text("2")
    elif change == "name":
        (tmp_path / "a" / "one").rename(tmp_path / "one")
    else:
        (tmp_path / "two").write_text("")
    assert tree_digest(tmp_path) != before


def made_deb(folder: Path) -> Path:
    """Make a Debian package of one file."""
    control = folder / "deb" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: small\nVersion: 1:2.0+b1\nArchitecture: arm64\nMaintainer: a <a@example.com>\n"
        "Homepage: https://example.com\nDescription: x\n"
    )
    built = folder / "small_2.0_arm64.deb"
    subprocess.run(["dpkg-deb", "--build", control.parents[1], built], check=True)
    return built


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is Debian's")
def test_the_bill_of_materials_names_each_package_with_version_and_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deb = made_deb(tmp_path)
    digest = sha256(deb.read_bytes()).hexdigest()
    (tmp_path / "lock").write_text(f"{digest}  {deb.name}\n")
    about = tmp_path / "root/opt/tallylight/x/NumPy-2.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Name: NumPy\nVersion: 2\n")
    root, out = str(tmp_path / "root"), str(tmp_path)
    words = ["", "pi4", str(tmp_path / "lock"), str(tmp_path), root, out, "ab", "0"]
    monkeypatch.setattr(sys, "argv", words)
    bill_of_materials.main()
    short = json.loads((tmp_path / "packages.json").read_text())
    assert short == [
        {"name": "small", "version": "1:2.0+b1", "kind": "deb"},
        {"name": "numpy", "version": "2", "kind": "pypi"},
    ]
    document = json.loads((tmp_path / "sbom.spdx.json").read_text())
    assert document["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
    assert document["documentDescribes"] == [one["SPDXID"] for one in document["packages"]]
    debian = document["packages"][0]
    assert debian["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    assert debian["externalRefs"][0]["referenceLocator"] == (
        "pkg:deb/debian/small@1%3A2.0%2Bb1?arch=arm64"
    )


def test_documents_of_two_images_have_two_names() -> None:
    one = [Component("pypi", "numpy", "2")]
    made = datetime(2026, 11, 26, tzinfo=UTC)
    names = {str(spdx("pi4", one, digest, made)["documentNamespace"]) for digest in ("a", "b")}
    assert len(names) == 2


def test_a_root_without_programs_has_no_python_packages(tmp_path: Path) -> None:
    assert list(python_components(tmp_path)) == []


IMAGE = Path(site_files.__file__).parent / "image"
BOARDS = sorted(path.name for path in (IMAGE / "boards").iterdir())
FACTS = ("arch", "python_version", "accelerator", "camera", "list", "kernel_file", "newest_glibc")


def facts_of(board: str) -> dict[str, str]:
    """Return what a board's file says, as the recipe reads it."""
    show = "".join(f'echo "{name}=${name}"; ' for name in FACTS)
    show += 'echo "requirements=$requirements"'
    words = f'set -eu; . "{IMAGE}/boards/{board}"; {show}'
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("board", BOARDS)
def test_each_board_names_what_there_is(board: str) -> None:
    facts = facts_of(board)
    assert (IMAGE / "packages" / f"{facts['list']}.list").is_file()
    assert (IMAGE.parents[2] / "requirements" / f"{facts['requirements']}.txt").is_file()
    assert facts["accelerator"] in {each.value for each in Accelerator}
    assert facts["camera"] in {"picamera2", "libcamera-virtual", "none"}
    assert (facts["camera"] == "none") == board.endswith("-nocamera")


@pytest.mark.parametrize("board", BOARDS)
def test_a_runtime_of_the_nets_gets_the_python_that_it_was_built_for(board: str) -> None:
    """The last tflite-runtime is for Python 3.11; ai-edge-litert is locked for 3.13."""
    facts = facts_of(board)
    pairs = {"image": ("3.13", "cpu"), "image-coral": ("3.11", "edge-tpu")}
    assert pairs[facts["requirements"]] == (facts["python_version"], facts["accelerator"])


def test_a_board_that_is_not_known_is_refused_by_one_sentence(tmp_path: Path) -> None:
    words = [IMAGE / "make-image", "pi9", tmp_path, tmp_path, sys.executable]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Refused: there is no board 'pi9': choose pi4, pi4-coral,")
