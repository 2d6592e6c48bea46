"""The table of experts: parameters, multiply-accumulates and speed (`earshot-training experts table`)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from earshot_training.experts.build import build_expert
from earshot_training.experts.expert import AudioExpert, Expert
from earshot_training.experts.random_weights import random_expert

ROWS = ("vggish", "vggsound", "inst", "scene", "r2p1d")


@dataclass(frozen=True)
class ExpertFigures:
    """One row. `macs` of one window; `window_seconds`: how far apart two windows start; `seconds`: of one
    processor that it takes, or None where that was not measured."""

    name: str
    window: str
    output: tuple[int, int]
    parameters: int
    macs: int
    window_seconds: float
    seconds: float | None = None

    @property
    def times_real_time(self) -> float | None:
        """Seconds of media a second: above 1 is faster than real time."""
        return self.window_seconds / self.seconds if self.seconds else None


def parameter_count(expert: Expert) -> int:
    """Trainable parameters of the public network, its class scores included."""
    return sum(parameter.numel() for parameter in expert.network.parameters())


def multiply_accumulates(expert: Expert) -> int:
    """Of one window: convolutions and matrix products, the front end's included, the class scores' not.

    An expert built with device="meta" is enough; nothing is computed.
    """
    expert = expert.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        expert(expert.example(1).to("meta"))
    return counter.get_total_flops() // 2


def measure(name: str, timed: bool = True, repeats: int = 3) -> ExpertFigures:
    """An expert's row.

    With `timed` it runs windows with made-up weights on one thread; the fastest counts.
    """
    expert = build_expert(name, device="meta")
    figures = ExpertFigures(
        name,
        _window(expert),
        (expert.tokens_per_window, expert.facts.dim),
        parameter_count(expert),
        multiply_accumulates(expert),
        expert.window_seconds,
    )
    return _timed(figures, repeats) if timed else figures


def _timed(figures: ExpertFigures, repeats: int) -> ExpertFigures:
    expert = random_expert(figures.name, seed=0)
    window = expert.example(1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    taken = []
    with torch.no_grad():
        for _ in range(repeats):
            start = time.process_time()  # not the clock: other work on the machine should not count
            expert(window)
            taken.append(time.process_time() - start)
    torch.set_num_threads(threads)
    return ExpertFigures(**{**vars(figures), "seconds": min(taken)})


def markdown(rows: Sequence[ExpertFigures]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| expert | window | features | parameters | MACs / window | MACs / second | a window | real time |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        tokens, dim = row.output
        cells = (
            row.name,
            row.window,
            f"{tokens} x {dim}",
            f"{row.parameters:,}",
            f"{row.macs / 1e9:.2f} G",
            f"{row.macs / row.window_seconds / 1e9:.2f} G",
            "-" if row.seconds is None else f"{row.seconds * 1e3:,.0f} ms",
            "-" if row.times_real_time is None else f"{row.times_real_time:.3g}x",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _window(expert: Expert) -> str:
    if isinstance(expert, AudioExpert):
        rate = expert.SAMPLE_RATE
        return f"{expert.window_samples / rate:.3g} s every {expert.hop_samples / rate:.3g} s"
    frames = "1 frame" if expert.frames_per_window == 1 else f"{expert.frames_per_window} frames"
    every = "" if expert.hop_frames == 1 else f", every {expert.hop_frames} frames"
    return f"{frames} at {expert.frames_per_second:g}/s{every}"
