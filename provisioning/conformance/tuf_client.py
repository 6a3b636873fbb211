r"""`tallylight-tuf-client`: the camera's TUF client, as a command for the public conformance suite.

It uses the same classes as the camera: only Ed25519, verified by libsodium; the same tight limits;
a new client for every target. It does not have the camera's further rules
(`firmware.trust.site_verifier`). The camera itself reads a folder; only this command fetches over
HTTP.

    tallylight-tuf-client --metadata-dir DIR init TRUSTED_ROOT
    tallylight-tuf-client --metadata-dir DIR --metadata-url URL refresh
    tallylight-tuf-client --metadata-dir DIR --metadata-url URL --target-name PATH \\
        [--target-name PATH] --target-base-url URL --target-dir DIR download

Exit codes: 0 done, 1 refused, 2 wrong usage.
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

from formats import VERSION
from formats.site_tuf import CONFIG

_ROOT: Final = "root.json"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    args = command_line().parse_args(words)
    try:
        {"init": _init, "refresh": _refresh, "download": _download}[args.command](args)
    except (RepositoryError, DownloadError, ValueError, OSError) as error:
        sys.stderr.write(f"Refused: {error}\n")
        return 1
    return 0


def _init(args: argparse.Namespace) -> None:
    """Trust this root from now on. No request is made."""
    root = Path(args.trusted_root).read_bytes()
    Metadata[Root].from_bytes(root)  # Refuses other files, and keys that are not Ed25519.
    args.metadata_dir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(args.metadata_dir / "root_history", ignore_errors=True)
    (args.metadata_dir / _ROOT).unlink(missing_ok=True)
    (args.metadata_dir / _ROOT).write_bytes(root)


def _refresh(args: argparse.Namespace) -> None:
    _updater(args).refresh()


def _download(args: argparse.Namespace) -> None:
    """Fetch the targets in the order of their names on the command line; stop at a refusal."""
    for name in args.target_name:
        # A new client for every target: no cached delegation serves for another target.
        updater = _updater(args)
        info = updater.get_targetinfo(name)
        if info is None:
            raise RepositoryError(f"The repository has no signed target {name}.")
        if updater.find_cached_target(info) is None:
            updater.download_target(info)


def _updater(args: argparse.Namespace) -> Updater:
    if args.target_dir is not None:
        args.target_dir.mkdir(parents=True, exist_ok=True)
    return Updater(
        metadata_dir=str(args.metadata_dir),
        metadata_base_url=args.metadata_url,
        target_dir=None if args.target_dir is None else str(args.target_dir),
        target_base_url=args.target_base_url,
        config=CONFIG,
        bootstrap=None,  # `init` has put the trusted root into the folder.
    )


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="tallylight-tuf-client", description="A TUF client.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
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
