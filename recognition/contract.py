"""What a manifest says of each net: its files, what it takes and gives, and how to use it.

Plain values, made by `recognition.manifest`; that a net keeps them is for `recognition.interpreter`
to check.
"""

from dataclasses import dataclass

from recognition.aligner import Alignment


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One int8 tensor at the edge of a net: real value = (stored - zero_point) * scale."""

    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A net's second file: the same weights and contract, compiled for the Edge TPU."""

    file: str
    size_bytes: int
    digest: bytes
    """SHA-256 of the file."""
    compiler: str


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
    training: str
    """Whose pictures it was trained on, as far as anybody says."""
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    edge_tpu: Compiled | None = None
    """None when there is no file for the Edge TPU."""


@dataclass(frozen=True, slots=True)
class EmbedderEntry:
    """The embedder's net and how a face must lie before it."""

    net: NetEntry
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Decode:
    """How to read one map of a detector: value = real / factor - offset.

    Of the 16 values of each cell two are logits, whose sigmoids' geometric mean is the score; two
    are where the box's centre lies and two the logarithms of its size; ten are five places. All
    but the logits are in strides, places from the cell's own corner.
    """

    stride_px: int
    offset: tuple[float, ...]
    """(16,)."""
    factor: tuple[float, ...]
    """(16,)."""


@dataclass(frozen=True, slots=True)
class DetectorEntry:
    """One detector net and how to read each of its maps."""

    net: NetEntry
    decodes: tuple[Decode, ...]
    """One per output of the net, in its order."""
