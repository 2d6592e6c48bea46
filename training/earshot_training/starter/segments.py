"""Windows and segments of a recording, exactly as the runtime cuts them (docs/model-packs.md, "Windows and segments")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .config import StarterConfig
from .train_experts import front_end

SILENCE = 1e-4  # a segment whose samples all stay below this is not indexed


def window_count(samples: int, hop: int) -> int:
    """Windows of a recording: those that start inside it with at least a quarter of a hop of real audio; at least one."""
    return max(1, (samples - hop // 4) // hop + 1) if samples > 0 else 0


def segment_count(samples: int, config: StarterConfig) -> int:
    """Segments of a recording: the first, and each further one that hears something the one before did not."""
    if samples <= 0:
        return 0
    count = 1
    windows = max(window_count(samples, config.vggish_hop) * config.vggish_hop, window_count(samples, config.vggsound_hop) * config.vggsound_hop)
    while (count - 1) * config.segment_hop + config.segment < samples and count * config.segment_hop < windows:
        count += 1
    return count


@dataclass
class Segments:
    """Features of many segments. `vggish` [n, 4, 128], `vggsound` [n, 12, dim], `availability` [n, 2], `clip` [n] (index of the recording)."""

    vggish: Tensor
    vggsound: Tensor
    availability: Tensor
    clip: np.ndarray


@torch.no_grad()
def encode_recordings(recordings: list[np.ndarray], experts: dict[str, nn.Module], config: StarterConfig, batch: int = 128) -> Segments:
    """int16 recordings -> the features of all their segments that are not silent."""
    tokens: dict[str, list[Tensor]] = {}
    for name, window, hop in (
        ("vggish", config.vggish_window, config.vggish_hop),
        ("vggsound", config.vggsound_window, config.vggsound_hop),
    ):
        expert, make_input = experts[name].eval(), front_end(name)
        counts = [window_count(len(recording), hop) for recording in recordings]
        windows = np.zeros((sum(counts), window), np.int16)
        row = 0
        for recording, count in zip(recordings, counts):
            for i in range(count):
                piece = recording[i * hop : i * hop + window]
                windows[row, : len(piece)] = piece
                row += 1
        parts = [
            expert(make_input(torch.from_numpy(windows[i : i + batch].astype(np.float32) / 32768)))
            for i in range(0, len(windows), batch)
        ]
        tokens[name] = list(torch.split(torch.cat(parts), counts))
    rows: dict[str, list] = {"vggish": [], "vggsound": [], "availability": [], "clip": []}
    for number, recording in enumerate(recordings):
        for k in range(segment_count(len(recording), config)):
            heard = recording[k * config.segment_hop : k * config.segment_hop + config.segment]
            if len(heard) == 0 or np.abs(heard.astype(np.int32)).max() < SILENCE * 32768:
                continue
            available = []
            for name, hop in (("vggish", config.vggish_hop), ("vggsound", config.vggsound_hop)):
                first, take = k * config.segment_hop // hop, config.segment // hop
                found = tokens[name][number][first : first + take]
                per_window = found.shape[1] if found.ndim == 3 else 1
                full = torch.zeros(take * per_window, found.shape[-1])
                full[: len(found) * per_window] = found.reshape(-1, found.shape[-1])
                rows[name].append(full)
                available.append(float(len(found) > 0))
            rows["availability"].append(available)
            rows["clip"].append(number)
    return Segments(
        torch.stack(rows["vggish"]), torch.stack(rows["vggsound"]), torch.tensor(rows["availability"]), np.array(rows["clip"])
    )
