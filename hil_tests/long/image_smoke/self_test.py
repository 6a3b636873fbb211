"""The self-test that runs in an image: it imports, seals, opens, looks, and prints a line of JSON.

It uses the wheel and its dependencies, and nothing else of this project. `run` starts it in the
image, and on this machine to compare. It opens no camera, no lamp and no network.

    self_test.py NETS PICTURE...
"""

import importlib
import json
import pkgutil
import platform
import sys
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.envelope import Kind, Origin, TimeQuality, open_sealed, read, seal, verify
from recognition.aligner import align
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.manifest import load_manifest
from recognition.picture import read_picture

PACKAGES = ("firmware", "formats", "recognition", "wire")
"""Of the camera's wheel."""


def modules() -> int:
    """Import each module of the wheel; return how many there are."""
    names = [
        one.name
        for package in map(importlib.import_module, PACKAGES)
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if ".tests" not in one.name
    ]
    for name in names:
        importlib.import_module(name)
    return len(names)


def sealed_and_opened() -> bool:
    """Seal an event to two new keys; return whether both open it."""
    sender, keys = SigningKey.generate(), [PrivateKey.generate(), PrivateKey.generate()]
    origin = Origin(bytes(16), 1, 0, TimeQuality.SYNCHRONISED, bytes(32))
    readers = [key.public_key for key in keys]
    blob = seal(Kind.EVENT, b"an event", sender=sender, recipients=readers, origin=origin).blob
    verified = verify(read(Kind.EVENT, blob), sender.verify_key)
    return {open_sealed(verified, key) for key in keys} == {b"an event"}


def seen(nets: Path, picture: Path) -> list[list[int]]:
    """Return the template of each face in a picture."""
    manifest = load_manifest(nets)
    detector = Detector.load(nets, manifest.detectors)
    embedder = Embedder.load(nets, manifest.embedder)
    pixels = read_picture(picture)
    chips = [align(pixels, face, manifest.embedder.alignment) for face in detector.find(pixels)]
    return [embedder.template(chip).vector.tolist() for chip in chips]


def main() -> None:
    """Print what came of it."""
    nets, *pictures = map(Path, sys.argv[1:])
    found = {
        "processor": platform.machine(),
        "python": platform.python_version(),
        "modules": modules(),
        "sealed": sealed_and_opened(),
        "templates": [seen(nets, picture) for picture in pictures],
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
