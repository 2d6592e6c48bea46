"""A configuration trained with each of its seeds, into one folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from earshot_training.paper.config import Config
from earshot_training.paper.inputs import Inputs
from earshot_training.paper.run import Run, find_start, write_json, write_text
from earshot_training.paper.summary import summarise, summary_table

SUMMARY_FILE, SUMMARY_TABLE_FILE = "summary.json", "summary.md"


def train_seeds(
    config: Config,
    inputs: Inputs,
    folder: Path,
    start: Path | None = None,
    progress: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Carries out a run for each seed into FOLDER/seed-N, done ones excepted, and sums them up.

    `start`: the run to fine-tune, its folder of seeds (each seed starts from its own) or one checkpoint.
    Writes summary.json and summary.md, over those seeds that were asked for. Returns each seed's figures.
    """
    results = []
    for seed in config.seeds:
        begin = find_start(start, seed) if start is not None else None
        run = Run(config, inputs, seed, folder / f"seed-{seed}", begin)
        done = run.result()
        progress(f"{run.folder}: " + ("done before" if done else f"training on {len(run.train):,} clips"))
        results.append(done or run.carry_out(progress))
    summary = summarise(results)
    write_json(folder / SUMMARY_FILE, summary)
    write_text(folder / SUMMARY_TABLE_FILE, f"# {config.title}\n\n{summary_table(summary)}\n")
    return results
