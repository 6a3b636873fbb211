"""The models that ship, as a folder to be spoilt and as a bundle that a test vouches for."""

from pathlib import Path

from nacl.signing import SigningKey

from formats.modelbundle import VerifiedBundle, sign_manifest, verify_bundle

MODELS = Path(__file__).resolve().parents[2] / "models"


def copied(folder: Path) -> Path:
    """Put manifest and nets into a folder, unsigned."""
    for path in (*MODELS.glob("*.tflite"), MODELS / "manifest.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def signed(folder: Path) -> VerifiedBundle:
    """Sign the manifest in a folder with a key of the moment."""
    key = SigningKey.generate()
    manifest = (folder / "manifest.toml").read_bytes()
    (folder / "manifest.sig").write_bytes(sign_manifest(manifest, key))
    return verify_bundle(folder, key.verify_key)
