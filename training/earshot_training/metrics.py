"""Retrieval metrics: the paper's, where a query has one right clip (reference fact 3), and those for several.

All take NumPy arrays or CPU tensors, and count in double precision.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CUT_OFFS = (1, 5, 10, 50)


# --- one right clip for each caption, as in the paper ---


def text_to_audio_ranks(similarity: ArrayLike, exists: ArrayLike | None = None) -> NDArray[np.float64]:
    """The rank of its clip for every caption that exists, from 0, ties averaged.

    similarity: [clips * K, clips], row clip * K + k is caption k of the clip. exists: [clips, K], all by
    default. A rank is the number of strictly better clips plus half the number of other clips with exactly
    its score.
    """
    similarity, exists = _checked(similarity, exists)
    captions = exists.shape[1]
    own = np.repeat(np.arange(similarity.shape[1]), captions)
    ranks = _ranks(similarity, similarity[np.arange(len(own)), own][:, None], axis=1)
    return ranks[exists.reshape(-1)]


def audio_to_text_ranks(similarity: ArrayLike, exists: ArrayLike | None = None) -> NDArray[np.float64]:
    """For every clip the best rank among its own captions, from 0, ties averaged. Arguments as above.

    Captions that do not exist come last for every clip.
    """
    similarity, exists = _checked(similarity, exists)
    clips, captions = exists.shape
    similarity = np.where(exists.reshape(-1, 1), similarity, -1e8)
    ranks = np.full((clips, captions), np.inf)
    for k in range(captions):
        own = similarity[np.arange(clips) * captions + k, np.arange(clips)]
        ranks[:, k] = np.where(exists[:, k], _ranks(similarity, own[None, :], axis=0), np.inf)
    return ranks.min(axis=1)


def _checked(similarity: ArrayLike, exists: ArrayLike | None) -> tuple[NDArray, NDArray[np.bool_]]:
    similarity = np.asarray(similarity, np.float64)
    queries, clips = similarity.shape
    exists = np.ones((clips, queries // clips), bool) if exists is None else np.asarray(exists).astype(bool)
    if exists.shape[0] != clips or exists.size != queries:
        raise ValueError(f"{queries} captions of {clips} clips do not fit a mask of shape {exists.shape}")
    return similarity, exists


def _ranks(similarity: NDArray, own: NDArray, axis: int) -> NDArray[np.float64]:
    better = (similarity > own).sum(axis=axis)
    equal = (similarity == own).sum(axis=axis)  # the item itself included
    return better + (equal - 1) / 2


def rank_metrics(ranks: ArrayLike) -> dict[str, float]:
    """The paper's metrics of ranks that count from 0: recall in percent, median and mean rank counted from 1.

    R@1 wants rank 0 exactly, so a tie for the first place does not count.
    """
    ranks = np.asarray(ranks, np.float64)
    metrics = {f"R{k}": 100.0 * float(np.mean(ranks < k if k > 1 else ranks == 0)) for k in CUT_OFFS}
    metrics["MedR"] = float(np.median(ranks)) + 1.0
    metrics["MeanR"] = float(np.mean(ranks)) + 1.0
    metrics["geometric_mean_R1-R5-R10"] = float(np.cbrt(metrics["R1"] * metrics["R5"] * metrics["R10"]))
    return metrics


# --- several right clips for a query ---


def hits_in_order(scores: ArrayLike, relevant: ArrayLike) -> NDArray[np.bool_]:
    """Whether the clip in each place of a query's result is relevant: [queries, clips], best score first.

    scores, relevant: [queries, clips]. Clips with equal scores keep their order. Raises ValueError for a
    query without any relevant clip, of which no metric can be given.
    """
    scores, relevant = np.asarray(scores, np.float64), np.asarray(relevant).astype(bool)
    if not relevant.any(axis=1).all():
        raise ValueError("a query has no relevant clip")
    return np.take_along_axis(relevant, np.argsort(-scores, axis=1, kind="stable"), axis=1)


def average_precision(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each query the mean, over its relevant clips, of the precision down to that clip: [queries]."""
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(axis=1) / hits.sum(axis=1)


def precision_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """For each query the share of its first k clips that are relevant: [queries]."""
    return hits[:, :k].sum(axis=1) / k


def recall_at(hits: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """For each query the share of its relevant clips that are among the first k: [queries]."""
    return hits[:, :k].sum(axis=1) / hits.sum(axis=1)


def relevance_metrics(scores: ArrayLike, relevant: ArrayLike) -> dict[str, float]:
    """mAP, P@1 and R@10 as shares (0 to 1), averaged over the queries."""
    hits = hits_in_order(scores, relevant)
    return {
        "mAP": float(average_precision(hits).mean()),
        "P@1": float(precision_at(hits, 1).mean()),
        "R@10": float(recall_at(hits, 10).mean()),
    }
