"""Reads `manifest.toml`: which nets there are, what they take and give, and what a score is worth.

Reading is strict: a missing key, an unknown key or a value of another type is refused, and so is a
manifest without calibration or with another alignment than this library cuts. Reading verifies
only the manifest; a net is verified by its digest when it is loaded.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from recognition.aligner import CHIP_PX, TEMPLATE
from recognition.calibration import Calibration, Rate, Threshold, threshold_for
from recognition.errors import ModelRefused

__all__ = [
    "Calibration",
    "Decode",
    "DetectorEntry",
    "Manifest",
    "NetEntry",
    "TensorSpec",
    "Threshold",
    "load_manifest",
    "threshold_for",
]

FILE_NAME: Final = "manifest.toml"
FORMAT: Final = "tallylight-models/1"
MODEL_DOMAIN: Final = b"tallylight/model/v1\0"
DIGEST_HEX: Final = 64

CHANNELS: Final = 17
"""Of a detector's map: logit, centre, size, six points."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One int8 tensor at the edge of a net: real value = (stored - zero_point) * scale."""

    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class NetEntry:
    """One net file: its digest and its contract."""

    file: str
    size_bytes: int
    digest: bytes
    """SHA-256 of the file."""
    source: str
    """Package and version that carry the weights."""
    source_digest: bytes
    """SHA-256 of the weights."""
    licence: str
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Decode:
    """How to read a detector's map: value = real / factor - offset, in pixels of its input."""

    stride_px: int
    offset: tuple[float, ...]
    """(17,): logit, centre, size, six points."""
    factor: tuple[float, ...]
    """(17,)."""


@dataclass(frozen=True, slots=True)
class DetectorEntry:
    """One detector net and how to read it."""

    net: NetEntry
    decode: Decode


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a camera must know about its nets."""

    embedder: NetEntry
    detectors: tuple[DetectorEntry, ...]
    calibration: Calibration

    @property
    def model_digest(self) -> bytes:
        """32 bytes that bind the embedder and its alignment: templates of another do not compare.

        The calibration stays outside: measuring it again makes no template stale.
        """
        alignment = f"{CHIP_PX} {TEMPLATE} mirrored".encode()
        return hashlib.sha256(MODEL_DOMAIN + self.embedder.digest + alignment).digest()


def load_manifest(folder: Path) -> Manifest:
    """Return the manifest in `folder`.

    Raises:
        ModelRefused: it is missing, no TOML, or not exactly what a manifest must be.
    """
    table = _read(folder / FILE_NAME)
    embedder, detectors = _nets(table)
    calibration = _calibration(table.sub("calibration"))
    table.end()
    if calibration.embedder_digest != embedder.digest:
        raise ModelRefused(
            "The calibration was measured with another embedder: run models/evaluate again."
        )
    return Manifest(embedder, detectors, calibration)


def load_uncalibrated(folder: Path) -> tuple[NetEntry, tuple[DetectorEntry, ...]]:
    """Return the nets alone, for the program that calibrates them; no camera runs on these.

    Raises:
        ModelRefused: the manifest is missing, no TOML, or names its nets wrongly.
    """
    return _nets(_read(folder / FILE_NAME))


class _Table:
    """A TOML table that is emptied key by key, so that what is left over is unknown."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, dict):
            raise ModelRefused(f"{name} must be a table.")
        self._values = dict(values)
        self._name = name

    def take(self, key: str, kind: type[T]) -> T:
        value = self._values.pop(key, None)
        if value is None:
            raise ModelRefused(f"In {self._name}, {key} is missing.")
        if type(value) is not kind:
            raise ModelRefused(f"In {self._name}, {key} must be of type {kind.__name__}.")
        return value

    def digest(self, key: str) -> bytes:
        text = self.take(key, str)
        try:
            digest = bytes.fromhex(text)
        except ValueError:
            digest = b""
        if len(text) != DIGEST_HEX or len(digest) * 2 != DIGEST_HEX:
            raise ModelRefused(f"In {self._name}, {key} must be a SHA-256 in hexadecimal.")
        return digest

    def numbers(self, key: str, kind: type[T]) -> tuple[T, ...]:
        values = self.take(key, list)
        if any(type(value) is not kind for value in values):
            raise ModelRefused(f"In {self._name}, {key} must hold only {kind.__name__}.")
        return tuple(values)

    def sub(self, key: str) -> "_Table":
        return _Table(self.take(key, dict), key)

    def subs(self, key: str) -> "list[_Table]":
        return [_Table(one, f"{key}[{place}]") for place, one in enumerate(self.take(key, list))]

    def end(self) -> None:
        if self._values:
            raise ModelRefused(f"In {self._name}, unknown: {', '.join(sorted(self._values))}.")


def _read(path: Path) -> _Table:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelRefused(f"{path} is not TOML: {error}.") from error
    table = _Table(document, "the manifest")
    if table.take("format", str) != FORMAT:
        raise ModelRefused(f"{path} is not a manifest of the format {FORMAT}.")
    return table


def _nets(table: _Table) -> tuple[NetEntry, tuple[DetectorEntry, ...]]:
    _check_alignment(table.sub("alignment"))
    embedder = _embedder(table.sub("embedder"))
    detectors = tuple(_detector(one) for one in table.subs("detectors"))
    if not detectors:
        raise ModelRefused("The manifest names no detector.")
    return embedder, detectors


def _check_alignment(table: _Table) -> None:
    chip_px = table.take("chip_px", int)
    template = [one.numbers("at", float) for one in table.subs("points")]
    table.end()
    if chip_px != CHIP_PX or template != [tuple(point) for point in TEMPLATE]:
        raise ModelRefused("The manifest's nets want another alignment than this library cuts.")


def _tensor(table: _Table) -> TensorSpec:
    if table.take("dtype", str) != "int8":
        raise ModelRefused("A net must take and give int8: this one does not.")
    spec = TensorSpec(
        table.numbers("shape", int), table.take("scale", float), table.take("zero_point", int)
    )
    table.end()
    return spec


def _embedder(table: _Table) -> NetEntry:
    entry = _net(table)
    table.end()
    given = [len(one.shape) for one in entry.outputs]
    if entry.input.shape != (1, CHIP_PX, CHIP_PX, 3) or given != [2]:
        raise ModelRefused(f"{entry.file} must take one chip and give one row of numbers.")
    return entry


def _net(table: _Table) -> NetEntry:
    file = table.take("file", str)
    if file != Path(file).name:
        raise ModelRefused(f"A net must lie beside its manifest: {file} does not.")
    return NetEntry(
        file=file,
        size_bytes=table.take("bytes", int),
        digest=table.digest("sha256"),
        source=table.take("source", str),
        source_digest=table.digest("source_sha256"),
        licence=table.take("licence", str),
        input=_tensor(table.sub("input")),
        outputs=tuple(_tensor(one) for one in table.subs("outputs")),
    )


def _detector(table: _Table) -> DetectorEntry:
    net = _net(table)
    decoding = table.sub("decode")
    decode = Decode(
        decoding.take("stride_px", int),
        decoding.numbers("offset", float),
        decoding.numbers("factor", float),
    )
    decoding.end()
    table.end()
    _check_map(net, decode)
    return DetectorEntry(net, decode)


def _check_map(net: NetEntry, decode: Decode) -> None:
    if {len(decode.offset), len(decode.factor)} != {CHANNELS} or 0 in decode.factor:
        raise ModelRefused(f"The decoding of {net.file} must have {CHANNELS} offsets and factors.")
    if decode.stride_px < 1:
        raise ModelRefused(f"The decoding of {net.file} must have a stride of a pixel or more.")
    picture, stride_px = net.input.shape[1:3], decode.stride_px
    cells = (1, *(length // stride_px for length in picture), CHANNELS)
    if net.input.shape != (1, *picture, 3) or [one.shape for one in net.outputs] != [cells]:
        raise ModelRefused(f"{net.file} must give one map of its picture, {CHANNELS} deep.")


def _calibration(table: _Table) -> Calibration:
    calibration = Calibration(
        embedder_digest=table.digest("embedder_sha256"),
        runtime=table.take("runtime", str),
        pictures=table.take("pictures", str),
        pairs=table.take("pairs", int),
        command=table.take("command", str),
        rates=tuple(_rate(one) for one in table.subs("rates")),
    )
    table.end()
    scores = [rate.score_ppm for rate in calibration.rates]
    if not scores or scores != sorted(set(scores)):
        raise ModelRefused("The calibration's rates must be some, by rising score.")
    return calibration


def _rate(table: _Table) -> Rate:
    rate = Rate(
        table.take("score_ppm", int), table.take("fmr_ppb", int), table.take("upper_ppb", int)
    )
    table.end()
    return rate
