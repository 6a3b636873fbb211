"""Contract of each net: its files, input and output tensors, and how to decode its output.

These are plain values. `recognition.manifest` reads them from the manifest, and
`recognition.interpreter` checks that a net keeps them.
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
    """Whose pictures it was trained on, as far as its makers say."""
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    edge_tpu: Compiled | None = None
    """None when there is no file for the Edge TPU."""


@dataclass(frozen=True, slots=True)
class EmbedderEntry:
    """The embedder's net and the alignment of its chips."""

    net: NetEntry
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Decode:
    """How to read one map of a detector: value = real / factor - offset.

    Each cell has 16 values. Two are logits: the score is the geometric mean of their sigmoids. Two
    are the centre of the box, two the logarithms of its size, and ten are five points. All but the
    logits are in strides; centre and points are measured from the cell's own corner.
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
