"""Detector and embedder of one verified model bundle, loaded together."""

from dataclasses import dataclass

from formats.model_bundle import VerifiedBundle
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.interpreter import Accelerator
from recognition.manifest import Manifest, read_manifest


@dataclass(frozen=True, slots=True)
class Eye:
    """The nets of one bundle: pixels to faces, and faces to templates."""

    manifest: Manifest
    detector: Detector
    embedder: Embedder

    @classmethod
    def load(cls, bundle: VerifiedBundle, accelerator: Accelerator = Accelerator.CPU) -> "Eye":
        """Load the nets of a bundle whose signature was verified.

        Raises:
            ModelRefused: the manifest or a net is missing, altered or wrong.
        """
        manifest = read_manifest(bundle.manifest)
        return cls(
            manifest,
            Detector.load(bundle.folder, manifest.detectors, accelerator),
            Embedder.load(bundle.folder, manifest.embedder, accelerator),
        )
