"""A card image with its block map: opened, unpacked if it is compressed, its signature verified.

The image may be plain (.img) or compressed (.img.gz, .img.xz). Its block map lies beside it, named
as the plain image with .bmap. With allowed signers, `SHA256SUMS` beside the image must bear a
signature of one of them (ssh-keygen -Y verify) and name the map's digest; the map has the digest of
every range, so all bytes that are written are covered.
"""

import gzip
import hashlib
import lzma
import os
import shutil
import subprocess
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from formats.whole_file import naming, write_whole
from provisioning.errors import FlashRefused
from provisioning.flash.block_map import BLOCK, MAP_LIMIT, BlockMap, read_block_map
from provisioning.foreign_file import read_foreign

CHUNK: Final = 4 << 20
"""Bytes that are read or written at once: enough for a card to be fast."""
SUMS_LIMIT: Final = 1 << 20
"""Most bytes of SHA256SUMS and of its signature."""
VERIFY_S: Final = 30
"""Longest time of ssh-keygen, in seconds: it takes milliseconds."""


@dataclass(frozen=True, slots=True)
class CardImage:
    """A plain image, its block map, and the SHA-256 of the map, which names the image."""

    path: Path
    blocks: BlockMap
    digest: bytes


@contextmanager
def open_image(path: Path) -> Generator[CardImage]:
    """Yield the image at `path`; a compressed one is unpacked into a temporary file for the block.

    Raises:
        FlashRefused: the image or its block map is missing, damaged, or too short.
        FileRefused: the map is no plain file.
    """
    if not path.is_file():
        raise FlashRefused(f"There is no image {path}: name a file that ends with .img.")
    plain = path.with_suffix("") if path.suffix in {".gz", ".xz"} else path
    content = read_map_file(plain)
    blocks = read_block_map(content)
    digest = hashlib.sha256(content).digest()
    if plain == path:
        yield _whole(CardImage(path, blocks, digest))
        return
    with TemporaryDirectory(prefix="tallylight-flash-") as folder:
        unpacked = Path(folder) / plain.name
        _unpack(path, unpacked, limit=blocks.image_bytes)
        yield _whole(CardImage(unpacked, blocks, digest))


def read_map_file(plain: Path) -> bytes:
    """Return the content of the block map of a plain image.

    Raises:
        FlashRefused: there is none.
        FileRefused: it is no plain file, or too large.
    """
    try:
        return read_foreign(plain.parent, f"{plain.name}.bmap", limit=MAP_LIMIT)
    except FileNotFoundError as error:
        raise FlashRefused(
            f"The block map {plain.name}.bmap is not beside the image: copy it from the release."
        ) from error


def _whole(image: CardImage) -> CardImage:
    size = image.path.stat().st_size
    if size != image.blocks.image_bytes:
        raise FlashRefused(
            f"{image.path.name} has {size} bytes, and its block map says "
            f"{image.blocks.image_bytes}: copy both again from the release."
        )
    return image


def _unpack(packed: Path, plain: Path, *, limit: int) -> None:
    """Unpack into a sparse file, `limit` bytes at most."""
    form = gzip.GzipFile if packed.suffix == ".gz" else lzma.LZMAFile
    try:
        with form(packed) as opened, naming(plain), plain.open("wb") as file:
            while chunk := opened.read(CHUNK):
                if file.tell() + len(chunk) > limit:
                    raise FlashRefused(f"{packed} holds more than its block map says.")
                if chunk.count(0) == len(chunk):
                    file.seek(len(chunk), os.SEEK_CUR)
                else:
                    file.write(chunk)
            file.truncate()
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise FlashRefused(f"{packed} is damaged: copy it again from the release.") from error


def read_chunks(image: CardImage) -> Generator[tuple[int, bytes]]:
    """Yield the offset and the bytes of each chunk to write, in order, `CHUNK` bytes at most.

    The last chunk of a range is yielded before the range was found whole: a writer must take the
    end of this generator, not a chunk, as the proof.

    Raises:
        FlashRefused: a range has not the digest of the block map.
    """
    with image.path.open("rb", buffering=0) as file:
        for part in image.blocks.ranges:
            file.seek(part.start)
            left, digest = part.size, hashlib.sha256()
            while left:
                chunk = file.read(min(left, CHUNK))
                if len(chunk) % BLOCK or not chunk:
                    raise FlashRefused(f"{image.path.name} became shorter: copy it again.")
                digest.update(chunk)
                yield part.start + part.size - left, chunk
                left -= len(chunk)
            if digest.digest() != part.digest:
                raise FlashRefused(
                    f"{image.path.name} is damaged in the blocks {part.first} to {part.last}: copy "
                    "it again from the release."
                )


def verify_release(path: Path, signers: Path) -> None:
    """Verify that a signed `SHA256SUMS` beside the image names its block map.

    Args:
        path: the image.
        signers: allowed signers, as in ssh-keygen(1); the principal is `tallylight`.

    Raises:
        FlashRefused: the signature is missing or by another key, or the map is of another release.
    """
    plain = path.with_suffix("") if path.suffix in {".gz", ".xz"} else path
    try:
        sums = read_foreign(path.parent, "SHA256SUMS", limit=SUMS_LIMIT)
        signature = read_foreign(path.parent, "SHA256SUMS.sig", limit=SUMS_LIMIT)
    except FileNotFoundError as error:
        raise FlashRefused(
            f"{error.filename} is missing: copy the whole folder of the release."
        ) from error
    if not _signed(sums, signature, signers):
        raise FlashRefused(
            f"SHA256SUMS is not signed by a signer of {signers}: do not use this image."
        )
    wanted = f"{hashlib.sha256(read_map_file(plain)).hexdigest()}  {plain.name}.bmap"
    if wanted not in sums.decode("utf-8", "replace").splitlines():
        raise FlashRefused(
            f"{plain.name}.bmap is not the one that SHA256SUMS names: copy it from the release."
        )


def _signed(content: bytes, signature: bytes, signers: Path) -> bool:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise FlashRefused("ssh-keygen is missing: install the package openssh-client.")
    with TemporaryDirectory(prefix="tallylight-flash-") as folder:
        file = Path(folder) / "SHA256SUMS.sig"
        write_whole(file, signature, synced=False)
        names = ("-n", "tallylight-release", "-I", "tallylight", "-f", str(signers))
        try:
            done = subprocess.run(  # noqa: S603  # ssh-keygen, with file names.
                [program, "-Y", "verify", "-q", *names, "-s", str(file)],
                input=content,
                capture_output=True,
                timeout=VERIFY_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FlashRefused(
                f"ssh-keygen gave no answer in {VERIFY_S} s: {signers} must be a plain file."
            ) from error
    return done.returncode == 0
