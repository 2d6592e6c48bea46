"""Builds an expert by its name."""

import inspect
from typing import Any

from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.errors import SettingsError
from earshot_training.experts.expert import Expert
from earshot_training.experts.vggish import VGGish
from earshot_training.experts.vggsound import VGGSound
from earshot_training.experts.visual import R2P1D, Inst, Scene

NETWORKS: dict[str, type[Expert]] = {kind.name: kind for kind in (VGGish, VGGSound, Inst, Scene, R2P1D)}
_INTERNAL = ("self", "device")


def expert_settings(name: str) -> dict[str, Any]:
    """The settings of an expert with their defaults. Raises SettingsError where the name is unknown."""
    kind = NETWORKS.get(name)
    if kind is None:
        why = "is made of a transcript's words, by no network" if name in EXPERTS else "is unknown"
        raise SettingsError(f"expected an expert of {', '.join(NETWORKS)}; {name!r} {why}")
    parameters = inspect.signature(kind.__init__).parameters
    return {key: value.default for key, value in parameters.items() if key not in _INTERNAL}


def build_expert(name: str, **settings: Any) -> Expert:
    """An expert in eval mode with PyTorch's initial weights; `weights.load_expert` gives it the public ones.

    Audio: waveform [B, n] -> [B, tokens, dim]; visual: frames uint8 [B, F, H, W, 3] -> [B, tokens, dim].
    `device="meta"` builds it without weights. Raises SettingsError for a setting that it does not have.
    """
    known = expert_settings(name)
    for key in settings:
        if key not in known and key != "device":
            raise SettingsError(f"{name} has no setting {key}; it has {', '.join(known)}")
    try:
        return NETWORKS[name](**settings).eval()
    except TypeError as error:
        raise SettingsError(f"{name}: a setting is of the wrong kind ({error})") from None
