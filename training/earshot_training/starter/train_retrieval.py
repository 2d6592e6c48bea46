"""Training of the starter's retrieval model (CE, two experts) on features of the trained experts.

A batch is scenes of the pool and segments of the plain clips, each with a freshly drawn caption. The loss is
the paper's max-margin ranking loss plus a softmax over the batch; a scene that holds every sound a caption
speaks of is never its negative. The epoch with the best mAP on `val` is kept.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..loss import max_margin_ranking_loss
from ..model import CENet
from ..optim import Ranger
from ..vocabulary import Vocabulary
from .captions import Captions
from .config import StarterConfig
from .scenes import SINGLE
from .segments import Segments


@dataclass
class Example:
    """One row a caption can be drawn for: which sounds it holds, from which clips."""

    form: str
    kinds: list[str]
    clips: list[str]


def word_matrix(texts: list[str], vocabulary: Vocabulary, limit: int, rng: np.random.Generator | None = None) -> Tensor:
    """[texts, limit, dim] word vectors, zero after the last word; with `rng`, words are dropped or replaced by neighbours."""
    out = np.zeros((len(texts), limit, vocabulary.dim), np.float32)
    for row, text in enumerate(texts):
        numbers = vocabulary.rows(text)
        if rng is not None and len(numbers) > 1:
            kept = [n for n in numbers if rng.random() > 0.08]
            numbers = kept or numbers
            numbers = [vocabulary.random_neighbour(n, rng) if rng.random() < 0.12 else n for n in numbers]
        numbers = numbers[:limit]
        if numbers:
            out[row, : len(numbers)] = vocabulary.vectors[numbers]
    return torch.from_numpy(out)


def build_model(config: StarterConfig, word_dim: int, vggsound_dim: int) -> CENet:
    """The untrained retrieval model of the starter pack."""
    return CENet(
        experts={
            "vggish": {"dim": config.vggish_dim, "clusters": config.audio_clusters},
            "vggsound": {"dim": vggsound_dim, "clusters": config.audio_clusters},
        },
        text_dim=word_dim,
        text_clusters=config.text_clusters,
        shared_dim=config.shared_dim,
        variant="ce",
    )


def hide_tail(vggish: Tensor, vggsound: Tensor, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Shortens some rows in place to what a clip of 1 to 3 VGGish windows gives: zero tokens at the end."""
    windows, per_window = vggish.shape[1], vggsound.shape[1] // 2
    for row in rows:
        keep = int(rng.integers(1, windows))
        vggish[row, keep:] = 0
        vggsound[row, -(-keep // 2) * per_window :] = 0


@torch.no_grad()
def embed_segments(model: CENet, segments: Segments) -> Tensor:
    """Segments -> flat vectors concat_e(a_e V_e) [n, E * D] (architecture section 5)."""
    model.eval()
    parts = []
    for start in range(0, len(segments.clip), 1024):
        pick = slice(start, start + 1024)
        features = {"vggish": segments.vggish[pick], "vggsound": segments.vggsound[pick]}
        parts.append(torch.cat(list(model.encode_clip(features, segments.availability[pick]).values()), 1))
    return torch.cat(parts)


@torch.no_grad()
def embed_queries(model: CENet, texts: list[str], vocabulary: Vocabulary, config: StarterConfig) -> Tensor:
    """Queries -> flat vectors concat_e(w_e T_e) [n, E * D], for segments with every expert."""
    model.eval()
    embeddings, weights = model.encode_text(word_matrix(texts, vocabulary, config.word_limit))
    return torch.cat([weights[:, i : i + 1] * embedding for i, embedding in enumerate(embeddings.values())], 1)


def clip_scores(queries: Tensor, vectors: Tensor, clip: np.ndarray, clips: int) -> Tensor:
    """[queries, clips]: a clip scores as its best segment does; a clip without segments scores -1."""
    scores = torch.full((len(queries), clips), -1.0)
    index = torch.from_numpy(clip).expand(len(queries), -1)
    return scores.scatter_reduce(1, index, queries @ vectors.T, "amax")


def kind_queries(labels: list[list[str]], captions: dict[str, list[str]], least: int) -> tuple[list[str], Tensor]:
    """The kinds with at least `least` clips, and their relevance [kinds, clips]."""
    kinds = sorted({label for row in labels for label in row if sum(label in other for other in labels) >= least and label in captions})
    return kinds, torch.tensor([[kind in row for row in labels] for kind in kinds])


def mean_average_precision(scores: Tensor, relevant: Tensor) -> Tensor:
    """Average precision per query; ties are broken by position."""
    order = scores.argsort(1, descending=True, stable=True)
    hit = relevant.gather(1, order).double()
    precision = hit.cumsum(1) / torch.arange(1, hit.shape[1] + 1)
    return (precision * hit).sum(1) / hit.sum(1)


def train_retrieval(
    examples: list[Example],
    pool_features: tuple[Tensor, Tensor],
    clip_segments: Segments,
    clip_examples: list[Example],
    captions: Captions,
    vocabulary: Vocabulary,
    config: StarterConfig,
    validation,
    folder: Path,
    epochs: int = 24,
    batch: int = 256,
    lr: float = 1e-3,
    optimiser_name: str = "adamw",
    softmax_weight: float = 1.0,
    margin_weight: float = 1.0,
    temperature: float = 0.06,
    weight_decay: float = 0.05,
    dropout: float = 0.1,
    noise: float = 0.05,
) -> tuple[CENet, float]:
    """Trains and returns the best model and its mAP on `val`. `validation(model) -> float`."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng([config.seed, 29])
    model = build_model(config, vocabulary.dim, pool_features[1].shape[-1])
    if optimiser_name == "ranger":
        optimiser = Ranger(model.parameters(), lr=lr, weight_decay=1e-3)
    else:
        optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    of_clip = [np.flatnonzero(clip_segments.clip == number) for number in range(len(clip_examples))]
    heard = [number for number, rows in enumerate(of_clip) if len(rows)]
    per_epoch = len(examples) // 2
    steps = (per_epoch + 2 * len(heard)) // batch * epochs
    step, best, best_model = 0, -1.0, None
    bar = tqdm(total=steps, desc="retrieval")
    for epoch in range(epochs):
        order = [(0, int(i)) for i in rng.permutation(len(examples))[:per_epoch]]
        order += [(1, number) for number in heard for _ in range(2)]
        order = [order[i] for i in rng.permutation(len(order))]
        model.train()
        total = 0.0
        for start in range(0, len(order) - batch + 1, batch):
            picked = order[start : start + batch]
            rows = [examples[i] if source == 0 else clip_examples[i] for source, i in picked]
            vggish = torch.stack(
                [pool_features[0][i] if source == 0 else clip_segments.vggish[rng.choice(of_clip[i])] for source, i in picked]
            )
            chosen = [rng.choice(of_clip[i]) if source else -1 for source, i in picked]
            vggish = torch.stack([clip_segments.vggish[c] if c >= 0 else pool_features[0][i] for c, (_, i) in zip(chosen, picked)])
            vggsound = torch.stack([clip_segments.vggsound[c] if c >= 0 else pool_features[1][i] for c, (_, i) in zip(chosen, picked)])
            shorten = [r for r, row in enumerate(rows) if row.form == SINGLE and chosen[r] < 0 and rng.random() < 0.25]
            hide_tail(vggish, vggsound, np.array(shorten, int), rng)
            if noise:
                vggish = vggish + noise * vggish.std() * torch.randn_like(vggish) * (vggish != 0)
                vggsound = vggsound + noise * vggsound.std() * torch.randn_like(vggsound) * (vggsound != 0)
            if dropout:
                vggish = vggish * (torch.rand(batch, 1, vggish.shape[2]) > dropout)
                vggsound = vggsound * (torch.rand(batch, 1, vggsound.shape[2]) > dropout)
            drawn = [captions.draw(row.form, row.kinds, row.clips, rng) for row in rows]
            words = word_matrix([text for text, _ in drawn], vocabulary, config.word_limit, rng)
            available = torch.ones(batch, 2)
            missing = torch.rand(batch) < 0.05
            available[missing, torch.randint(0, 2, (int(missing.sum()),))] = 0
            embeddings = model.encode_clip({"vggish": vggish, "vggsound": vggsound}, available)
            text, weights = model.encode_text(words)
            similarity = model.similarity(text, weights, embeddings, available)
            # also_right[i, j]: scene j holds every sound that caption i speaks of.
            held = [frozenset(row.kinds) for row in rows]
            also_right = torch.tensor([[named <= sounds for sounds in held] for _, named in drawn])
            also_right |= torch.eye(batch, dtype=torch.bool)
            loss = torch.zeros(())
            if margin_weight:
                loss = loss + margin_weight * 10 * max_margin_ranking_loss(similarity, config.margin, ignore=also_right)
            if softmax_weight:
                loss = loss + softmax_weight * _softmax_loss(similarity / temperature, also_right)
            for group in optimiser.param_groups:
                warm = min(1.0, (step + 1) / 100)
                group["lr"] = lr * warm * (0.5 + 0.5 * np.cos(np.pi * step / steps)) if optimiser_name != "ranger" else lr * 0.95**epoch
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            total += loss.item()
            step += 1
            bar.update()
        figure = validation(model)
        row = {"epoch": epoch, "loss": total / max(1, len(order) // batch), "val_map": figure}
        tqdm.write(json.dumps(row))
        with (folder / "retrieval.log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        if figure >= best:
            best, best_model = figure, copy.deepcopy(model)
    return best_model, best


def _softmax_loss(logits: Tensor, also_right: Tensor) -> Tensor:
    """Cross entropy over the batch in both directions; other right answers are left out of the denominators."""
    size = len(logits)
    masked = logits.masked_fill(also_right & ~torch.eye(size, dtype=torch.bool), float("-inf"))
    target = torch.arange(size)
    return (F.cross_entropy(masked, target) + F.cross_entropy(masked.T, target)) / 2
