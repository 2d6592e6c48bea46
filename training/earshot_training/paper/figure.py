"""The picture of Figure 2: recall against the share of training clips, ours and the recorded."""

from pathlib import Path

from earshot_training.paper.curve import new_figure, plain_axes
from earshot_training.paper.published import published
from earshot_training.paper.reproduce import Reproduction

SERIES = (("t2a", "text to audio"), ("a2t", "audio to text"))
COLOURS = {"R1": "tab:blue", "R5": "tab:orange", "R10": "tab:green"}


def draw_figure(reproduction: Reproduction, path: Path) -> None:
    """Writes the picture: solid lines ours, dashed lines the authors', bars one sample standard deviation."""
    figure = new_figure(9, 4)
    for axes, (side, title) in zip(figure.subplots(1, 2, sharey=True), SERIES, strict=True):
        axes.set_title(title, fontsize=11)
        for metric, colour in COLOURS.items():
            label = metric.replace("R", "R@")
            recorded = [
                (share_of(row.name), *published(row.name).repository[side][metric])
                for row in reproduction.rows
            ]
            _plot(axes, recorded, colour, "--", f"{label}, recorded")
            ours = [
                (share_of(row.name), found["mean"], found["sample_std"] or 0.0)
                for row in reproduction.rows
                if row.summary
                for found in [row.summary["test"][side][metric]]
            ]
            if ours:
                _plot(axes, ours, colour, "-", f"{label}, ours")
        axes.set_ylim(0, 100)
        plain_axes(axes, "training clips (%)", "recall (%)" if side == "t2a" else "")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=120)


def share_of(name: str) -> int:
    """Percent of the training clips of a row such as "figure2/1-train-10"."""
    return int(name.rpartition("-")[2])


def _plot(axes, points: list[tuple[float, float, float]], colour: str, style: str, label: str) -> None:
    shares, means, deviations = zip(*points, strict=True)
    axes.errorbar(
        shares, means, yerr=deviations, color=colour, linestyle=style, marker=".", capsize=2, label=label
    )
