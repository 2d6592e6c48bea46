"""The recipe of the starter pack, step by step.

sounds -> scenes -> teacher -> experts -> features -> retrieval model -> calibration -> figures. Every step
writes to `config.work` and is skipped when its result is there. A run that was stopped goes on where it
stopped; delete a step's files, and those of the steps after it, to do it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import Process

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from earshot_training.model import CENet
from earshot_training.sounds import Sound, as_float
from earshot_training.starter.batches import Example
from earshot_training.starter.config import EXPERTS
from earshot_training.starter.evaluate import (
    LEAST_CLIPS,
    Figures,
    calibration_error,
    chance,
    figures,
    fit_calibration,
    relevance,
    zero_shot_scores,
)
from earshot_training.starter.pool import build_pool, open_entries, open_waves
from earshot_training.starter.scenes import SINGLE, Source
from earshot_training.starter.segments import Segments, encode_recordings
from earshot_training.starter.teacher import (
    CLASSES_FILE,
    TEACHER_FILE,
    Teacher,
    class_names,
    prepare_teaching,
    teach,
)
from earshot_training.starter.train_experts import expert_tokens, make_expert, train_expert
from earshot_training.starter.train_retrieval import (
    build_model,
    clip_scores,
    embed_queries,
    embed_segments,
    train_retrieval,
)
from earshot_training.starter.training_data import TrainingData
from earshot_training.starter.warm_start import earlier_figures

RESULT_FILE = "retrieval.pt"
TEACHERS = 2  # processes that share the pool

HITS_SHOWN = 5  # of each query, when the error of the calibration is measured


@dataclass
class Recipe(TrainingData):
    """The steps of one run on its data, what they leave behind, and the figures of the result."""

    # ---- steps ---------------------------------------------------------------------------------------

    def make_scenes(self) -> None:
        """Writes the pool of training scenes."""
        sources = [Source(sound.id, sound.kind, self.audio[sound.id]) for sound in self.training]
        build_pool(sources, self.config, self.config.work, self.config.scenes)

    def make_expert(self, name: str) -> None:
        """Trains one expert; needs the scenes and the teacher's outputs."""
        known = [sound for sound in self.of_split("val") if sound.kind in self.kinds]
        waves = np.zeros((len(known), self.config.scene_samples), np.int16)
        for row, sound in enumerate(known):
            head = self.audio[sound.id][: self.config.scene_samples]
            waves[row, : len(head)] = head
        right = torch.tensor([self.kinds.index(sound.kind) for sound in known])

        @torch.no_grad()
        def validation(expert: nn.Module, heads: nn.Module) -> dict[str, float]:
            heads.eval()
            logits = heads(expert_tokens(expert, name, waves, self.config), self.config.windows_per_scene)[2]
            return {"val_accuracy": float((logits.argmax(1) == right).float().mean())}

        train_expert(name, self.kinds, self.clip_kinds, self.config, self.config.work, validation)

    @cached_property
    def experts(self) -> dict[str, nn.Module]:
        """The trained experts, in eval mode."""
        loaded = {}
        for name in EXPERTS:
            expert = make_expert(name, self.config)
            expert.load_state_dict(torch.load(self.config.work / f"{name}.pt", weights_only=True)["expert"])
            loaded[name] = expert.eval()
        return loaded

    @cached_property
    def pool_features(self) -> tuple[Tensor, Tensor]:
        """Features of the first `retrieval_scenes` scenes.

        vggish [scenes, 4, 128], vggsound [scenes, 12, dim].
        """
        found = []
        for name in EXPERTS:
            path = self.config.work / f"{name}.features.npy"
            if not path.exists():
                waves = open_waves(self.config, self.config.work)[: self.config.retrieval_scenes]
                np.save(
                    path, expert_tokens(self.experts[name], name, waves, self.config, progress=True).numpy()
                )
            found.append(torch.from_numpy(np.load(path)))
        return found[0], found[1]

    def segments(self, sounds: list[Sound], name: str) -> Segments:
        """The segments of some clips as the runtime cuts them; kept in a file."""
        path = self.config.work / f"segments.{name}.pt"
        if not path.exists():
            made = encode_recordings([self.audio[sound.id] for sound in sounds], self.experts, self.config)
            torch.save(vars(made) | {"clip": torch.from_numpy(made.clip)}, path)
        kept = torch.load(path, weights_only=True)
        return Segments(**(kept | {"clip": kept["clip"].numpy()}))

    def make_retrieval(self, **settings) -> tuple[CENet, float]:
        """Trains the retrieval model, keeping the epoch with the best mAP on `val`.

        `settings` override the arguments of `train_retrieval` that the configuration gives.
        """
        entries = open_entries(self.config.work)[: self.config.retrieval_scenes]
        examples = [
            Example(entry["form"], [self.clip_kinds[clip] for clip in entry["clips"]], entry["clips"])
            for entry in entries
        ]
        defaults = {
            "epochs": self.config.retrieval_epochs,
            "batch": self.config.retrieval_batch,
            "lr": self.config.retrieval_lr,
            "temperature": self.config.softmax_temperature,
        }
        return train_retrieval(
            examples,
            self.pool_features,
            self.segments(self.training, "train"),
            [Example(SINGLE, [sound.kind], [sound.id]) for sound in self.training],
            self.captions,
            self.vocabulary,
            self.held_out | self.sound_words,
            self.config,
            lambda model: self.measure(model, "val", least=2)["averaged"].map,
            self.config.work,
            **(defaults | settings),
        )

    def load_retrieval(self) -> CENet:
        """The trained retrieval model, in eval mode."""
        model = build_model(self.config, self.vocabulary.dim, self.experts["vggsound"].dim)
        model.load_state_dict(torch.load(self.config.work / RESULT_FILE, weights_only=True))
        return model.eval()

    # ---- measuring -------------------------------------------------------------------------------------

    def scores(self, model: CENet, texts: list[str], split: str) -> Tensor:
        """[texts, clips of the split]."""
        sounds = self.of_split(split)
        segments = self.segments(sounds, split)
        queries = embed_queries(model, texts, self.vocabulary, self.config)
        return clip_scores(queries, embed_segments(model, segments), segments.clip, len(sounds))

    def measure(self, model: CENet, split: str, least: int = LEAST_CLIPS) -> dict:
        """Figures of the written captions, averaged and each alone, and of the held-out paraphrases."""
        kinds, relevant = self._queries(split, least)
        found = self._figures(lambda texts: self.scores(model, texts, split), kinds, relevant)
        return {"kinds": len(kinds), **found}

    def _queries(self, split: str, least: int) -> tuple[list[str], Tensor]:
        """The kinds to ask for, and which clips of the split are right: bool [kinds, clips]."""
        labels = [list(sound.labels) for sound in self.of_split(split)]
        return relevance(labels, set(self.written), least)

    def _figures(
        self, scores_of: Callable[[list[str]], Tensor], kinds: list[str], relevant: Tensor
    ) -> dict[str, Figures]:
        """Figures of a way to score clips: `scores_of(texts)` gives [texts, clips]."""
        alone = [scores_of([self.written[kind][i] for kind in kinds]) for i in range(3)]
        found = {"averaged": figures(sum(alone) / 3, relevant)}
        found |= {f"caption_{i + 1}": figures(scores, relevant) for i, scores in enumerate(alone)}
        rows = [row for row, kind in enumerate(kinds) if kind in self.paraphrases]
        texts = [self.paraphrases[kinds[row]][0] for row in rows]
        return found | {"paraphrases": figures(scores_of(texts), relevant[rows])}

    @cached_property
    def teacher_probabilities(self) -> Tensor:
        """YAMNet on the clips of split test: [clips, 521], the mean over half-overlapping windows."""
        path = self.config.work / "yamnet.test.npy"
        if not path.exists():
            teacher = Teacher(self.config.teacher / TEACHER_FILE)
            clips = tqdm(self.of_split("test"), desc="YAMNet on test")
            np.save(path, np.stack([teacher.clip(as_float(self.audio[sound.id])) for sound in clips]))
        return torch.from_numpy(np.load(path)).float()

    def measure_teacher(self) -> dict:
        """YAMNet zero-shot on split test: the same queries as `measure`, and chance."""
        kinds, relevant = self._queries("test", LEAST_CLIPS)
        names = class_names(self.config.teacher / CLASSES_FILE)

        def scores(texts: list[str]) -> Tensor:
            return zero_shot_scores(texts, names, self.teacher_probabilities, self.vocabulary)

        return {**self._figures(scores, kinds, relevant), "chance": chance(relevant)}

    def calibrate(self, model: CENet) -> dict[str, float]:
        """Fits relevance on val: each written caption of the kinds val holds, against each clip of val."""
        sounds = self.of_split("val")
        present = sorted({label for sound in sounds for label in sound.labels if label in self.written})
        scores, right = [], []
        for i in range(3):
            scores.append(self.scores(model, [self.written[kind][i] for kind in present], "val"))
            right.append(torch.tensor([[kind in sound.labels for sound in sounds] for kind in present]))
        all_scores = torch.stack(scores).numpy().astype(np.float64).reshape(-1)
        all_right = torch.stack(right).numpy().astype(np.float64).reshape(-1)
        slope, intercept = fit_calibration(all_scores, all_right)
        # Most pairs are plainly wrong; a person sees the first hits, so the error is counted on those.
        shown = torch.stack(scores).topk(HITS_SHOWN, dim=2).indices
        shown_scores = torch.stack(scores).gather(2, shown).numpy().astype(np.float64).reshape(-1)
        shown_right = torch.stack(right).gather(2, shown).numpy().astype(np.float64).reshape(-1)
        relevances = 1 / (1 + np.exp(-(slope * shown_scores + intercept)))
        return {
            "slope": slope,
            "intercept": intercept,
            "error": calibration_error(relevances, shown_right),
            "pairs": len(all_right),
        }

    def evaluate(self) -> dict:
        """All figures of the model card, as plain numbers; kept in `figures.json`."""
        path = self.config.work / "figures.json"
        if not path.exists():
            model = self.load_retrieval()
            found = {
                "pack": self.measure(model, "test"),
                "teacher": self.measure_teacher(),
                "calibration": self.calibrate(model),
            }
            found["data"] = {
                "clips": len(self.training),
                "kinds": len(self.kinds),
                "strict": self.config.strict_licence,
                "hours": round(sum(sound.duration_seconds for sound in self.training) / 3600, 2),
                "seed": self.config.seed,
                "scenes": self.config.scenes,
                "expert_minutes": self.config.expert_minutes,
            }
            if self.config.continue_from is not None:
                found["before"] = earlier_figures(self.config.continue_from)
            path.write_text(json.dumps(found, indent=2, default=vars) + "\n")
        return json.loads(path.read_text())


def train(recipe: Recipe) -> None:
    """All steps from data to a trained retrieval model. Needs the extra `teacher`."""
    config = recipe.config
    recipe.make_scenes()
    waves, windows = open_waves(config, config.work), config.windows_per_scene
    prepare_teaching(config.work, len(waves), windows)
    model = config.teacher / TEACHER_FILE
    _run_beside_each_other(
        [
            Process(
                target=teach, args=(model, waves, config.vggish_hop, windows, config.work, (part, TEACHERS))
            )
            for part in range(TEACHERS)
        ]
    )
    _run_beside_each_other([Process(target=_train_one, args=(recipe, name)) for name in EXPERTS])
    result = config.work / RESULT_FILE
    if not result.exists():
        model, _ = recipe.make_retrieval()
        torch.save(model.state_dict(), result)


def _train_one(recipe: Recipe, name: str) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // len(EXPERTS)))
    recipe.make_expert(name)


def _run_beside_each_other(processes: list[Process]) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"a step failed with exit code {process.exitcode}; its message is above")
