"""A camera's configuration on a desk, as values and as the file that users write."""

from pathlib import Path

from nacl.signing import SigningKey

from firmware.config import Accelerator, Config
from formats.model_bundle import sign_manifest

MODELS = Path(__file__).parents[2] / "models"

MODEL_KEY = SigningKey(bytes([71]) * 32)


def make_bundle(config: Config) -> None:
    """Sign a copy of the nets that ship, and trust the key."""
    config.models.mkdir()
    for path in (*MODELS.glob("*.tflite"), MODELS / "manifest.toml"):
        (config.models / path.name).write_bytes(path.read_bytes())
    manifest = (MODELS / "manifest.toml").read_bytes()
    (config.models / "manifest.sig").write_bytes(sign_manifest(manifest, MODEL_KEY))
    config.model_key.write_text(bytes(MODEL_KEY.verify_key).hex())


NO_BROKER = 1
"""A port on which no program of this machine listens: 8883 may have a broker."""


def config_of(folder: Path, *, broker_port: int = NO_BROKER) -> Config:
    return Config(
        state_folder=folder / "state",
        models=folder / "models",
        model_key=folder / "models.pub",
        accelerator=Accelerator.CPU,
        trusted_root=folder / "root.json",
        lamp_socket=folder / "lamp.sock",
        broker_host="127.0.0.1",
        broker_port=broker_port,
        broker_ca=folder / "ca.pem",
    )


def config_file(config: Config, path: Path) -> Path:
    """Write the configuration as TOML."""
    keys = (
        "state_folder",
        "models",
        "model_key",
        "accelerator",
        "trusted_root",
        "lamp_socket",
        "broker_host",
        "broker_ca",
    )
    lines = [f'{key} = "{getattr(config, key)}"' for key in keys]
    path.write_text("\n".join([*lines, f"broker_port = {config.broker_port}", ""]))
    return path
