"""The paper's own figures, beside which a training's are set (reference facts 4.1 and 4.2)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Figures = dict[str, dict[str, tuple[float, float]]]  # direction "t2a" or "a2t" -> metric -> mean, deviation


@dataclass(frozen=True)
class Published:
    """What was published of one row.

    `paper`: as printed, with the population standard deviation of three seeds; the paper prints R1 and R10,
    and Figure 2 no numbers. `repository`: as recorded in the authors' repository, with the sample standard
    deviation; some of it comes from other runs than the paper's. Either may be empty.
    """

    paper: Figures
    repository: Figures


@cache
def _content() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))


def published(config_name: str) -> Published:
    """The figures of a row, named as its configuration is; empty for a row of our own."""
    row = _content()["rows"].get(config_name, {})
    return Published(_figures(row.get("paper", {})), _figures(row.get("repository", {})))


def split_sizes(dataset: str) -> dict[str, int]:
    """Clips in the lists that the paper used (train, val, test); empty for a data set it did not use."""
    return _content()["splits"].get(dataset, {})


def _figures(row: dict[str, dict[str, list[float]]]) -> Figures:
    return {
        direction: {metric: (mean, deviation) for metric, (mean, deviation) in metrics.items()}
        for direction, metrics in row.items()
    }
