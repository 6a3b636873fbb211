"""Compare the nets in this folder with the manifest: digests, input and output, calibration.

Each net is loaded once, as a camera does when it starts. The check only reads. It exits with 0 when
everything agrees, and with 1 and one sentence when something differs.
Most of these sentences are those of `recognition.interpreter`, which a camera gives as well.
"""

import sys

from models import FOLDER
from recognition.errors import ModelRefused
from recognition.interpreter import Net, read_net
from recognition.manifest import load_manifest


def main() -> None:
    """Load every net of the manifest, and print the digests."""
    try:
        manifest = load_manifest(FOLDER)
        for file in manifest.files:
            read_net(FOLDER, file)
        for entry in manifest.entries:
            Net.load(FOLDER, entry)
    except ModelRefused as error:
        sys.exit(str(error))
    named = {file.file for file in manifest.files}
    if strays := sorted({path.name for path in FOLDER.glob("*.tflite")} - named):
        sys.exit(f"The manifest does not name {', '.join(strays)}: add or remove these files.")
    for file in manifest.files:
        print(f"{file.digest.hex()}  {file.file}")
    print(f"{manifest.model_digest.hex()}  model (the digest that a list names)")


if __name__ == "__main__":
    main()
