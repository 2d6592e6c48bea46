"""The rows of a table or figure: which can run with the data at hand, their trainings, and a report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.datasets import DatasetError
from earshot_training.paper.config import Config, config_names, load_config, run_name
from earshot_training.paper.inputs import Inputs
from earshot_training.paper.options import Overrides
from earshot_training.paper.requirements import DataFolder, lacks, other_settings, other_sizes
from earshot_training.paper.seeds import train_seeds
from earshot_training.paper.summary import summarise
from earshot_training.paper.trainer import TrainingError
from earshot_training.paper.words import TextVectors


@dataclass
class Row:
    """One row. `summary`: over its seeds, None as long as it has not run. `lacks`: why it cannot."""

    name: str
    config: Config
    lacks: list[str] = field(default_factory=list)
    summary: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)  # why its figures cannot be compared with the paper's
    folder: Path | None = None


class Reproduction:
    """The rows `names` (configurations) with what `data` holds, trained into OUTPUT/runs.

    Rows that are the same training share one run. `vectors`: word vectors for data sets that have none.
    """

    def __init__(
        self,
        names: Sequence[str],
        data: DataFolder,
        output: Path,
        vectors: TextVectors | None,
        settings: Overrides,
        progress: Callable[[str], None] = print,
    ):
        self.data, self.output, self.vectors = data, output, vectors
        self.settings, self.progress = settings, progress
        self.rows = [self._row(name) for name in names]

    def _config(self, name: str) -> Config:
        return self.settings.apply(load_config(name))

    def _row(self, name: str) -> Row:
        config = self._config(name)
        row = Row(name, config, lacks(config, self.data, self.vectors is not None))
        if config.pretraining:
            before = lacks(self._config(config.pretraining), self.data, self.vectors is not None)
            row.lacks += [f"for its pre-training ({config.pretraining}), {thing}" for thing in before]
        if not row.lacks:
            notes = (
                other_settings(config, load_config(name)),
                other_sizes(self.data.datasets[config.dataset]),
            )
            row.notes = [note for note in notes if note]
        return row

    def carry_out(self, after_row: Callable[[], None]) -> None:
        """Trains every row that can run, done runs excepted; calls `after_row` after each."""
        for row in self.rows:
            if row.lacks:
                continue
            self.progress(f"\n{row.name}: {row.config.title}")
            try:
                row.folder, row.summary = self._train(row.config)
            except (DatasetError, TrainingError) as error:
                row.lacks.append(str(error))
                self.progress(f"cannot run: {error}")
            after_row()

    def _train(self, config: Config) -> tuple[Path, dict[str, Any]]:
        start = None
        if config.pretraining:
            self.progress(f"pre-training, {config.pretraining}:")
            start, _ = self._train(self._config(config.pretraining))
        dataset = self.data.datasets[config.dataset]
        folder = self.output / "runs" / run_name(config)
        inputs = Inputs(dataset, config, None if dataset.words else self.vectors)
        return folder, summarise(train_seeds(config, inputs, folder, start, self.progress))


def rows_of(part: str) -> list[str]:
    """The configurations of "table1" to "table4", "figure2" or "speech"."""
    return [name for name in config_names() if name.startswith(f"{part}/")]
