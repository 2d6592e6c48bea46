"""Measures a model on a list of clips, in both directions (reference facts 2.3 and 3)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from earshot_training.datasets.view import ClipView
from earshot_training.metrics import audio_to_text_ranks, rank_metrics, text_to_audio_ranks
from earshot_training.model import CENet
from earshot_training.paper.inputs import clip_tensors

SELECTION = "geometric_mean_R1-R5-R10"  # of text to audio, on the validation list
CHUNK = 256  # clips or captions at once; in eval mode this changes nothing


@torch.no_grad()
def similarities(
    model: CENet, view: Callable[[np.ndarray], ClipView], rows: np.ndarray, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Every caption against every clip [clips * K, clips], and which captions exist [clips, K].

    `view`: what the model is given of some rows. Row clip * K + k is caption k of a clip, 0 where it has
    none.
    """
    model.eval()
    clips, availabilities, texts, weights, masks = [], [], [], [], []
    for start in range(0, len(rows), CHUNK):
        chunk = view(rows[start : start + CHUNK])
        features, availability = clip_tensors(chunk)
        availabilities.append(availability.to(device))
        clips.append(
            model.encode_clip({name: x.to(device) for name, x in features.items()}, availabilities[-1])
        )
        masks.append(chunk.caption_mask > 0)
        embeddings, weight = model.encode_text(torch.from_numpy(chunk.words[masks[-1]]).to(device))
        texts.append(embeddings)
        weights.append(weight)
    clip, text, weight = _joined(clips), _joined(texts), torch.cat(weights)
    availability, exists = torch.cat(availabilities), np.concatenate(masks)
    found = [
        model.similarity(
            {name: x[start : start + CHUNK] for name, x in text.items()},
            weight[start : start + CHUNK],
            clip,
            availability,
        ).cpu()
        for start in range(0, len(weight), CHUNK)
    ]
    similarity = np.zeros((exists.size, len(rows)), np.float32)
    similarity[exists.reshape(-1)] = torch.cat(found).numpy()
    return similarity, exists


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def evaluate(
    model: CENet, view: Callable[[np.ndarray], ClipView], rows: np.ndarray, device: torch.device
) -> dict[str, dict[str, float]]:
    """The paper's metrics: "t2a" (the clip of each caption) and "a2t" (a caption of each clip)."""
    similarity, exists = similarities(model, view, rows, device)
    return {
        "t2a": rank_metrics(text_to_audio_ranks(similarity, exists)),
        "a2t": rank_metrics(audio_to_text_ranks(similarity, exists)),
    }
