"""What the paper's experts are called, in packs and in the reference's files, and what they give.

Names: packs, data sets and commands say `vggish`, `vggsound`, `inst`, `scene`, `r2p1d`, `speech`. The
reference's configurations, checkpoints and feature archives have names of their own, and its models order
experts by those (reference fact 1.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ExpertFacts:
    """One expert (reference facts 1.1 and 5).

    `dim` is the width of a feature vector. With `clusters` a clip is a sequence [tokens, dim] that NetVLAD
    pools to that many clusters; without (0) it is one vector [dim], averaged over time when features were
    extracted.
    """

    name: str
    reference_name: str
    modality: str  # "audio", "visual" or "speech"
    dim: int
    clusters: int = 0
    ghosts: int = 0

    @property
    def aggregation(self) -> str:
        """As in a pack's manifest: "sequence" or "average"."""
        return "sequence" if self.clusters else "average"


EXPERTS = {
    facts.name: facts
    for facts in (
        ExpertFacts("vggish", "audio", "audio", 128, clusters=16),
        ExpertFacts("inst", "imagenet.resnext101_32x48d.0", "visual", 2048),
        ExpertFacts("r2p1d", "r2p1d.r2p1d-ig65m.0", "visual", 512),
        ExpertFacts("scene", "scene.densenet161.0", "visual", 2208),
        ExpertFacts("speech", "speech", "speech", 300, clusters=32, ghosts=1),
        ExpertFacts("vggsound", "vggsound", "audio", 512, clusters=16),
    )
}
_BY_REFERENCE_NAME = {facts.reference_name: facts for facts in EXPERTS.values()}


def expert_facts(name: str) -> ExpertFacts:
    """The expert of a name, ours or the reference's. Raises KeyError with the known names for another."""
    facts = EXPERTS.get(name) or _BY_REFERENCE_NAME.get(name)
    if facts is None:
        raise KeyError(f"no expert is called {name!r}; there are {', '.join(EXPERTS)}")
    return facts


def reference_name(name: str) -> str:
    """What the reference calls an expert, which may be named in its way or in ours. An expert that is not the
    paper's keeps its name."""
    facts = EXPERTS.get(name)
    return facts.reference_name if facts else name


def in_model_order(names: Iterable[str]) -> list[str]:
    """Experts in the order of the reference's models: by its names, sorted as strings (fact 1.1)."""
    return sorted(names, key=reference_name)
