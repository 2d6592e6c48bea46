"""Several seeds of one training: means, and both standard deviations (reference fact 3)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

DIRECTIONS = ("t2a", "a2t")


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the `metrics.json` of several seeds have in common.

    For each direction and metric of the test list: `mean`, `population_std` (over n, as the paper prints it),
    `sample_std` (over n - 1, as the authors' repository does; None for one seed), and the seeds' values.
    """
    return {
        "seeds": [run["seed"] for run in runs],
        "test": {
            direction: {
                metric: _spread([run["test"][direction][metric] for run in runs])
                for metric in runs[0]["test"][direction]
            }
            for direction in DIRECTIONS
        },
    }


def _spread(values: list[float]) -> dict[str, Any]:
    return {
        "mean": float(np.mean(values)),
        "population_std": float(np.std(values)),
        "sample_std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": values,
    }


def summary_table(summary: dict[str, Any]) -> str:
    """The summary as a Markdown table."""
    seeds = ", ".join(map(str, summary["seeds"]))
    metrics = list(summary["test"]["t2a"])
    names = [name.replace("geometric_mean_R1-R5-R10", "Geom") for name in metrics]
    lines = [
        f"Mean (population / sample standard deviation) of seed{'s' * (len(summary['seeds']) > 1)} {seeds}:",
        "",
        "| | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for direction in DIRECTIONS:
        cells = [_cell(summary["test"][direction][metric]) for metric in metrics]
        lines.append(f"| {direction} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(spread: dict[str, Any]) -> str:
    sample = "-" if spread["sample_std"] is None else f"{spread['sample_std']:.1f}"
    return f"{spread['mean']:.1f} ({spread['population_std']:.1f} / {sample})"
