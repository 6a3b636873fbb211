"""The nets of a run: open the signed bundle on the Edge TPU, or on the processor if allowed.

The policy decides whether the processor may run the nets, and which evaluation they must have. No
frame is looked at before it has been asked.
"""

from collections.abc import Callable
from typing import TypeAlias

from firmware.config import Config
from firmware.errors import AcceleratorMissing, NetsNotJudged, ProcessorRefused
from firmware.hardware.accelerator import open_with_retry
from formats.keyfile import Purpose
from formats.model_bundle import verify_bundle
from formats.policy import Policy
from formats.public_key_file import read_public_key
from formats.public_keys import signing_key
from recognition.errors import ModelRefused
from recognition.eye import Eye
from recognition.interpreter import Accelerator
from recognition.manifest import Manifest

OpenEye: TypeAlias = Callable[[Accelerator], Eye]
"""Opens the nets on an accelerator, or on the processor."""


def open_eye(config: Config, accelerator: Accelerator) -> Eye:
    """Return the nets of the bundle that the configuration names; there is no other way to nets.

    Raises:
        FormatError: there is no bundle, or the key of this image has not signed it.
        ModelRefused: a net is missing or has another digest, or the accelerator does not answer.
        AcceleratorMissing: it is not plugged in.
    """
    trusted = signing_key(read_public_key(config.model_key, Purpose.MODEL).public)
    bundle = verify_bundle(config.models, trusted)
    if accelerator is Accelerator.EDGE_TPU:
        return open_with_retry(lambda: Eye.load(bundle, accelerator))
    return Eye.load(bundle, accelerator)


def open_nets(opener: OpenEye, wanted: str) -> tuple[Eye, AcceleratorMissing | None]:
    """Return the nets; without an accelerator on the processor, with the error that says so.

    Args:
        opener: opens them, such as `open_eye`.
        wanted: `accelerator` of the configuration.

    Raises:
        AcceleratorMissing: there is none, and the nets run on nothing else.
    """
    try:
        return opener(Accelerator(wanted)), None
    except AcceleratorMissing as missing:
        try:
            return opener(Accelerator.CPU), missing
        except ModelRefused:  # Nets that were compiled for the accelerator.
            raise missing from None


def check_processor(wanted: str, missing: AcceleratorMissing | None, policy: Policy) -> None:
    """Refuse nets that run on the processor although the policy does not allow it.

    Raises:
        AcceleratorMissing: the accelerator is missing.
        ProcessorRefused: the configuration names the processor.
    """
    if policy.processor:
        return
    if missing:
        raise missing
    if Accelerator(wanted) is Accelerator.CPU:
        raise ProcessorRefused(
            "The policy does not let the nets run on the processor: set accelerator = "
            "'edge-tpu' in camera.toml, or ask for a policy with processor = true."
        )


def check_evaluation(manifest: Manifest, policy: Policy) -> None:
    """Refuse nets that were not evaluated as the policy demands.

    Raises:
        NetsNotJudged: the policy names evaluations, and theirs is none of them.
    """
    if policy.evaluations and manifest.evaluation_digest not in policy.evaluations:
        raise NetsNotJudged(
            "The policy demands another evaluation of the nets than theirs: put a bundle with that "
            "evaluation on this camera."
        )
