"""The starter pack measured the way the product searches: a clip scores as its best segment does.

Queries are the kinds with at least three clips in the split; a clip is relevant when it carries the kind's
label.
Beside the pack stand YAMNet zero-shot (the query's mean word vector matched to class names, the class's mean
probability over the clip is the score) and chance (the expectation over random orders).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from earshot_training.metrics import relevance_metrics
from earshot_training.vocabulary import Vocabulary

LEAST_CLIPS = 3

# Words that say nothing about a sound when a query is matched to class names by word vectors.
PLAIN_WORDS = frozenset("a an the of is are in at on by to and or for with from as its their it".split())


@dataclass(frozen=True)
class Figures:
    """mAP, P@1 and R@10 as shares (0 to 1), averaged over queries."""

    map: float
    p1: float
    r10: float


def relevance(labels: list[list[str]], known: set[str], least: int = LEAST_CLIPS) -> tuple[list[str], Tensor]:
    """Kinds with at least `least` clips and a caption; bool [kinds, clips]."""
    counts: dict[str, int] = {}
    for row in labels:
        for label in row:
            counts[label] = counts.get(label, 0) + 1
    kinds = sorted(kind for kind, count in counts.items() if count >= least and kind in known)
    return kinds, torch.tensor([[kind in row for row in labels] for kind in kinds])


def figures(scores: Tensor, relevant: Tensor) -> Figures:
    """Scores and relevance, both [queries, clips]. R@10 is the share of the relevant among the first ten."""
    found = relevance_metrics(scores.numpy(), relevant.numpy())
    return Figures(found["mAP"], found["P@1"], found["R@10"])


def chance(relevant: Tensor, draws: int = 200, seed: int = 0) -> Figures:
    """The mean over random orders."""
    generator = torch.Generator().manual_seed(seed)
    rows = [figures(torch.rand(relevant.shape, generator=generator), relevant) for _ in range(draws)]
    return Figures(*(float(np.mean([getattr(row, name) for row in rows])) for name in ("map", "p1", "r10")))


def _mean_word_vector(text: str, vocabulary: Vocabulary) -> np.ndarray:
    words = " ".join(word for word in text.lower().replace(",", " ").split() if word not in PLAIN_WORDS)
    rows = vocabulary.rows(words)
    if not rows:
        return np.zeros(vocabulary.dim, np.float32)
    vectors = vocabulary.vectors[rows]
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    mean = vectors.mean(0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


def zero_shot_scores(
    queries: list[str], names: list[str], probabilities: Tensor, vocabulary: Vocabulary
) -> Tensor:
    """[queries, clips]: the clip's mean probability of the class whose name is nearest to the query.

    `probabilities` [clips, classes]: YAMNet's outputs averaged over windows with a hop of half a window.
    """
    classes = np.stack(
        [_mean_word_vector(name.replace("(", " ").replace(")", " "), vocabulary) for name in names]
    )
    wanted = np.stack([_mean_word_vector(query, vocabulary) for query in queries])
    nearest = torch.from_numpy((wanted @ classes.T).argmax(1))
    return probabilities[:, nearest].T


def fit_calibration(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Logistic regression of `right` (0 or 1) on a score: slope and intercept of the pack's calibration."""

    def loss(parameters: np.ndarray) -> float:
        logits = parameters[0] * scores + parameters[1]
        return float(np.mean(np.logaddexp(0, logits) - right * logits)) + 1e-6 * float(parameters[0] ** 2)

    fitted = minimize(loss, np.array([5.0, -3.0]), method="BFGS").x
    return float(fitted[0]), float(fitted[1])


def calibration_error(relevances: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    order = np.argsort(relevances)
    return float(
        sum(
            len(part) / len(order) * abs(relevances[part].mean() - right[part].mean())
            for part in np.array_split(order, bins)
        )
    )


ROWS = {
    "averaged": "three written captions, scores averaged",
    "caption_1": "first caption alone",
    "caption_2": "second caption alone",
    "caption_3": "third caption alone",
    "paraphrases": "held-out paraphrases",
}


def columns_of(found: dict) -> dict[str, dict]:
    """The figures of `Recipe.evaluate` by what they are of: the pack, the one it went on from, YAMNet."""
    columns = {"starter": found["pack"]}
    if found.get("before"):
        columns[f"starter {found['before']['version']}"] = found["before"]["test"]
    return columns | {"YAMNet zero-shot": found["teacher"]}


def report(found: dict) -> str:
    """The figures of `Recipe.evaluate` as a Markdown table."""
    columns = columns_of(found)
    head = [f"{name} mAP | P@1 | R@10" for name in columns]
    lines = [f"| queries | {' | '.join(head)} |", "| --- |" + " --- |" * 3 * len(columns)]
    for key, text in ROWS.items():
        lines.append(f"| {text} | " + " | ".join(_cells(figures[key]) for figures in columns.values()) + " |")
    # Chance is the same for all; its figures stand in the first columns.
    lines.append(f"| chance | {_cells(found['teacher']['chance'])} |" + " |" * 3 * (len(columns) - 1))
    return "\n".join(lines)


def _cells(figures: dict[str, float]) -> str:
    return " | ".join(f"{figures[name]:.3f}" for name in ("map", "p1", "r10"))
