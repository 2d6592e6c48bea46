"""The picture of a training: its loss, and how well it retrieved the validation list after each epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

SERIES = (("R1", "R@1"), ("R5", "R@5"), ("R10", "R@10"), ("geometric_mean_R1-R5-R10", "geometric mean"))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches that is drawn without a display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_axes(axes, x: str, y: str) -> None:
    """Labels and a light frame."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3, linewidth=0.6)


def draw_curve(history: Sequence[dict[str, Any]], best_epoch: int, title: str, path: Path) -> None:
    """Writes the picture of the rows of a training's log."""
    epochs = [row["epoch"] for row in history]
    figure = new_figure(9, 3.6)
    figure.suptitle(title, fontsize=11)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    left.plot(epochs, [row["loss"] for row in history], color="black", marker=".")
    left.set_ylim(bottom=0)
    plain_axes(left, "epoch", "training loss")
    for metric, label in SERIES:
        right.plot(epochs, [row["val"]["t2a"][metric] for row in history], marker=".", label=label)
    right.axvline(best_epoch, color="gray", linestyle=":", linewidth=1, label=f"kept: epoch {best_epoch}")
    right.set_ylim(bottom=0)
    plain_axes(right, "epoch", "validation, text to audio (%)")
    right.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=120)
