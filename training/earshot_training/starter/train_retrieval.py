"""Training of the starter's retrieval model (CE, two experts) on features of the trained experts.

A batch is scenes of the pool and segments of the plain clips, each with a freshly drawn caption. The loss is
the paper's max-margin ranking loss plus a softmax over the batch; a scene that holds every sound a caption
speaks of is never its negative. The epoch with the best mAP on `val` is kept.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from earshot_training.loss import max_margin_ranking_loss
from earshot_training.model import CENet
from earshot_training.optim import Ranger
from earshot_training.starter.batches import Batch, Batches, Example
from earshot_training.starter.captions import Captions
from earshot_training.starter.config import StarterConfig
from earshot_training.starter.segments import Segments
from earshot_training.vocabulary import Vocabulary


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
    embeddings, weights = model.encode_text(torch.from_numpy(vocabulary.embed(texts, config.word_limit)))
    return torch.cat(
        [weights[:, i : i + 1] * embedding for i, embedding in enumerate(embeddings.values())], 1
    )


def clip_scores(queries: Tensor, vectors: Tensor, clip: np.ndarray, clips: int) -> Tensor:
    """[queries, clips]: a clip scores as its best segment does; a clip without segments scores -1."""
    scores = torch.full((len(queries), clips), -1.0)
    index = torch.from_numpy(clip).expand(len(queries), -1)
    return scores.scatter_reduce(1, index, queries @ vectors.T, "amax")


def train_retrieval(
    examples: list[Example],
    pool_features: tuple[Tensor, Tensor],
    clip_segments: Segments,
    clip_examples: list[Example],
    captions: Captions,
    vocabulary: Vocabulary,
    fixed: set[str],
    config: StarterConfig,
    validation: Callable[[CENet], float],
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
    """Trains and returns the best model and its mAP on `val`.

    `examples` describe the rows of `pool_features` (vggish, vggsound); `clip_examples` the recordings of
    `clip_segments`. `fixed`: words that `varied_words` must not bring in. `optimiser_name`: "adamw" or the
    paper's "ranger". `dropout` of feature channels, `noise` in standard deviations. A run that was stopped
    goes on after its last whole epoch, if its settings are the same.
    """
    settings = RetrievalSettings(
        epochs,
        batch,
        lr,
        optimiser_name,
        softmax_weight,
        margin_weight,
        temperature,
        weight_decay,
        dropout,
        noise,
    )
    torch.manual_seed(config.seed)
    rng = np.random.default_rng([config.seed, 29])
    batches = Batches(
        examples, pool_features, clip_segments, clip_examples, captions, vocabulary, fixed, config
    )
    model = build_model(config, vocabulary.dim, pool_features[1].shape[-1])
    training = RetrievalTraining(model, settings, config, batches.per_epoch(batch) * epochs)
    checkpoint = folder / "retrieval.checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint, rng)
    bar = tqdm(total=training.steps, initial=training.step, desc="retrieval")
    for epoch in range(training.epoch, epochs):
        model.train()
        total = 0.0
        for picked in batches.draw_epoch(batch, rng):
            total += training.take_step(batches.make(picked, dropout, noise, rng))
            bar.update()
        figure = validation(model)
        row = {"epoch": epoch, "loss": total / max(1, batches.per_epoch(batch)), "val_map": figure}
        tqdm.write(json.dumps(row))
        with (folder / "retrieval.log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        training.end_epoch(figure)
        training.save(checkpoint, rng)
    bar.close()
    checkpoint.unlink(missing_ok=True)
    return training.best_model, training.best


@dataclass(frozen=True)
class RetrievalSettings:
    """How the retrieval model is trained; the fields are `train_retrieval`'s arguments."""

    epochs: int
    batch: int
    lr: float
    optimiser_name: str
    softmax_weight: float
    margin_weight: float
    temperature: float
    weight_decay: float
    dropout: float
    noise: float


class RetrievalTraining:
    """The state of a training: model, optimiser, steps and epochs taken, the best model so far."""

    def __init__(self, model: CENet, settings: RetrievalSettings, config: StarterConfig, steps: int):
        self.model, self.settings, self.margin, self.steps = model, settings, config.margin, steps
        if settings.optimiser_name == "ranger":
            self.optimiser = Ranger(model.parameters(), lr=settings.lr, weight_decay=1e-3)
        else:
            self.optimiser = torch.optim.AdamW(
                model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
            )
        self.step, self.epoch = 0, 0
        self.best, self.best_model = -1.0, model

    def take_step(self, batch: Batch) -> float:
        """One step of the optimiser; returns the loss."""
        loss = self._loss(batch)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimiser.step()
        self.step += 1
        return loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        settings = self.settings
        embeddings = self.model.encode_clip(batch.features, batch.available)
        text, weights = self.model.encode_text(batch.words)
        similarity = self.model.similarity(text, weights, embeddings, batch.available)
        loss = torch.zeros(())
        if settings.margin_weight:
            ranking = max_margin_ranking_loss(similarity, self.margin, ignore=batch.also_right)
            loss = loss + settings.margin_weight * 10 * ranking
        if settings.softmax_weight:
            softmax = _softmax_loss(similarity / settings.temperature, batch.also_right)
            loss = loss + settings.softmax_weight * softmax
        return loss

    def _rate(self) -> float:
        """AdamW: a rise over 100 steps on half a cosine down to zero; Ranger: 5 % less each epoch."""
        if self.settings.optimiser_name == "ranger":
            return self.settings.lr * 0.95**self.epoch
        warm = min(1.0, (self.step + 1) / 100)
        return self.settings.lr * warm * (0.5 + 0.5 * float(np.cos(np.pi * self.step / self.steps)))

    def end_epoch(self, figure: float) -> None:
        """Counts an epoch; keeps the model if none before had a better figure."""
        self.epoch += 1
        if figure >= self.best:
            self.best, self.best_model = figure, copy.deepcopy(self.model)

    def _fingerprint(self) -> str:
        return json.dumps([vars(self.settings), self.steps])

    def save(self, checkpoint: Path, rng: np.random.Generator) -> None:
        """Writes all that the training goes on from, the state of the random numbers included."""
        state = {
            "fingerprint": self._fingerprint(),
            "model": self.model.state_dict(),
            "best_model": self.best_model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "epoch": self.epoch,
            "best": self.best,
            "numpy": json.dumps(rng.bit_generator.state),
            "torch": torch.get_rng_state(),
        }
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)

    def load(self, checkpoint: Path, rng: np.random.Generator) -> None:
        """Takes up what `save` wrote, unless it was made with other settings."""
        state = torch.load(checkpoint, weights_only=True)
        if state["fingerprint"] != self._fingerprint():
            return
        self.best_model = copy.deepcopy(self.model)
        self.best_model.load_state_dict(state["best_model"])
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.epoch, self.best = state["step"], state["epoch"], state["best"]
        rng.bit_generator.state = json.loads(state["numpy"])
        torch.set_rng_state(state["torch"])


def _softmax_loss(logits: Tensor, also_right: Tensor) -> Tensor:
    """Cross entropy over the batch in both directions; other right answers leave the denominators."""
    size = len(logits)
    masked = logits.masked_fill(also_right & ~torch.eye(size, dtype=torch.bool), float("-inf"))
    target = torch.arange(size)
    return (F.cross_entropy(masked, target) + F.cross_entropy(masked.T, target)) / 2
