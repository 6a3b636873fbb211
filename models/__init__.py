"""The nets, their manifest, and the tools that derive, check, compile and evaluate them.

Beside this file lie the nets (`*.tflite`), `manifest.toml`, `evaluation.json` and the two model
cards. The tools run on a developer's machine, as `python -m models.<tool>`; `make` has a target for
each. A camera gets the nets and the manifest, and none of this code. Imports: `recognition` and
`formats`; no other package imports from here.
"""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
"""Where the nets, their manifest and their evaluation are."""
