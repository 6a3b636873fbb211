"""Import an embedder of your own: check an int8 TFLite file and write a manifest for it.

The file itself shows its operations, its contract (shapes and types) and how pixels enter; all
three are checked. The owner of the net states in a TOML file what cannot be measured: alignment,
normalisation, licence, training. The result is a folder without calibration, which no camera
accepts. Calibration and signing are the next two steps.
"""

import json
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Final

from formats.errors import Malformed
from formats.model_bundle import MANIFEST_FILE
from formats.near_names import refuse_odd_names
from formats.toml_text import parse_toml
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import ModelsRefused
from provisioning.nets.bundles import refuse_occupied
from recognition.aligner import Alignment
from recognition.contract import DetectorEntry, EmbedderEntry, NetEntry, TensorSpec
from recognition.interpreter import contract, read_net
from recognition.manifest import FORMAT, load_uncalibrated, read_alignment
from recognition.operations import check_operations
from recognition.tables import Table

EXAMPLE: Final = f"""\
# The owner describes an embedder here, for: tallylight model import NET --about THIS_FILE
source = "example-net 1.0"
source_sha256 = "{"0" * 64}"  # Of the weights as they were published.
licence = "Example-1.0"
training = "Whose pictures it was trained on, and whether they consented."

[preprocessing]          # What the net was trained to take: (pixel - mean) / divisor, in RGB.
mean = 127.5
divisor = 127.5

[alignment]              # Where a face lies in the net's input: pixels to the right and down.
chip_px = 112
points = [
    {{ at = [38.2946, 51.6963] }},     # The person's right eye, seen at left.
    {{ at = [73.5318, 51.5014] }},     # Left eye.
    {{ at = [56.0252, 71.7366] }},     # Tip of the nose.
    {{ at = [41.5493, 92.3655] }},     # Right corner of the mouth.
    {{ at = [70.7299, 92.2041] }},     # Left corner of the mouth.
]
"""

DIM_LIMIT: Final = 4000
"""Most components of a template that an entry at the desk can hold."""

_PIXEL_MAX: Final = 255
_INT8_LOW: Final = -128
_ONE_TO_ONE: Final = 1.0
"""Largest accepted difference, in steps of int8, between a pixel as the net and as we store it."""


def import_embedder(net: Path, about: Path, source: Path, to: Path) -> NetEntry:
    """Put a net into the new folder `to`, with a manifest and the detectors of `source`.

    Raises:
        ModelsRefused: the folder is not empty, the file must be converted first, or pixels do not
            enter one to one.
        ModelRefused: the net, its description or the source's manifest is refused.
        OSError: a file cannot be read.
    """
    refuse_occupied(to)
    _refuse_unconverted(net)
    content = net.read_bytes()
    embedder = _described(net.name, content, about)
    _, detectors = load_uncalibrated(source)
    with atomic_folder(to) as part:
        write_atomically(part / embedder.net.file, content)
        for detector in detectors:
            write_atomically(part / detector.net.file, read_net(source, detector.net))
        write_atomically(part / MANIFEST_FILE, _manifest(embedder, detectors))
        load_uncalibrated(part)
    return embedder.net


def _described(name: str, content: bytes, about: Path) -> EmbedderEntry:
    """Return the manifest's entry of a net, from its content and its owner's description."""
    check_operations(content, name)
    taken, given = contract(content, name)
    described = about.read_bytes()
    table = Table.read(described, about.name)
    try:
        refuse_odd_names(parse_toml(described), tomllib.loads(EXAMPLE), about.name)
    except Malformed as error:
        raise ModelsRefused(str(error)) from error
    _refuse_other_pixels(table.table("preprocessing"), taken, name)
    alignment = read_alignment(table.table("alignment"))
    _refuse_other_shapes(taken, given, alignment, name)
    entry = NetEntry(
        file=name,
        size_bytes=len(content),
        digest=sha256(content).digest(),
        source=table.text("source"),
        source_digest=table.digest("source_sha256"),
        licence=table.text("licence"),
        training=table.text("training"),
        input=taken,
        outputs=given,
    )
    table.refuse_unknown()
    return EmbedderEntry(entry, alignment)


def _refuse_unconverted(net: Path) -> None:
    if net.suffix != ".tflite":
        raise ModelsRefused(
            f"{net.name} is no TFLite file: convert it to TFLite of int8 alone, inputs and outputs "
            "included (for ONNX: make models-own NET=<net> ABOUT=<about> TO=<file.tflite>), and "
            "import that."
        )


def _refuse_other_shapes(
    taken: TensorSpec, given: tuple[TensorSpec, ...], alignment: Alignment, name: str
) -> None:
    chip = (1, alignment.chip_px, alignment.chip_px, 3)
    if taken.shape != chip:
        raise ModelsRefused(
            f"{name} takes {list(taken.shape)} where one chip of its alignment is {list(chip)}: "
            "convert it with its channels last and a batch of one."
        )
    if [one.shape[:-1] for one in given] != [(1,)] or given[0].shape[-1] > DIM_LIMIT:
        raise ModelsRefused(f"{name} must give one row of at most {DIM_LIMIT} numbers.")


def _refuse_other_pixels(table: Table, taken: TensorSpec, name: str) -> None:
    """Raise unless the stored value of each pixel is the pixel less 128, give or take one."""
    mean, divisor = table.value("mean", float), table.value("divisor", float)
    table.refuse_unknown()
    if not divisor > 0:
        raise ModelsRefused("The divisor of the preprocessing must be above 0.")
    for pixel in (0, _PIXEL_MAX):
        stored = (pixel - mean) / divisor / taken.scale + taken.zero_point
        if not abs(stored - (pixel + _INT8_LOW)) <= _ONE_TO_ONE:
            raise ModelsRefused(
                f"{name} stores pixel {pixel} as {stored:.1f}, not {pixel + _INT8_LOW}: quantise "
                "it again with a picture that holds both 0 and 255."
            )


def _manifest(embedder: EmbedderEntry, detectors: tuple[DetectorEntry, ...]) -> bytes:
    points = "".join(f"    {{ at = [{x!r}, {y!r}] }},\n" for x, y in embedder.alignment.points)
    lines = [
        "# Written by tallylight model import; the calibration by models/evaluate/calibrate.py.",
        f"format = {_quoted(FORMAT)}",
        "",
        "[alignment]",
        f"chip_px = {embedder.alignment.chip_px}",
        f"points = [\n{points}]",
        "",
        "[embedder]",
        *_net(embedder.net, "embedder"),
    ]
    for detector in detectors:
        lines += ["[[detectors]]", *_net(detector.net, "detectors")]
        for decode in detector.decodes:
            lines += [
                "[[detectors.decode]]",
                f"stride_px = {decode.stride_px}",
                f"offset = {list(decode.offset)}",
                f"factor = {list(decode.factor)}",
                "",
            ]
    return "\n".join(lines).encode()


def _net(entry: NetEntry, table: str) -> list[str]:
    lines = [
        f"file = {_quoted(entry.file)}",
        f"bytes = {entry.size_bytes}",
        f"sha256 = {_quoted(entry.digest.hex())}",
        f"source = {_quoted(entry.source)}",
        f"source_sha256 = {_quoted(entry.source_digest.hex())}",
        f"licence = {_quoted(entry.licence)}",
        f"training = {_quoted(entry.training)}",
        f"[{table}.input]",
        *_tensor(entry.input),
    ]
    for output in entry.outputs:
        lines += [f"[[{table}.outputs]]", *_tensor(output)]
    return [*lines, ""]


def _tensor(spec: TensorSpec) -> list[str]:
    return [
        'dtype = "int8"',
        f"shape = {list(spec.shape)}",
        f"scale = {spec.scale!r}",
        f"zero_point = {spec.zero_point}",
    ]


def _quoted(text: str) -> str:
    # JSON and TOML spell a printable line of text in the same way.
    return json.dumps(text, ensure_ascii=False)
