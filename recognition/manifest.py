"""Manifest of the nets, `manifest.toml`: digests, contracts, alignment and calibration.

Reading is strict: a missing key, an unknown key or a value of another type is refused, and so is a
manifest without calibration. This module does not verify the signature (`formats.model_bundle`
does), nor the digest of a net (`recognition.interpreter` does when it loads one).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.model_bundle import MANIFEST_FILE
from recognition.aligner import Alignment
from recognition.calibration import Calibration
from recognition.calibration_table import read_calibration
from recognition.contract import (
    Compiled,
    Decode,
    DetectorEntry,
    EmbedderEntry,
    NetEntry,
    TensorSpec,
)
from recognition.errors import ModelRefused
from recognition.face import Point
from recognition.tables import Table

FORMAT: Final = "tallylight-models/3"
EARLIER: Final = "tallylight-models/2"
"""The same without `calibration.groups`: sites of version 0.2 adopted nets of this format."""
MODEL_DOMAIN: Final = b"tallylight/model/v1\0"

POINTS: Final = 5
"""Points of an alignment: right eye, left eye, nose, right and left corner of the mouth."""

CHANNELS: Final = 16
"""Channels of a detector's map: two logits, centre, size, five points."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a camera must know about its nets."""

    embedder: EmbedderEntry
    detectors: tuple[DetectorEntry, ...]
    calibration: Calibration
    evaluation_digest: bytes | None
    """SHA-256 of the evaluation's JSON; None until the nets were evaluated."""

    @property
    def entries(self) -> tuple[NetEntry, ...]:
        """Every net, the embedder first."""
        return (self.embedder.net, *(detector.net for detector in self.detectors))

    @property
    def files(self) -> tuple[NetEntry | Compiled, ...]:
        """Every file, those for the Edge TPU last."""
        compiled = [entry.edge_tpu for entry in self.entries if entry.edge_tpu is not None]
        return (*self.entries, *compiled)

    @property
    def model_digest(self) -> bytes:
        """Digest of the embedder and its alignment, 32 bytes: a list names the model by it.

        Templates of another embedder or alignment cannot be compared. The calibration is left
        out, because a new calibration does not change a template.
        """
        alignment = self.embedder.alignment
        places = [tuple(point) for point in alignment.points]
        preprocessing = f"{alignment.chip_px} {places} mirrored".encode()
        return hashlib.sha256(MODEL_DOMAIN + self.embedder.net.digest + preprocessing).digest()


def read_manifest(content: bytes) -> Manifest:
    """Parse the bytes of a manifest.

    Raises:
        ModelRefused: it is no TOML, or a key is missing, unknown or wrong.
    """
    table = _table(content)
    embedder, detectors = _nets(table)
    calibration = read_calibration(table.table("calibration"))
    evaluation_digest = _evaluation(table.table("evaluation")) if table.has("evaluation") else None
    table.refuse_unknown()
    if calibration.embedder_digest != embedder.net.digest:
        raise ModelRefused(
            "The calibration was measured with another embedder: run models/evaluate again."
        )
    return Manifest(embedder, detectors, calibration, evaluation_digest)


def load_manifest(folder: Path) -> Manifest:
    """Return the manifest in a folder without verifying a signature: for desk tools only.

    A camera uses `Eye.load` with a verified bundle.

    Raises:
        ModelRefused: it is missing, no TOML, or a key is missing, unknown or wrong.
    """
    return read_manifest(_content(folder))


def load_uncalibrated(folder: Path) -> tuple[EmbedderEntry, tuple[DetectorEntry, ...]]:
    """Return the nets of a manifest without calibration, for the tool that calibrates them.

    Raises:
        ModelRefused: the manifest is missing, no TOML, or names its nets wrongly.
    """
    return _nets(_table(_content(folder)))


def read_alignment(table: Table) -> Alignment:
    """Return the alignment in a table.

    Raises:
        ModelRefused: a key is missing, unknown or wrong, or a point lies outside the chip.
    """
    chip_px = table.value("chip_px", int)
    places = [_point(one) for one in table.tables("points")]
    table.refuse_unknown()
    inside = all(0 < length < chip_px for place in places for length in place)
    if len(places) != POINTS or not inside or len(set(places)) != POINTS:
        raise ModelRefused(
            "An alignment is five different points inside the chip: right eye, left eye, nose, "
            "right and left corner of the mouth."
        )
    return Alignment(chip_px, (places[0], places[1], places[2], places[3], places[4]))


def _content(folder: Path) -> bytes:
    path = folder / MANIFEST_FILE
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror}.") from error


def _table(content: bytes) -> Table:
    table = Table.read(content, "the manifest")
    if table.value("format", str) not in (FORMAT, EARLIER):
        raise ModelRefused(f"The manifest is not of the format {FORMAT}.")
    return table


def _nets(table: Table) -> tuple[EmbedderEntry, tuple[DetectorEntry, ...]]:
    alignment = read_alignment(table.table("alignment"))
    embedder = _embedder(table.table("embedder"), alignment)
    detectors = tuple(_detector(one) for one in table.tables("detectors"))
    if not detectors:
        raise ModelRefused("The manifest names no detector: it must name one or more.")
    return embedder, detectors


def _point(table: Table) -> Point:
    place = table.numbers("at", float)
    table.refuse_unknown()
    if len(place) != len(Point._fields):
        raise ModelRefused("A point of the alignment is two numbers: x and y.")
    return Point(*place)


def _tensor(table: Table) -> TensorSpec:
    if table.value("dtype", str) != "int8":
        raise ModelRefused("A net must take and give int8: quantise it, and build anew.")
    spec = TensorSpec(
        table.numbers("shape", int), table.value("scale", float), table.value("zero_point", int)
    )
    table.refuse_unknown()
    return spec


def _embedder(table: Table, alignment: Alignment) -> EmbedderEntry:
    entry = _net(table)
    table.refuse_unknown()
    given = [len(one.shape) for one in entry.outputs]
    if entry.input.shape != (1, alignment.chip_px, alignment.chip_px, 3) or given != [2]:
        raise ModelRefused(f"{entry.file} must take one chip and give one row of numbers.")
    return EmbedderEntry(entry, alignment)


def _net(table: Table) -> NetEntry:
    return NetEntry(
        file=_file(table),
        size_bytes=table.value("bytes", int),
        digest=table.digest("sha256"),
        source=table.text("source"),
        source_digest=table.digest("source_sha256"),
        licence=table.text("licence"),
        training=table.text("training"),
        input=_tensor(table.table("input")),
        outputs=tuple(_tensor(one) for one in table.tables("outputs")),
        edge_tpu=_compiled(table.table("edge_tpu")) if table.has("edge_tpu") else None,
    )


def _compiled(table: Table) -> Compiled:
    compiled = Compiled(
        file=_file(table),
        size_bytes=table.value("bytes", int),
        digest=table.digest("sha256"),
        compiler=table.text("compiler"),
    )
    table.refuse_unknown()
    return compiled


def _file(table: Table) -> str:
    file = table.text("file")
    if file != Path(file).name:
        raise ModelRefused(f"A net must lie beside its manifest: {file} does not.")
    return file


def _detector(table: Table) -> DetectorEntry:
    net = _net(table)
    decodes = tuple(_decode(one) for one in table.tables("decode"))
    table.refuse_unknown()
    _check_maps(net, decodes)
    return DetectorEntry(net, decodes)


def _decode(table: Table) -> Decode:
    decode = Decode(
        table.value("stride_px", int),
        table.numbers("offset", float),
        table.numbers("factor", float),
    )
    table.refuse_unknown()
    return decode


def _check_maps(net: NetEntry, decodes: tuple[Decode, ...]) -> None:
    for decode in decodes:
        if {len(decode.offset), len(decode.factor)} != {CHANNELS} or 0 in decode.factor:
            raise ModelRefused(
                f"The decoding of {net.file} must have {CHANNELS} offsets and factors."
            )
        if decode.stride_px < 1:
            raise ModelRefused(f"The decoding of {net.file} must have a stride of a pixel or more.")
    picture = net.input.shape[1:3]
    maps = [(1, *(length // one.stride_px for length in picture), CHANNELS) for one in decodes]
    if (
        net.input.shape != (1, *picture, 3)
        or not maps
        or [one.shape for one in net.outputs] != maps
    ):
        raise ModelRefused(
            f"{net.file} must give one map of its picture for each decoding, {CHANNELS} deep."
        )


def _evaluation(table: Table) -> bytes:
    digest = table.digest("sha256")
    table.refuse_unknown()
    return digest
