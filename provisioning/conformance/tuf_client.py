r"""`tallylight-tuf-client`: the camera's TUF client, as a command that a suite can drive.

It wears the very classes that the camera uses: Ed25519 alone, checked by libsodium; the tight
limits; a new client for every target. What it does not have is the camera's further rules
(`firmware.trust.site_verifier`). The camera itself reads a folder; fetching over HTTP is for this
command alone.

    tallylight-tuf-client --metadata-dir DIR init TRUSTED_ROOT
    tallylight-tuf-client --metadata-dir DIR --metadata-url URL refresh
    tallylight-tuf-client --metadata-dir DIR --metadata-url URL --target-name PATH \\
        [--target-name PATH] --target-base-url URL --target-dir DIR download

0 did it, 1 refused, 2 wrong usage.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined]  # Re-exports.
from tuf.ngclient.updater import Updater

from formats.site_tuf import CONFIG

_ROOT: Final = "root.json"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    said = _parser().parse_args(words)
    try:
        {"init": _init, "refresh": _refresh, "download": _download}[said.command](said)
    except (RepositoryError, DownloadError, ValueError, OSError) as error:
        sys.stderr.write(f"Refused: {error}\n")
        return 1
    return 0


def _init(said: argparse.Namespace) -> None:
    """Believe this root from now on. No request is made."""
    root = Path(said.trusted_root).read_bytes()
    Metadata[Root].from_bytes(root)  # A root, and with keys that this project knows.
    said.metadata_dir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(said.metadata_dir / "root_history", ignore_errors=True)
    (said.metadata_dir / _ROOT).unlink(missing_ok=True)
    (said.metadata_dir / _ROOT).write_bytes(root)


def _refresh(said: argparse.Namespace) -> None:
    _updater(said).refresh()


def _download(said: argparse.Namespace) -> None:
    """Fetch the targets in the order in which they were named; stop at the first refusal."""
    for name in said.target_name:
        # A fresh client for every target: nothing cached for one delegation serves another.
        updater = _updater(said)
        info = updater.get_targetinfo(name)
        if info is None:
            raise RepositoryError(f"The repository has no signed target {name}.")
        if updater.find_cached_target(info) is None:
            updater.download_target(info)


def _updater(said: argparse.Namespace) -> Updater:
    if said.target_dir is not None:
        said.target_dir.mkdir(parents=True, exist_ok=True)
    return Updater(
        metadata_dir=str(said.metadata_dir),
        metadata_base_url=said.metadata_url,
        target_dir=None if said.target_dir is None else str(said.target_dir),
        target_base_url=said.target_base_url,
        config=CONFIG,
        bootstrap=None,  # `init` has put the trusted root into the folder.
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tallylight-tuf-client", description="A TUF client.")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-base-url")
    parser.add_argument("--target-dir", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("trusted_root")
    commands.add_parser("refresh")
    commands.add_parser("download")
    return parser


if __name__ == "__main__":
    sys.exit(main())
