"""One run: a configuration, a data set and a seed, from nothing to figures on the test list.

A run's folder:

    config.json         the settings in the reference's form, with ours under "earshot"
    log.jsonl           an epoch a line
    state.pt            only while it runs: what it goes on from
    trained_model.pth   the result, in the reference's form
    loss.png            the picture of the log
    metrics.json        written last, so that its presence means: done
"""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earshot_training.checkpoint import read_checkpoint
from earshot_training.errors import MendableError
from earshot_training.paper.config import Config, to_json
from earshot_training.paper.curve import draw_curve
from earshot_training.paper.evaluation import SELECTION, evaluate
from earshot_training.paper.inputs import Inputs, epoch_batches, made_ahead
from earshot_training.paper.network import build_network
from earshot_training.paper.provenance import git_revision, versions
from earshot_training.paper.reference_form import CHECKPOINT_FILE, reference_settings, save_checkpoint
from earshot_training.paper.trainer import Trainer, TrainingError, choose_device
from earshot_training.places import file_sha256

CONFIG_FILE, LOG_FILE, STATE_FILE = "config.json", "log.jsonl", "state.pt"
METRICS_FILE, CURVE_FILE = "metrics.json", "loss.png"


class RunError(MendableError):
    """A run's folder of other settings or damaged, or a run that is not there. The message says which."""


class Run:
    """A run in `folder`, new or begun. `start`: the checkpoint it fine-tunes, if any.

    Raises RunError where the folder holds a run of other settings or another data set; DatasetError where the
    data set lacks something.
    """

    def __init__(self, config: Config, inputs: Inputs, seed: int, folder: Path, start: Path | None = None):
        self.config, self.inputs, self.seed, self.folder, self.start = config, inputs, seed, folder, start
        dataset = inputs.dataset
        self.train, self.val, self.test = (
            dataset.split(name, inputs.experts) for name in (config.train, config.val, config.test)
        )
        if len(self.train) < 2:
            raise TrainingError(f"{config.train!r} holds one clip; training needs two that do not match")
        self.identity = json.loads(
            json.dumps(
                {
                    "outcome": config.outcome() | {"experts": inputs.experts},
                    "seed": seed,
                    "dataset": {
                        "name": dataset.name,
                        "clips": {"train": len(self.train), "val": len(self.val), "test": len(self.test)},
                        "dims": {name: dataset.experts[name].dim for name in inputs.experts},
                        "words": f"{inputs.word_origin} ({inputs.word_dim} numbers)",
                    },
                    "start_sha256": file_sha256(start) if start else None,
                }
            )
        )

    def result(self) -> dict[str, Any] | None:
        """The content of metrics.json if the run is done, else None."""
        path = self.folder / METRICS_FILE
        if not path.is_file():
            return None
        self._open()
        return _read_json(path)

    def _open(self) -> dict[str, Any]:
        """The settings as config.json has them, written there the first time."""
        path = self.folder / CONFIG_FILE
        if path.is_file():
            kept = _read_json(path)
            found = kept.get("earshot", {}).get("identity", {})
            for name, value in self.identity.items():
                if found.get(name) != value:
                    raise RunError(
                        f"{self.folder} holds a run of other settings: expected {name}"
                        f" {_differing(value, found.get(name))}; name another output folder"
                    )
            return kept
        settings = reference_settings(self.config, self.inputs, self.seed)
        settings["earshot"] = {"identity": self.identity, "config": to_json(self.config)}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(path, settings)
        return settings

    def carry_out(self, progress: Callable[[str], None] = print) -> dict[str, Any]:
        """Trains, going on where the run was stopped, and measures. Returns the content of metrics.json."""
        done = self.result()
        if done is not None:
            return done
        settings = self._open()
        device = choose_device(self.config)
        trainer, data_seed = self._begin(device)
        history = self._take_up(trainer)
        while trainer.epoch < self.config.epochs:
            history.append(self._epoch(trainer, data_seed))
            self._keep(trainer, history)
            progress(_line(history[-1], self.config.epochs))
        return self._finish(trainer, history, settings)

    def _begin(self, device: torch.device) -> tuple[Trainer, int]:
        """The model, made before any data is drawn (reference fact 2.3), and the seed of the drawing."""
        random.seed(self.seed)
        np.random.seed(self.seed)
        torch.manual_seed(self.seed)
        model = build_network(self.config, self.inputs.dataset, self.inputs.experts, self.inputs.word_dim)
        data_seed = int(torch.randint(2**62, ()))
        trainer = Trainer(self.config, model, device)
        if self.start is not None:
            checkpoint = read_checkpoint(self.start)
            trainer.fine_tune(checkpoint.state_dict, checkpoint.optimizer)
        return trainer, data_seed

    def _take_up(self, trainer: Trainer) -> list[dict[str, Any]]:
        path = self.folder / STATE_FILE
        if not path.is_file():
            return []
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            trainer.load_state(state["trainer"])
            return state["history"]
        except Exception:  # whatever a damaged file makes the reader stumble over
            raise RunError(
                f"{path}: expected what this run goes on from, found a damaged file;"
                " delete it to begin the run anew"
            ) from None

    def _epoch(self, trainer: Trainer, data_seed: int) -> dict[str, Any]:
        """One epoch and its validation. Its random numbers depend on the seed and its number alone."""
        rng = np.random.default_rng([data_seed, trainer.epoch])
        started, lr = time.perf_counter(), trainer.lr
        batches = epoch_batches(self.train, self.config.batch_size, rng)
        losses = [
            trainer.step(batch) for batch in made_ahead(lambda rows: self.inputs.batch(rows, rng), batches)
        ]
        loss = float(torch.stack(losses).double().mean())
        trained = time.perf_counter()
        if not np.isfinite(loss):
            raise TrainingError(
                f"epoch {trainer.epoch + 1}: expected a finite loss, found {loss} (learning rate {lr:g})"
            )
        figures = evaluate(trainer.model, self.inputs.validation, self.val, trainer.device)
        trainer.end_epoch(figures["t2a"][SELECTION])
        return {
            "epoch": trainer.epoch,
            "lr": lr,
            "loss": loss,
            "val": figures,
            "best_epoch": trainer.best_epoch,
            "train_seconds": round(trained - started, 3),
            "val_seconds": round(time.perf_counter() - trained, 3),
        }

    def _keep(self, trainer: Trainer, history: list[dict[str, Any]]) -> None:
        partial = self.folder / f"{STATE_FILE}.partial"
        torch.save({"trainer": trainer.state(), "history": history}, partial)
        partial.replace(self.folder / STATE_FILE)
        write_text(self.folder / LOG_FILE, "".join(json.dumps(row) + "\n" for row in history))

    def _finish(
        self, trainer: Trainer, history: list[dict[str, Any]], settings: dict[str, Any]
    ) -> dict[str, Any]:
        save_checkpoint(self.folder / CHECKPOINT_FILE, trainer, settings)
        cpu = torch.device("cpu")
        model = trainer.model.to(cpu)
        model.load_state_dict(trainer.best_weights)
        result = {
            "title": self.config.title,
            "seed": self.seed,
            "dataset": self.identity["dataset"],
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "best_epoch": trainer.best_epoch,
            "val": history[trainer.best_epoch - 1]["val"],
            "test": evaluate(model, self.inputs.test, self.test, cpu),
            "train_seconds": round(sum(row["train_seconds"] for row in history), 1),
            "precision": str(trainer.precision).removeprefix("torch."),
            "fine_tuned_from": str(self.start) if self.start else None,
            "git": git_revision(),
            "versions": versions(trainer.device),
        }
        draw_curve(
            history, trainer.best_epoch, f"{self.config.title}, seed {self.seed}", self.folder / CURVE_FILE
        )
        write_json(self.folder / METRICS_FILE, result)
        (self.folder / STATE_FILE).unlink(missing_ok=True)
        return result


def find_start(path: Path, seed: int) -> Path:
    """The checkpoint of a run to fine-tune: a file, a seed's folder, or the folder above seed-0, seed-1, ...

    Raises RunError where there is none.
    """
    for candidate in (path, path / CHECKPOINT_FILE, path / f"seed-{seed}" / CHECKPOINT_FILE):
        if candidate.is_file():
            return candidate
    raise RunError(f"{path}: expected {CHECKPOINT_FILE} there or in its seed-{seed}, found neither")


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2) + "\n")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is no JSON ({error}); delete it to begin the run anew") from None
    if not isinstance(content, dict):
        raise RunError(f"{path}: expected an object, found a {type(content).__name__}")
    return content


def _differing(wanted: Any, found: Any) -> str:
    """The first setting in which two differ, in words."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            if found.get(name) != value:
                return f"{name} = {json.dumps(value)}, found {json.dumps(found.get(name))}"
    return f"{json.dumps(wanted)}, found {json.dumps(found)}"


def _line(row: dict[str, Any], epochs: int) -> str:
    figures = row["val"]["t2a"]
    return (
        f"epoch {row['epoch']:>2}/{epochs}  loss {row['loss']:.4f}  lr {row['lr']:.5f}  "
        f"val t2a R@1 {figures['R1']:.1f} R@10 {figures['R10']:.1f} geom {figures[SELECTION]:.2f}"
        f"{' *' if row['best_epoch'] == row['epoch'] else ''}  {row['train_seconds']:.1f} s"
    )
