"""The identity of a model that is chosen, and what computes here."""

from __future__ import annotations

from contextlib import suppress

from pipeline.planner.loading import find_planner
from pipeline.weights import checkpoint
from pipeline.weights.identity import FileDigests, ModelIdentity, identify

from ..engine.model_state import ModelChoice
from ..settings import Settings


class Identities:
    """Of the models on this machine, with a machine's settings. The files are read once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._digests = FileDigests(settings.state)

    def read(self, choice: ModelChoice) -> ModelIdentity:
        """Takes seconds for a large model. Raises `CheckpointError` where it is not on this
        machine, and OSError.
        """
        settings = self._settings
        found = checkpoint.find(choice.model, choice.variant, settings.pinned_revision)
        planner = None
        with suppress(checkpoint.CheckpointError):
            planner = find_planner(found.dit.parent, settings.planner)
        return identify(
            found,
            self._digests,
            bits=settings.bits,
            planner=planner,
            adapters=choice.adapters,
        )


def describe_device() -> dict[str, str]:
    """`device` as people read it, and its `kind`: takes of one kind are the same to the last
    bit, or nearly.
    """
    import platform

    from pipeline import device

    gpu = "Metal" if platform.system() == "Darwin" else "CUDA"
    return {"device": device.name_device(), "kind": "CPU" if device.is_cpu() else gpu}
