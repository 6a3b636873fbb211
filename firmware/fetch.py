"""The program `fetch`: download an update bundle over HTTPS in ranges, resume, verify the digest.

`update` has verified the offer in the signed policy, and left digest and size in the folder
`wanted`. The broker's machine serves the bundle, with the certificates of the broker: TLS 1.3, and
this camera's own certificate. So no further address is opened to a camera. The bytes are believed
by the signed digest alone.

What it promises:

- A range is on the card before the next is asked for. After a power cut the download goes on behind
  the last whole range.
- Bytes that are not the offered ones are thrown away, and the refusal says so. Then it rests, so
  that a hostile server cannot wear the card out.
- The rate is bounded, so that events keep their way. Each range has a longest time.
- It takes no room that events or the install need. A bundle that is not wanted any more is removed.
- A redirect, another length, or an answer without ranges is refused. Nothing is executed here.

It installs nothing (`firmware.update.installer`). It has no camera, no lamp and no key but the
courier's certificate.
"""

import os
import time
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from typing import BinaryIO, Final

from firmware.config import Config
from firmware.courier import broker_address
from firmware.delivery.wanted import bundle_name, read_wanted
from firmware.errors import BundleNotFetched, ForeignFile
from firmware.folder import Folder
from formats.firmware_offer import BUNDLE_LIMIT, FirmwareOffer

RANGE_BYTES: Final = 256 * 1024
"""Bytes of one range, which a power cut can cost."""
KEPT_FREE: Final = 128 * 1024 * 1024
"""Bytes of the data partition that stay free, beside the copy that the install makes: room for
4,000 events while the bundle lies there."""
NAMES: Final = 1000
"""Most names in the folder of bundles."""
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how fast to load."""

    silent_s: float = 30.0
    """Longest silence of the server."""
    range_s: float = 300.0
    """Longest time of one range's bytes: a line of 1 kB/s is slower than is useful."""
    bytes_per_s: float = 512 * 1024
    """Highest mean rate: 4 Mbit/s. A bundle of 200 MiB takes 7 minutes."""
    rest_s: float = 6 * 3600.0
    """Time without a new try after wrong bytes: 4 GiB a day at most, so that a card of 32 GB lasts
    20 years at 1,000 cycles."""


@dataclass(frozen=True, slots=True)
class Download:
    """The files of one bundle in the folder of bundles."""

    folder: Folder
    offer: FirmwareOffer

    @property
    def whole(self) -> str:
        """The name of the verified bundle."""
        return bundle_name(self.offer)

    @property
    def part(self) -> str:
        """The name of what was loaded so far."""
        return f"{self.offer.digest.hex()}.part"

    @property
    def wrong(self) -> str:
        """The name of the mark that the server gave wrong bytes; its time counts."""
        return f"{self.offer.digest.hex()}.wrong"


def fetch(config: Config, patience: Patience = Patience()) -> str:  # noqa: B008  # It is frozen.
    """Download the bundle that is wanted, if one is; return in one sentence what came of it.

    Raises:
        BundleNotFetched: it could not be loaded now, or its bytes are wrong; what is right so far
            is kept for the next try.
        IdentityRefused, CertificateRefused: this camera has no certificate.
        ForeignFile: a file in its way is of another kind.
    """
    offer = read_wanted(config.state)
    if offer is None:
        return "No bundle is wanted."
    with Folder.made(config.state.bundles, 0o750) as folder:
        download = Download(folder, offer)
        remove_others(download)
        if folder.status(download.whole) is not None:
            if is_offered(download, download.whole):
                return f"The bundle of version {offer.version} lies here."
            folder.remove(download.whole)
        refuse_in_rest(download, patience)
        with open_part(download) as part:
            refuse_without_room(download, part.tell())
            load(config, offer, part, patience)
        finish(download)
    return f"The bundle of version {offer.version} is fetched."


def remove_others(download: Download) -> None:
    """Remove the bundles, and parts of bundles, that are not wanted any more."""
    for name in download.folder.names(limit=NAMES):
        if name not in {download.whole, download.part, download.wrong}:
            download.folder.remove(name)


def refuse_in_rest(download: Download, patience: Patience) -> None:
    """Raise while the rest after wrong bytes lasts, by a clock that may also be set back.

    Raises:
        BundleNotFetched: it lasts.
    """
    mark = download.folder.status(download.wrong)
    if mark is not None and abs(time.time() - mark.st_mtime) < patience.rest_s:
        raise BundleNotFetched(
            "Wrong bytes were served for this bundle not long ago: it is fetched again after "
            f"{patience.rest_s / 3600:.0f} hours."
        )


def open_part(download: Download) -> BinaryIO:
    """Open what was loaded so far, at the end of its last whole range; the rest is cut off."""
    folder = download.folder
    if folder.status(download.part) is None:
        folder.write(download.part, b"")
    part = folder.open(download.part, limit=BUNDLE_LIMIT, writable=True)
    size = os.fstat(part.fileno()).st_size
    kept = 0 if size > download.offer.size else size // RANGE_BYTES * RANGE_BYTES
    part.truncate(kept)
    part.seek(kept)
    return part


def refuse_without_room(download: Download, loaded: int) -> None:
    """Raise unless there is room for the rest, for the copy of the install, and for events.

    Raises:
        BundleNotFetched: there is not.
    """
    disk = os.statvfs(download.folder.descriptor)
    missing = download.offer.size - loaded + download.offer.size + KEPT_FREE
    missing -= disk.f_bavail * disk.f_frsize
    if missing > 0:
        raise BundleNotFetched(
            f"The data partition lacks {missing // 1024**2 + 1} MiB for the bundle: let the estate "
            "take the waiting events."
        )


def load(config: Config, offer: FirmwareOffer, part: BinaryIO, patience: Patience) -> None:
    """Load range after range onto the card, no faster than the rate.

    Raises:
        BundleNotFetched: the server cannot be reached, is too slow, or answers otherwise.
    """
    address = broker_address(config)
    line = HTTPSConnection(
        address.host,
        config.bundle_port,
        timeout=patience.silent_s,
        context=address.certificate.context(),
    )
    try:
        while (start := part.tell()) < offer.size:
            began_s = time.monotonic()
            end = min(start + RANGE_BYTES, offer.size)
            part.write(load_range(line, offer, (start, end), patience))
            part.flush()
            os.fsync(part.fileno())
            too_early_s = began_s + (end - start) / patience.bytes_per_s - time.monotonic()
            time.sleep(max(0.0, too_early_s))
    finally:
        line.close()


def load_range(
    line: HTTPSConnection, offer: FirmwareOffer, span: tuple[int, int], patience: Patience
) -> bytes:
    """Return the bytes from `span[0]` up to `span[1]` of a bundle.

    Raises:
        BundleNotFetched: the server cannot be reached, is too slow, or answers otherwise.
    """
    until_s, content = time.monotonic() + patience.range_s, bytearray()
    try:
        answer = ask(line, offer, *span)
        while answer.length:
            chunk = answer.read1(_CHUNK)
            if not chunk or time.monotonic() > until_s:
                raise BundleNotFetched(
                    "The bundle server stops in the middle, or is too slow: check the network; the "
                    "download goes on by itself."
                )
            content += chunk
        answer.read()  # Nothing is left; the line may be asked again.
    except (OSError, HTTPException) as error:
        raise BundleNotFetched(
            f"The bundle server at {line.host}:{line.port} cannot be used "
            f"({str(error)[:200] or type(error).__name__}): check it; the download goes on by "
            "itself."
        ) from error
    return bytes(content)


def ask(line: HTTPSConnection, offer: FirmwareOffer, start: int, end: int) -> HTTPResponse:
    """Ask for the bytes from `start` up to `end` of a bundle, and return the answer.

    Raises:
        BundleNotFetched: it is no answer with exactly these bytes of a file of this size.
    """
    name = bundle_name(offer)
    line.request("GET", f"/bundles/{name}", headers={"Range": f"bytes={start}-{end - 1}"})
    answer = line.getresponse()
    if answer.status != HTTPStatus.PARTIAL_CONTENT:
        raise BundleNotFetched(
            f"The bundle server answers {answer.status}: put {name} into its folder of bundles."
        )
    span = answer.getheader("Content-Range", "")
    if span != f"bytes {start}-{end - 1}/{offer.size}" or answer.length != end - start:
        raise BundleNotFetched(
            f"The bundle server has another {name} than the offered one: put the offered one there."
        )
    return answer


def finish(download: Download) -> None:
    """Verify the digest of what lies on the card, and give the bundle its name.

    Raises:
        BundleNotFetched: the bytes are others; they are thrown away.
    """
    folder = download.folder
    if not is_offered(download, download.part):
        folder.replace(download.wrong, b"")
        folder.remove(download.part)
        raise BundleNotFetched(
            "The bytes that the bundle server gave are not the offered bundle, and are thrown "
            f"away: put the offered {download.whole} there."
        )
    folder.rename(download.part, folder, download.whole)
    folder.remove(download.wrong)


def is_offered(download: Download, name: str) -> bool:
    """Return whether a file holds exactly the offered bytes."""
    digest, size = sha256(), 0
    try:
        with download.folder.open(name, limit=download.offer.size) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except ForeignFile:
        return False
    return size == download.offer.size and digest.digest() == download.offer.digest
