"""From a score to a relevance, where there is no data to fit it on."""

import math
from dataclasses import dataclass

MARGIN = 0.2  # of the paper's loss
UNRELATED = 0.05  # relevance of a score of 0


@dataclass(frozen=True)
class Calibration:
    """relevance = 1 / (1 + exp(-(slope * score + intercept))). `origin` says where it comes from."""

    slope: float
    intercept: float
    origin: str


def neutral(margin: float | None) -> Calibration:
    """A calibration from the loss alone: unrelated sound and text score about 0, and training asks related
    ones to score higher by the margin. So 0 becomes 0.05 and the margin 0.5. It changes no ranking."""
    margin = margin or MARGIN
    logit = math.log(UNRELATED / (1 - UNRELATED))
    return Calibration(
        slope=round(-logit / margin, 4),
        intercept=round(logit, 4),
        origin=f"not fitted: a score of 0 is given the relevance {UNRELATED}, one of the loss's margin,"
        f" {margin:g}, 0.5",
    )
