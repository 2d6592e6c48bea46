"""Training of one starter expert on the pool: labels, and YAMNet's outputs and features as soft targets.

The schedule follows the wall clock (`config.expert_minutes`), because what a machine can do in the
time is what differs; a run that was stopped goes on from its last checkpoint. The shipped weights are
an exponential moving average over the last steps.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from earshot_training.starter.config import StarterConfig
from earshot_training.starter.experts import Heads, SlimVGGish, SlimVGGSound
from earshot_training.starter.pool import open_entries, open_waves
from earshot_training.starter.spectra import FastLogMel, FastSpectrogram
from earshot_training.starter.teacher import open_teaching
from earshot_training.starter.warm_start import take_up

LOG_EVERY = 20  # steps
SAVE_AFTER = 120  # seconds of training
VALIDATE_AFTER = 300  # seconds of training

Validation = Callable[[nn.Module, nn.Module], dict[str, float]]


def make_expert(name: str, config: StarterConfig) -> nn.Module:
    """The untrained network of expert `vggish` or `vggsound`."""
    if name == "vggish":
        return SlimVGGish(config.vggish_width, config.vggish_dim)
    return SlimVGGSound(config.vggsound_width)


def cut_windows(waves: Tensor, name: str, config: StarterConfig) -> Tensor:
    """float32 scenes [n, scene_samples] -> the expert's windows [n * windows, window samples]."""
    window, hop = config.windows(name)
    count = config.segment // hop
    return waves[:, : (count - 1) * hop + window].unfold(1, window, hop).reshape(-1, window)


def front_end(name: str) -> Callable[[Tensor], Tensor]:
    """The fast front end of an expert: windows -> its network's input."""
    return FastLogMel() if name == "vggish" else FastSpectrogram()


def train_expert(
    name: str,
    kinds: list[str],
    clip_kinds: dict[str, str],
    config: StarterConfig,
    folder: Path,
    validation: Validation | None = None,
) -> Path:
    """Trains expert `name` on the pool in `folder`; returns the file with its weights.

    `clip_kinds` maps clip id to kind; `validation(expert, heads) -> dict` is called now and then with the
    averaged weights. Does nothing when the file is there; goes on from the last checkpoint otherwise.
    """
    result, checkpoint, log = (folder / f"{name}{end}" for end in (".pt", ".checkpoint.pt", ".log.jsonl"))
    if result.exists():
        return result
    torch.manual_seed(config.seed)
    pool = TaughtPool(folder, kinds, clip_kinds, config)
    training = ExpertTraining(name, len(kinds), config)
    if checkpoint.exists():
        training.load(checkpoint)
    elif config.continue_from is not None:
        training.go_on_from(config.continue_from, pool)
    last_save = last_check = training.spent
    bar = tqdm(total=int(training.budget), initial=int(training.spent), desc=f"expert {name} (s)")
    while training.spent < training.budget:
        losses = training.take_step(pool)
        bar.update(int(training.spent) - bar.n)
        if training.step % LOG_EVERY == 0:
            row = {"step": training.step, "spent": round(training.spent)}
            row |= {part: loss.item() for part, loss in losses.items()}
            if validation is not None and training.spent - last_check > VALIDATE_AFTER:
                last_check = training.spent
                row |= validation(training.averaged, training.averaged_heads)
                tqdm.write(json.dumps(row))
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")
        if training.spent - last_save > SAVE_AFTER or training.spent >= training.budget:
            last_save = training.spent
            training.save(checkpoint)
    bar.close()
    training.save_result(result)
    return result


@dataclass(frozen=True)
class Batch:
    """Scenes, and what is to be heard in them.

    waves float32 [scenes, scene_samples]; classes [scenes, windows, 521] and features [scenes, windows, 1024]
    of the teacher; kinds [scenes, kinds], each row summing to 1.
    """

    waves: Tensor
    classes: Tensor
    features: Tensor
    kinds: Tensor


class TaughtPool:
    """The scenes in `folder` with their labels and the teacher's outputs."""

    def __init__(self, folder: Path, kinds: list[str], clip_kinds: dict[str, str], config: StarterConfig):
        self.waves, self.entries = open_waves(config, folder), open_entries(folder)
        self.classes, self.features = open_teaching(folder, config.windows_per_scene)
        self.place = {kind: i for i, kind in enumerate(kinds)}
        self.clip_kinds = clip_kinds

    def __len__(self) -> int:
        return len(self.waves)

    def batch(self, chosen: np.ndarray) -> Batch:
        """The scenes of the given numbers."""
        kinds = torch.zeros(len(chosen), len(self.place))
        for row, number in enumerate(chosen):
            clips = self.entries[number]["clips"]
            for clip in clips:
                kinds[row, self.place[self.clip_kinds[clip]]] += 1 / len(clips)
        return Batch(
            torch.from_numpy(self.waves[chosen].astype(np.float32) / 32768),
            torch.from_numpy(self.classes[chosen].astype(np.float32) / 255),
            # The square root brings the few strong features nearer to the many weak ones.
            torch.from_numpy(np.sqrt(self.features[chosen].astype(np.float32))),
            kinds,
        )


class ExpertTraining:
    """The state of one expert's training: networks, their averages, optimiser, seconds spent, steps taken."""

    def __init__(self, name: str, kinds: int, config: StarterConfig):
        self.name, self.config = name, config
        self.expert = make_expert(name, config).to(memory_format=torch.channels_last)
        self.heads = Heads(self.expert.dim, kinds)
        self.averaged, self.averaged_heads = copy.deepcopy(self.expert), copy.deepcopy(self.heads)
        self.parameters = [*self.expert.parameters(), *self.heads.parameters()]
        decayed = [p for p in self.parameters if p.ndim > 1]
        plain = [p for p in self.parameters if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": config.expert_weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=config.expert_lr,
        )
        self.make_input = front_end(name)
        self.peak_rate = config.expert_lr if config.continue_from is None else config.continued_lr
        self.budget = config.expert_minutes * 60
        self.spent, self.step = 0.0, 0

    def go_on_from(self, pack: Path, pool: TaughtPool) -> None:
        """Takes up the expert of an exported pack; the heads, which no pack holds, begin anew."""
        waves = pool.batch(np.arange(min(64, len(pool)))).waves
        take_up(
            self.expert,
            pack / f"{self.name}.onnx",
            self.make_input(cut_windows(waves, self.name, self.config)),
        )
        self.averaged.load_state_dict(self.expert.state_dict())

    @property
    def _only_heads(self) -> bool:
        """Whether the expert itself stands still, so that heads that know nothing do not spoil it."""
        return self.config.continue_from is not None and self.spent < self.config.heads_first * self.budget

    def take_step(self, pool: TaughtPool) -> dict[str, Tensor]:
        """One batch of random scenes; returns its loss and the parts of it."""
        began = time.monotonic()
        rng = np.random.default_rng([self.config.seed, 17, self.step])
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        batch = pool.batch(np.sort(rng.choice(len(pool), self.config.expert_batch, replace=False)))
        losses = self._losses(batch, generator)
        rate = self._rate(self.spent / self.budget)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimiser.step()
        self.step += 1
        keep = min(0.998, self.step / (self.step + 20))
        _average(self.averaged, self.expert, keep)
        _average(self.averaged_heads, self.heads, keep)
        self.spent += time.monotonic() - began
        return losses

    def _losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        config, scenes = self.config, len(batch.waves)
        with torch.no_grad():
            spectra = self.make_input(cut_windows(batch.waves, self.name, config))
            spectra = _mask(spectra, self.name, generator)
        self.expert.train(not self._only_heads)
        with torch.set_grad_enabled(not self._only_heads):
            tokens = self.expert(spectra)
        tokens = tokens.reshape(scenes, -1, tokens.shape[-1])
        classes, features, kinds = self.heads(tokens, config.windows_per_scene)
        of_classes = F.binary_cross_entropy_with_logits(classes, batch.classes, reduction="none").sum(-1)
        loss_classes = of_classes.mean() / 10
        loss_features = 1 - F.cosine_similarity(features, batch.features, dim=-1, eps=1e-4).mean()
        loss_kinds = F.cross_entropy(kinds, batch.kinds, label_smoothing=0.05)
        loss = (
            config.teacher_weight * loss_classes
            + config.embedding_weight * 2 * loss_features
            + config.label_weight * 0.5 * loss_kinds
        )
        return {"loss": loss, "classes": loss_classes, "features": loss_features, "kinds": loss_kinds}

    def _rate(self, share: float) -> float:
        """The learning rate after a share of the time: a short rise, then half a cosine down to zero."""
        rise, fall = min(1.0, share / 0.03 + 0.02), 0.5 + 0.5 * math.cos(math.pi * min(1.0, share))
        return self.peak_rate * rise * fall

    def _modules(self) -> dict[str, nn.Module]:
        return {
            "expert": self.expert,
            "heads": self.heads,
            "averaged": self.averaged,
            "averaged_heads": self.averaged_heads,
        }

    def save(self, checkpoint: Path) -> None:
        """Writes everything the training goes on from; a process stopped here leaves the old file whole."""
        state = {key: module.state_dict() for key, module in self._modules().items()}
        state |= {"optimiser": self.optimiser.state_dict(), "spent": self.spent, "step": self.step}
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)

    def load(self, checkpoint: Path) -> None:
        """Takes up what `save` wrote."""
        state = torch.load(checkpoint, weights_only=True)
        for key, module in self._modules().items():
            module.load_state_dict(state[key])
        self.optimiser.load_state_dict(state["optimiser"])
        self.spent, self.step = state["spent"], state["step"]

    def save_result(self, path: Path) -> None:
        """Writes the averaged weights."""
        state = {"expert": self.averaged.state_dict(), "heads": self.averaged_heads.state_dict()}
        torch.save(state | {"step": self.step}, path)


def _mask(spectra: Tensor, name: str, generator: torch.Generator) -> Tensor:
    """SpecAugment: a band and a stretch of time set to the example's mean, each in half of the examples."""
    count = len(spectra)
    frequency_axis = 2 if name == "vggish" else 1
    fill = spectra.mean((1, 2), keepdim=True)
    for axis, share in ((frequency_axis, 0.15), (3 - frequency_axis, 0.2)):
        size = spectra.shape[axis]
        width = torch.rand(count, generator=generator) * share * size
        width = torch.where(torch.rand(count, generator=generator) < 0.5, width, torch.zeros(count))
        start = torch.rand(count, generator=generator) * (size - width)
        place = torch.arange(size)
        hidden = (place >= start[:, None]) & (place < (start + width)[:, None])
        spectra = torch.where(hidden.unsqueeze(3 - axis), fill, spectra)
    return spectra


@torch.no_grad()
def _average(mean: nn.Module, now: nn.Module, keep: float) -> None:
    """Moves the averaged weights towards those of now; counters are copied."""
    for old, new in zip(mean.state_dict().values(), now.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.mul_(keep).add_(new, alpha=1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def expert_tokens(
    expert: nn.Module,
    name: str,
    waves: np.ndarray,
    config: StarterConfig,
    batch: int = 64,
    progress: bool = False,
) -> Tensor:
    """int16 scenes [n, scene_samples] -> features [n, tokens, dim] of a trained expert, in eval mode."""
    expert = expert.eval().to(memory_format=torch.channels_last)
    make_input = front_end(name)
    parts = []
    for start in tqdm(range(0, len(waves), batch), desc=f"features {name}", disable=not progress):
        wave = torch.from_numpy(waves[start : start + batch].astype(np.float32) / 32768)
        tokens = expert(make_input(cut_windows(wave, name, config)))
        parts.append(tokens.reshape(len(wave), -1, tokens.shape[-1]))
    return torch.cat(parts)
