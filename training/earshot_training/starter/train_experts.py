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
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from .config import StarterConfig
from .experts import Heads, SlimVGGish, SlimVGGSound
from .pool import open_entries, open_waves
from .spectra import FastLogMel, FastSpectrogram


def make_expert(name: str, config: StarterConfig) -> nn.Module:
    """The untrained network of expert `vggish` or `vggsound`."""
    if name == "vggish":
        return SlimVGGish(config.vggish_width, config.vggish_dim)
    return SlimVGGSound(config.vggsound_width)


def cut_windows(waves: Tensor, name: str, config: StarterConfig) -> Tensor:
    """float32 scenes [n, scene_samples] -> the expert's windows [n * windows, window samples]."""
    window, hop = (
        (config.vggish_window, config.vggish_hop)
        if name == "vggish"
        else (config.vggsound_window, config.vggsound_hop)
    )
    count = config.segment // hop
    return waves[:, : (count - 1) * hop + window].unfold(1, window, hop).reshape(-1, window)


def front_end(name: str):
    """The fast front end of an expert: windows -> its network's input."""
    return FastLogMel() if name == "vggish" else FastSpectrogram()


def _mask(spectra: Tensor, name: str, generator: torch.Generator) -> Tensor:
    """SpecAugment: one band and one stretch of time set to the example's mean, each in half of the examples."""
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


def train_expert(name: str, kinds: list[str], clip_kinds: dict[str, str], config: StarterConfig, folder: Path, validation=None) -> Path:
    """Trains expert `name` on the pool in `folder`; returns the file with its weights.

    `clip_kinds` maps clip id to kind; `validation(expert, heads) -> dict` is called now and then with the averaged weights.
    """
    result, checkpoint, log = (folder / f"{name}{end}" for end in (".pt", ".checkpoint.pt", ".log.jsonl"))
    if result.exists():
        return result
    torch.manual_seed(config.seed)
    waves, entries = open_waves(config, folder), open_entries(folder)
    windows = config.windows_per_scene
    probabilities = np.memmap(folder / "teacher_probabilities.u8", np.uint8, "r").reshape(len(waves), windows, -1)
    features = np.memmap(folder / "teacher_embeddings.u8", np.uint8, "r").reshape(len(waves), windows, -1)
    place = {kind: i for i, kind in enumerate(kinds)}
    expert = make_expert(name, config).to(memory_format=torch.channels_last)
    heads = Heads(expert.dim, len(kinds))
    averaged, averaged_heads = copy.deepcopy(expert), copy.deepcopy(heads)
    both = nn.ModuleList([expert, heads])
    decayed = [p for p in both.parameters() if p.ndim > 1]
    plain = [p for p in both.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.expert_weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.expert_lr,
    )
    spent, step = 0.0, 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        for key, module in (("expert", expert), ("heads", heads), ("averaged", averaged), ("averaged_heads", averaged_heads)):
            module.load_state_dict(state[key])
        optimiser.load_state_dict(state["optimiser"])
        spent, step = state["spent"], state["step"]
    budget = config.expert_minutes * 60
    make_input = front_end(name)
    last_save, last_check = spent, spent
    bar = tqdm(total=int(budget), initial=int(spent), desc=f"expert {name} (s)")
    while spent < budget:
        began = time.monotonic()
        rng = np.random.default_rng([config.seed, 17, step])
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        chosen = np.sort(rng.choice(len(waves), config.expert_batch, replace=False))
        batch = torch.from_numpy(waves[chosen].astype(np.float32) / 32768)
        target_classes = torch.from_numpy(probabilities[chosen].astype(np.float32) / 255)
        target_features = torch.from_numpy(np.sqrt(features[chosen].astype(np.float32)))
        target_kinds = torch.zeros(len(chosen), len(kinds))
        for row, number in enumerate(chosen):
            clips = entries[number]["clips"]
            for clip in clips:
                target_kinds[row, place[clip_kinds[clip]]] += 1 / len(clips)
        with torch.no_grad():
            spectra = _mask(make_input(cut_windows(batch, name, config)), name, generator)
        tokens = expert(spectra)
        tokens = tokens.reshape(len(chosen), -1, tokens.shape[-1])
        classes, guessed, kind_logits = heads(tokens, windows)
        loss_classes = F.binary_cross_entropy_with_logits(classes, target_classes, reduction="none").sum(-1).mean() / 10
        loss_features = 1 - F.cosine_similarity(guessed, target_features, dim=-1, eps=1e-4).mean()
        loss_kinds = F.cross_entropy(kind_logits, target_kinds, label_smoothing=0.05)
        loss = (
            config.teacher_weight * loss_classes
            + config.embedding_weight * 2 * loss_features
            + config.label_weight * 0.5 * loss_kinds
        )
        share = spent / budget
        rate = config.expert_lr * min(1.0, share / 0.03 + 0.02) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 5.0)
        optimiser.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        for mean, now in ((averaged, expert), (averaged_heads, heads)):
            _average(mean, now, keep)
        spent += time.monotonic() - began
        bar.update(int(spent) - bar.n)
        if step % 20 == 0:
            row = {"step": step, "spent": round(spent), "loss": loss.item(), "classes": loss_classes.item(), "features": loss_features.item(), "kinds": loss_kinds.item()}
            if validation is not None and spent - last_check > 300:
                last_check = spent
                row |= validation(averaged, averaged_heads)
                tqdm.write(json.dumps(row))
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")
        if spent - last_save > 120 or spent >= budget:
            last_save = spent
            torch.save(
                {"expert": expert.state_dict(), "heads": heads.state_dict(), "averaged": averaged.state_dict(),
                 "averaged_heads": averaged_heads.state_dict(), "optimiser": optimiser.state_dict(), "spent": spent, "step": step},
                checkpoint,
            )  # fmt: skip
    torch.save({"expert": averaged.state_dict(), "heads": averaged_heads.state_dict(), "step": step}, result)
    return result


@torch.no_grad()
def _average(mean: nn.Module, now: nn.Module, keep: float) -> None:
    for old, new in zip(mean.state_dict().values(), now.state_dict().values()):
        if old.dtype.is_floating_point:
            old.mul_(keep).add_(new, alpha=1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()
def expert_tokens(expert: nn.Module, name: str, waves: np.ndarray, config: StarterConfig, batch: int = 64) -> Tensor:
    """int16 scenes [n, scene_samples] -> features [n, tokens, dim] of a trained expert, in eval mode."""
    expert.eval()
    make_input = front_end(name)
    parts = []
    for start in range(0, len(waves), batch):
        wave = torch.from_numpy(waves[start : start + batch].astype(np.float32) / 32768)
        tokens = expert(make_input(cut_windows(wave, name, config)))
        parts.append(tokens.reshape(len(wave), -1, tokens.shape[-1]))
    return torch.cat(parts)
