"""The report of a reproduction: each row's figures beside the published ones, and which rows could not
run."""

from typing import Any

from earshot_training.paper.config import to_json
from earshot_training.paper.published import Figures, published
from earshot_training.paper.reproduce import Reproduction, Row
from earshot_training.paper.summary import DIRECTIONS

TITLES = {
    "table1": "Table 1: CE with VGGish on four data sets",
    "table2": "Table 2: experts on AudioCaps, CE",
    "table3": "Table 3: MoEE and CE",
    "table4": "Table 4: padding and pre-training, CLOTHO",
    "figure2": "Figure 2: less training data, AudioCaps, CE - VGGish + VGGSound",
    "speech": "Speech as a further expert, AudioCaps (the paper reports no gain, without figures)",
}
PAPER_METRICS, FIGURE_METRICS = ("R1", "R10"), ("R1", "R5", "R10")


class Comparison:
    """Which figures a part of the paper gives, and what their deviation is."""

    def __init__(self, part: str):
        self.part, self.recorded = part, part == "figure2"
        self.metrics = FIGURE_METRICS if self.recorded else PAPER_METRICS
        self.source = "recorded" if self.recorded else "paper"
        self.deviation = "sample_std" if self.recorded else "population_std"

    def figures(self, row: Row) -> Figures:
        """The published figures of a row."""
        found = published(row.name)
        return found.repository if self.recorded else found.paper


def markdown(part: str, reproduction: Reproduction) -> str:
    """The report as Markdown: three lines a row that has run, and what the others lack."""
    comparison = Comparison(part)
    columns = [(side, metric) for side in DIRECTIONS for metric in comparison.metrics]
    heads = [f"{side} {metric.replace('R', 'R@')}" for side, metric in columns]
    kind = comparison.deviation.replace("_std", "")
    lines = [f"# {TITLES[part]}", "", f"Mean ± {kind} standard deviation over the seeds, in percent.", ""]
    done = [row for row in reproduction.rows if row.summary]
    if done:
        lines += ["| Row | Seeds | | " + " | ".join(heads) + " |", "|---" * (len(heads) + 3) + "|"]
    for row in done:
        lines += _lines_of(row, comparison, columns)
    if done:
        lines.append("")
    notes = list(dict.fromkeys(note for row in done for note in row.notes))
    lines += [f"Note: {note}." for note in notes] + [""] * bool(notes)
    lines += _not_run(reproduction)
    return "\n".join(lines).rstrip() + "\n"


def _lines_of(row: Row, comparison: Comparison, columns: list[tuple[str, str]]) -> list[str]:
    ours = [row.summary["test"][side][metric] for side, metric in columns]
    theirs = comparison.figures(row)
    seeds = ", ".join(map(str, row.summary["seeds"]))
    lines = [
        _line(row.config.title, seeds, "ours", [_cell(x["mean"], x[comparison.deviation]) for x in ours])
    ]
    if theirs:
        published_cells = [theirs[side][metric] for side, metric in columns]
        differences = [x["mean"] - mean for x, (mean, _) in zip(ours, published_cells, strict=True)]
        lines.append(_line("", "", comparison.source, [_cell(*cell) for cell in published_cells]))
        lines.append(
            _line("", "", "difference", [f"{round(difference, 1) + 0.0:+.1f}" for difference in differences])
        )
    return lines


def _line(*cells: Any) -> str:
    *heads, figures = cells
    return "| " + " | ".join([*heads, *figures]) + " |"


def _cell(mean: float, deviation: float | None) -> str:
    return f"{mean:.1f}" if deviation is None else f"{mean:.1f} ± {deviation:.1f}"


def _not_run(reproduction: Reproduction) -> list[str]:
    """What is missing, each thing once, with the rows that lack it."""
    rows = [row for row in reproduction.rows if row.lacks]
    things = dict.fromkeys(thing for row in rows for thing in row.lacks)
    lines = []
    for row in reproduction.rows:
        if not row.summary and not row.lacks:
            lines.append(f"- {row.name} ({row.config.title}): not yet run")
    for thing in things:
        names = ", ".join(row.name for row in rows if thing in row.lacks)
        lines.append(f"- {names}: {thing}")
    return ["Rows that have not run, and what they lack:", "", *lines] if lines else []


def as_json(part: str, reproduction: Reproduction) -> dict[str, Any]:
    """The report as JSON has it."""
    comparison = Comparison(part)
    return {
        "part": part,
        "title": TITLES[part],
        "rows": [
            {
                "config": row.name,
                "title": row.config.title,
                "state": "done" if row.summary else "lacking" if row.lacks else "not run",
                "lacks": row.lacks,
                "notes": row.notes,
                "folder": str(row.folder) if row.folder else None,
                "settings": to_json(row.config),
                "ours": row.summary,
                "paper": published(row.name).paper,
                "repository": published(row.name).repository,
                "difference": _differences(row, comparison),
            }
            for row in reproduction.rows
        ],
    }


def _differences(row: Row, comparison: Comparison) -> dict[str, dict[str, float]] | None:
    """Ours minus the published means."""
    theirs = comparison.figures(row)
    if not row.summary or not theirs:
        return None
    return {
        side: {
            metric: round(row.summary["test"][side][metric]["mean"] - mean, 3)
            for metric, (mean, _) in theirs[side].items()
        }
        for side in theirs
    }
