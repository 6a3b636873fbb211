"""A camera's configuration on a desk, as values and as the file that users write."""

from pathlib import Path

from firmware.config import Accelerator, Config

MODELS = Path(__file__).parents[2] / "models"


def config_of(folder: Path, *, broker_port: int = 8883) -> Config:
    return Config(
        state_folder=folder / "state",
        models=MODELS,
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
        "accelerator",
        "trusted_root",
        "lamp_socket",
        "broker_host",
        "broker_ca",
    )
    lines = [f'{key} = "{getattr(config, key)}"' for key in keys]
    path.write_text("\n".join([*lines, f"broker_port = {config.broker_port}", ""]))
    return path
