"""Update bundles by the real RAUC: built, signed by the maker, verified, offered in the policy."""

import json
import subprocess
from hashlib import shake_256
from pathlib import Path

import pytest

from formats.policy import read_policy
from provisioning.tests.workshop import Workshop, contents, refusal, tallylight

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LEAF = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=codeSigning\n"


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, a certificate for code signing, and a stranger's authority."""
    folder = tmp_path_factory.mktemp("maker")
    (folder / "leaf.ext").write_text(LEAF, encoding="ascii")
    for name in ("ca", "stranger"):
        subject = ("-subj", f"/CN={name}", "-days", "9")
        openssl(
            folder,
            "req",
            "-x509",
            *CURVE,
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.pem",
            *subject,
        )
    openssl(
        folder, "req", *CURVE, "-keyout", "maker.key", "-out", "maker.csr", "-subj", "/CN=Maker"
    )
    signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext")
    openssl(
        folder, "x509", "-req", "-in", "maker.csr", *signed_by, "-days", "9", "-out", "maker.pem"
    )
    return folder


def image(folder: Path, version: str, board: str = "virtual") -> Path:
    """Make the folder of an image with small partitions."""
    folder.mkdir()
    (folder / "image.json").write_text(json.dumps({"board": board, "version": version}))
    (folder / "system.img").write_bytes(shake_256(version.encode()).digest(64 * 1024))
    (folder / "boot.vfat").write_bytes(b"\2" * 4096)
    return folder


def signing(maker: Path) -> tuple[str | Path, ...]:
    return ("--certificate", maker / "maker.pem", "--key", maker / "maker.key")


def bundle(maker: Path, folder: Path, version: str = "0.3.0") -> Path:
    tallylight("update", "build", image(folder / f"image-{version}", version), folder / version)
    out = folder / f"{version}.raucb"
    tallylight("update", "sign", folder / version, out, *signing(maker), "--yes")
    return out


def test_what_is_signed_is_shown_before(maker: Path, tmp_path: Path) -> None:
    tallylight("update", "build", image(tmp_path / "image", "0.3.0"), tmp_path / "content")
    shown = tallylight(
        *("update", "sign", tmp_path / "content", tmp_path / "b.raucb"), *signing(maker), "--yes"
    )
    for fact in ("virtual", "0.3.0", "system.img", "boot.img", "CN=Maker"):
        assert fact in shown


def test_an_offer_is_a_draft_until_holders_sign_it(
    maker: Path, prepared: Workshop, tmp_path: Path
) -> None:
    file = bundle(maker, tmp_path)
    assert "There is no " in refusal("update", "offer", prepared.site, file)  # No maker.pem yet.
    offered = tallylight(
        "update", "offer", prepared.site, file, "--trust", maker / "ca.pem", "--json"
    )
    policy = read_policy(tallylight("policy", "show", prepared.site, "--json").strip().encode())
    assert [str(offer.version) for offer in policy.firmware] == ["0.3.0"]
    assert policy.firmware[0].digest.hex() == json.loads(offered)["digest"]
    found = json.loads(tallylight("update", "status", prepared.site, "--json"))
    assert ([each["version"] for each in found["draft"]], found["in_force"]) == (["0.3.0"], [])
    key = min((prepared.site / "keys").glob("targets-*.key"))
    holder = ("--key", key, *prepared.passphrase, "--yes")
    assert "Firmware of virtual cameras" in tallylight("policy", "sign", prepared.site, *holder)


def test_a_bundle_is_given_under_the_name_that_a_camera_looks_for(
    maker: Path, begun: Workshop, tmp_path: Path
) -> None:
    file = bundle(maker, tmp_path)
    (tmp_path / "stick").mkdir()
    words = ("--trust", maker / "ca.pem", "--to", tmp_path / "stick", "--json")
    digest = json.loads(tallylight("update", "offer", begun.site, file, *words))["digest"]
    assert (tmp_path / "stick" / f"{digest}.raucb").read_bytes() == file.read_bytes()


def test_an_older_version_than_the_offered_is_refused(
    maker: Path, begun: Workshop, tmp_path: Path
) -> None:
    trust = ("--trust", maker / "ca.pem")
    tallylight("update", "offer", begun.site, bundle(maker, tmp_path, "0.10.0"), *trust)
    before = contents(begun.site)
    older = bundle(maker, tmp_path, "0.9.0")
    assert "offered already" in refusal("update", "offer", begun.site, older, *trust)
    assert contents(begun.site) == before


def test_a_bundle_that_the_maker_did_not_sign_is_refused(
    maker: Path, begun: Workshop, tmp_path: Path
) -> None:
    file, stranger = bundle(maker, tmp_path), ("--trust", maker / "stranger.pem")
    assert "rauc refuses" in refusal("update", "offer", begun.site, file, *stranger)
    content = bytearray(file.read_bytes())
    content[-40] ^= 1  # Within the signature.
    file.write_bytes(content)
    trust = ("--trust", maker / "ca.pem")
    assert "rauc refuses" in refusal("update", "offer", begun.site, file, *trust)


def test_a_manifest_that_was_edited_is_not_signed(maker: Path, tmp_path: Path) -> None:
    tallylight("update", "build", image(tmp_path / "image", "0.3.0"), tmp_path / "content")
    manifest = tmp_path / "content" / "manifest.raucm"
    manifest.write_text(manifest.read_text() + "[hooks]\nfilename=hook\n")
    words = ("update", "sign", tmp_path / "content", tmp_path / "b.raucb", *signing(maker), "--yes")
    assert "was edited" in refusal(*words)
    assert not (tmp_path / "b.raucb").exists()


@pytest.mark.parametrize("missing", ["image.json", "system.img", "boot.vfat"])
def test_half_an_image_is_no_bundle(tmp_path: Path, missing: str) -> None:
    half = image(tmp_path / "image", "0.3.0")
    (half / missing).unlink()
    assert "no image of a camera" in refusal("update", "build", half, tmp_path / "content")
    assert not (tmp_path / "content").exists()


def test_a_link_in_an_image_is_refused(tmp_path: Path) -> None:
    half = image(tmp_path / "image", "0.3.0")
    (half / "system.img").unlink()
    (half / "system.img").symlink_to("/dev/zero")
    assert "is a link" in refusal("update", "build", half, tmp_path / "content")


def test_what_is_no_bundle_or_certificate_is_refused(
    maker: Path, begun: Workshop, tmp_path: Path
) -> None:
    trust = ("--trust", maker / "ca.pem")
    assert "no bundle" in refusal("update", "offer", begun.site, tmp_path / "none", *trust)
    (tmp_path / "noise").write_bytes(b"noise" * 999)
    assert "rauc refuses" in refusal("update", "offer", begun.site, tmp_path / "noise", *trust)
    tallylight("update", "build", image(tmp_path / "image", "0.3.0"), tmp_path / "content")
    bad = ("--certificate", tmp_path / "noise", "--key", maker / "maker.key", "--yes")
    words = ("update", "sign", tmp_path / "content", tmp_path / "b.raucb")
    assert "no certificate" in refusal(*words, *bad)


def test_a_site_without_offers_says_so(begun: Workshop) -> None:
    assert "No version is offered" in tallylight("update", "status", begun.site)
