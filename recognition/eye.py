"""Detector and embedder together, as one folder of verified nets gives them."""

from dataclasses import dataclass
from pathlib import Path

from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.interpreter import Accelerator
from recognition.manifest import Manifest, load_manifest


@dataclass(frozen=True, slots=True)
class Eye:
    """Everything that turns pixels into faces and faces into templates."""

    manifest: Manifest
    detector: Detector
    embedder: Embedder

    @classmethod
    def load(cls, folder: Path, accelerator: Accelerator = Accelerator.CPU) -> "Eye":
        """Return the eye whose nets and manifest lie in `folder`.

        Raises:
            ModelRefused: a net or the manifest is not what it must be.
        """
        manifest = load_manifest(folder)
        return cls(
            manifest,
            Detector.load(folder, manifest.detectors, accelerator),
            Embedder.load(folder, manifest.embedder, accelerator),
        )
