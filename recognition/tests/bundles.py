"""The shipped models: a copy that a test may damage, and a bundle signed with a test's key."""

from pathlib import Path

from nacl.signing import SigningKey

from formats.model_bundle import VerifiedBundle, sign_manifest, verify_bundle

MODELS = Path(__file__).resolve().parents[2] / "models"


def copied(folder: Path) -> Path:
    """Copy manifest and nets into a folder, unsigned."""
    for path in (*MODELS.glob("*.tflite"), MODELS / "manifest.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def signed(folder: Path) -> VerifiedBundle:
    """Sign the manifest in a folder with a new key, and return the verified bundle."""
    key = SigningKey.generate()
    manifest = (folder / "manifest.toml").read_bytes()
    (folder / "manifest.sig").write_bytes(sign_manifest(manifest, key))
    return verify_bundle(folder, key.verify_key)
