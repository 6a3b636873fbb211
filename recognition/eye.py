"""Detector and embedder together, as one verified bundle gives them."""

from dataclasses import dataclass

from formats.modelbundle import VerifiedBundle
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.interpreter import Accelerator
from recognition.manifest import Manifest, read_manifest


@dataclass(frozen=True, slots=True)
class Eye:
    """Everything that turns pixels into faces and faces into templates."""

    manifest: Manifest
    detector: Detector
    embedder: Embedder

    @classmethod
    def load(cls, bundle: VerifiedBundle, accelerator: Accelerator = Accelerator.CPU) -> "Eye":
        """Return the eye whose nets somebody trusted vouches for.

        Raises:
            ModelRefused: the manifest or a net is not what it must be.
        """
        manifest = read_manifest(bundle.manifest)
        return cls(
            manifest,
            Detector.load(bundle.folder, manifest.detectors, accelerator),
            Embedder.load(bundle.folder, manifest.embedder, accelerator),
        )
