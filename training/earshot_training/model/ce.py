"""CENet: the retrieval model in the paper's three variants (reference facts 1.1 to 1.5).

- "ce": two or more experts, reduced to a shared size, gated by each other (pairwise collaborative gating).
- "single": one expert, reduced to the shared size and gated by itself. The paper's tables call it CE, too.
- "moee": mixture of embedded experts; each expert keeps its own size and is gated by itself.

Shapes: B clips, Q captions, E experts, D_e the size of expert e's embedding. Parameters are named and
ordered as in the reference's checkpoints, so that those load strictly. Experts are in the order of the
mapping they are given in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from earshot_training.model.gating import CollaborativeGate, GatedUnit, ReduceDim, SelfGate
from earshot_training.model.netvlad import NetVLAD

VARIANTS = ("ce", "single", "moee")


@dataclass(frozen=True)
class ExpertInput:
    """What one expert gives for a clip.

    With `clusters` it is a sequence of vectors [tokens, dim], which NetVLAD pools; without (0) one vector
    [dim], averaged over time beforehand.
    """

    dim: int
    clusters: int = 0
    ghosts: int = 0

    @property
    def pooled_dim(self) -> int:
        return self.dim * self.clusters if self.clusters else self.dim


@dataclass(frozen=True)
class Output:
    """What a forward pass gives. Mappings are by expert name.

    `clip` [B, D_e] is zero where the expert is missing; `text` [Q, D_e]; `weights` [Q, E] are not yet
    renormalised over the experts a clip has; `similarity` [Q, B].
    """

    clip: dict[str, Tensor]
    text: dict[str, Tensor]
    weights: Tensor
    similarity: Tensor


class Heads(nn.Module):
    """Everything behind the pooling: dimension reduction, gates, and the weights of the experts."""

    def __init__(self, variant: str, pooled_dims: list[int], embedding_dims: list[int], text_dim: int):
        super().__init__()
        self.moe_fc = nn.Linear(text_dim, len(pooled_dims))
        sizes = list(zip(pooled_dims, embedding_dims, strict=True))
        if variant == "moee":
            self.video_GU = nn.ModuleList(GatedUnit(*size) for size in sizes)
        else:
            self.video_dim_reduce = nn.ModuleList(ReduceDim(*size) for size in sizes)
            if variant == "ce":
                shared = embedding_dims[0]
                self.g_reason_1 = nn.Linear(2 * shared, shared)
                self.g_reason_shared = nn.Sequential(*_mish_block(shared), *_mish_block(shared))
            gate = CollaborativeGate if variant == "ce" else SelfGate
            self.video_GU = nn.ModuleList(gate(dim) for dim in embedding_dims)
        self.text_GU = nn.ModuleList(GatedUnit(text_dim, dim) for dim in embedding_dims)
        self.variant = variant

    def clip(self, pooled: list[Tensor], availability: Tensor) -> list[Tensor]:
        """Pooled experts [B, pooled_dim] in order, and availability [B, E] -> their embeddings [B, D_e]."""
        if self.variant == "moee":
            return [gate(x) for gate, x in zip(self.video_GU, pooled, strict=True)]
        reduced = [reduce(x) for reduce, x in zip(self.video_dim_reduce, pooled, strict=True)]
        if self.variant == "single":
            return [self.video_GU[0](reduced[0])]
        return self._gate_collaboratively(reduced, availability)

    def _gate_collaboratively(self, x: list[Tensor], availability: Tensor) -> list[Tensor]:
        """Gates the experts in place and in sequence: expert i sees those before it as already gated."""
        x = list(x)
        for i, gate in enumerate(self.video_GU):
            # [B, E]: 1 where experts i and j are both there; j = i counts.
            both = availability * availability[:, i : i + 1]
            total = sum(both[:, j : j + 1] * self._relate(x[i], x[j]) for j in range(len(x)))
            # Zero where expert i is missing. The reference adds 1e-11, which the ONNX exporter would drop.
            mask = total / both.sum(dim=1, keepdim=True).clamp(min=1.0)
            x[i] = gate(x[i], mask)
        return x

    def _relate(self, first: Tensor, second: Tensor) -> Tensor:
        """The network G, shared by all pairs of experts: two [B, D] -> [B, D]."""
        return self.g_reason_shared(self.g_reason_1(torch.cat([first, second], dim=1)))

    def text(self, pooled: Tensor) -> tuple[list[Tensor], Tensor]:
        """Pooled words [Q, text_dim] -> an embedding [Q, D_e] per expert, and the experts' weights [Q, E]."""
        return [gate(pooled) for gate in self.text_GU], self.moe_fc(pooled).softmax(dim=1)


def _mish_block(dim: int) -> list[nn.Module]:
    return [nn.BatchNorm1d(dim), nn.Mish(), nn.Linear(dim, dim)]


class CENet(nn.Module):
    """The whole retrieval model. Sizes default to the paper's (reference fact 1.1).

    `experts` maps a name to an `ExpertInput`, or to the keyword arguments of one. The shared size is not
    used by "moee". Raises ValueError for a variant that does not fit the number of experts.
    """

    def __init__(
        self,
        experts: Mapping[str, ExpertInput | Mapping[str, Any]],
        variant: str = "ce",
        text_dim: int = 300,
        text_clusters: int = 20,
        text_ghosts: int = 1,
        shared_dim: int = 768,
    ):
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"variant {variant!r} is none of {', '.join(VARIANTS)}")
        if (variant == "ce" and len(experts) < 2) or (variant == "single" and len(experts) != 1):
            raise ValueError(
                f"variant {variant!r} does not fit {len(experts)} expert(s): use 'single' for one"
            )
        self.variant = variant
        self.experts = {
            name: spec if isinstance(spec, ExpertInput) else ExpertInput(**spec)
            for name, spec in experts.items()
        }
        self.pooling = nn.ModuleDict(
            {name: NetVLAD(e.dim, e.clusters, e.ghosts) for name, e in self.experts.items() if e.clusters}
        )
        self.text_pooling = NetVLAD(text_dim, text_clusters, text_ghosts)
        self.embedding_dims = {n: e.dim if variant == "moee" else shared_dim for n, e in self.experts.items()}
        pooled_dims = [expert.pooled_dim for expert in self.experts.values()]
        embedding_dims = list(self.embedding_dims.values())
        self.ce = Heads(variant, pooled_dims, embedding_dims, self.text_pooling.output_dim)

    def encode_clip(self, features: Mapping[str, Tensor], availability: Tensor) -> dict[str, Tensor]:
        """Experts' features -> clip embeddings [B, D_e], L2-normalised, zero where the expert is missing.

        features: per expert [B, tokens, dim], zero rows after the last token, or [B, dim] where the expert
        is averaged. A missing expert's rows may hold anything, NaN too. availability: [B, E], 1 present, 0
        missing.
        """
        present = [availability[:, i : i + 1] for i in range(len(self.experts))]
        pooled = []
        for name, there in zip(self.experts, present, strict=True):
            x = features[name]
            x = torch.where(there.reshape(-1, *[1] * (x.ndim - 1)) > 0, x, 0.0)
            pooled.append(self.pooling[name](x) if name in self.pooling else x)
        embeddings = self.ce.clip(pooled, availability)
        return {n: x * there for n, x, there in zip(self.experts, embeddings, present, strict=True)}

    def encode_text(self, words: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Word vectors [Q, words, text_dim], zero rows after the last word -> text embeddings [Q, D_e],
        weights [Q, E]."""
        embeddings, weights = self.ce.text(self.text_pooling(words))
        return dict(zip(self.experts, embeddings, strict=True)), weights

    @staticmethod
    def similarity(
        text: Mapping[str, Tensor], weights: Tensor, clip: Mapping[str, Tensor], availability: Tensor
    ) -> Tensor:
        """Similarity [Q, B]: the experts' inner products, weighted by the text over the experts the clip has.

        s(q, v) = sum_e w_e(q) a_e(v) <T_e(q), V_e(v)> / sum_e w_e(q) a_e(v); 0 for a clip without any expert.
        """
        weighted = [
            weights[:, i : i + 1] * availability[:, i] * (text[name] @ clip[name].T)
            for i, name in enumerate(text)
        ]
        total = weights @ availability.T  # [Q, B]
        return sum(weighted) / (total + (total == 0))

    def forward(self, features: Mapping[str, Tensor], availability: Tensor, words: Tensor) -> Output:
        """Clips and texts -> embeddings, weights and every text's similarity to every clip."""
        clip = self.encode_clip(features, availability)
        text, weights = self.encode_text(words)
        return Output(clip, text, weights, self.similarity(text, weights, clip, availability))
