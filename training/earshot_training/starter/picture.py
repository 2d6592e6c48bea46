"""The figures of a run as a picture: bars of mAP, for the README."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from earshot_training.starter.evaluate import columns_of

GROUPS = {"averaged": "written captions", "paraphrases": "held-out paraphrases"}
COLOURS = ("#1b6ca8", "#7fb2d9", "#c8ccd1")  # the pack first, then what it is compared with


def draw_figures(found: dict, path: Path) -> None:
    """Writes a PNG of `Recipe.evaluate`'s figures: mAP on split test, beside what it is compared with."""
    columns = columns_of(found)
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(columns)
    for number, (name, figures) in enumerate(columns.items()):
        places = [row + number * height for row in range(len(GROUPS))]
        values = [figures[key]["map"] for key in GROUPS]
        bars = axes.barh(places, values, 0.9 * height, color=COLOURS[number % len(COLOURS)], label=name)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
    by_chance = found["teacher"]["chance"]["map"]
    axes.axvline(by_chance, color="#444", linewidth=1, linestyle=":", label=f"chance ({by_chance:.2f})")
    axes.set_yticks([row + (len(columns) - 1) * height / 2 for row in range(len(GROUPS))], GROUPS.values())
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"mAP, {found['pack']['kinds']} kinds of sound in 600 clips never heard in training")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=150)
