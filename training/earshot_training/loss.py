"""The paper's bidirectional max-margin ranking loss (reference fact 2.1)."""

import torch
from torch import Tensor


def max_margin_ranking_loss(
    similarity: Tensor, margin: float = 0.2, fix_norm: bool = True, ignore: Tensor | None = None
) -> Tensor:
    """The mean hinge over all pairs of a matching and a mismatching item, in both directions.

    similarity: [B, B], row i the caption of clip i. A term is max(0, margin + s_ij - s_ii) (another clip
    for caption i) or max(0, margin + s_ji - s_ii) (another caption for clip i). `fix_norm` leaves out the
    diagonal, where each term is the margin itself; the paper's programs do so. (The paper's Eq. 1 is 2 (B -
    1) times this value.) ignore: bool [B, B], true where caption i describes clip j rightly although j is
    not its own clip: such pairs are no negatives and leave both the sum and the count. The loss is NaN
    where no pair is left, as for B = 1.
    """
    own = similarity.diagonal()
    clip_hinge = (margin + similarity - own[:, None]).relu()  # caption i, clip j
    caption_hinge = (margin + similarity - own[None, :]).relu()  # caption i, clip j seen from clip j
    counted = torch.ones_like(similarity, dtype=torch.bool)
    if fix_norm:
        counted.fill_diagonal_(False)
    if ignore is not None:
        counted &= ~ignore
    return (clip_hinge + caption_hinge)[counted].mean() / 2
