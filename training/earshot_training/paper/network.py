"""The retrieval model of a configuration, sized by the data set."""

from earshot_training.datasets import Dataset
from earshot_training.experts.catalogue import EXPERTS, in_model_order, reference_name
from earshot_training.model import CENet, ExpertInput
from earshot_training.paper.config import Config

CLUSTERS = 16  # of an expert that is not the paper's: as for its audio experts


def expert_input(dataset: Dataset, expert: str) -> ExpertInput:
    """What an expert gives. The data set's width and aggregation count, not the catalogue's."""
    features = dataset.experts[expert]
    if features.aggregation == "average":
        return ExpertInput(features.dim)
    facts = EXPERTS.get(expert)
    if facts is None or not facts.clusters:
        return ExpertInput(features.dim, CLUSTERS)
    return ExpertInput(features.dim, facts.clusters, facts.ghosts)


def variant(config: Config, experts: list[str]) -> str:
    """The variant of `CENet`: what the paper's tables call CE of one expert has no collaborative gating."""
    return "single" if config.model == "ce" and len(experts) == 1 else config.model


def build_network(config: Config, dataset: Dataset, experts: list[str], word_dim: int) -> CENet:
    """The untrained model. Its modules are named as in the reference's checkpoints."""
    return CENet(
        {reference_name(name): expert_input(dataset, name) for name in in_model_order(experts)},
        variant(config, experts),
        text_dim=word_dim,
        text_clusters=config.text_clusters,
        text_ghosts=config.text_ghosts,
        shared_dim=config.shared_dim,
    )
