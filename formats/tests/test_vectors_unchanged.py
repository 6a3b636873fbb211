"""The published vectors keep their bytes from version to version: other programs rely on them."""

from hashlib import sha256
from pathlib import Path

from formats.tests.make_vectors import FOLDER

DIGESTS = Path(__file__).with_name("vectors.sha256")
"""Write it anew only when a format gets a new version: in this folder, sha256sum vectors/*."""


def test_every_vector_has_the_bytes_that_were_published() -> None:
    here = [
        f"{sha256(path.read_bytes()).hexdigest()}  vectors/{path.name}"
        for path in sorted(FOLDER.iterdir())
    ]
    assert here == DIGESTS.read_text("ascii").splitlines()
