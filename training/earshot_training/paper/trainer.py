"""The paper's training loop: steps, epochs, the best model so far, and what a stopped training goes on from
(reference facts 2.1 to 2.4)."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from earshot_training.errors import MendableError
from earshot_training.loss import max_margin_ranking_loss
from earshot_training.model import CENet
from earshot_training.optim import Ranger
from earshot_training.paper.config import Config
from earshot_training.paper.inputs import Batch

STATE_OF_RANGER = {"step", "exp_avg", "exp_avg_sq", "slow_buffer"}  # of each parameter


class TrainingError(MendableError):
    """A training that cannot go on. The message says what was expected and found."""


def choose_device(config: Config) -> torch.device:
    """The device of a configuration. Raises TrainingError where CUDA is asked for and there is none."""
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError:
        raise TrainingError(f"expected a device such as auto, cpu or cuda, found {config.device!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError("the device cuda was asked for, and this PyTorch finds no GPU")
    return device


def choose_precision(config: Config, device: torch.device) -> torch.dtype:
    """The type in which layers compute: float32 on the CPU; on CUDA bfloat16, or float16 on GPUs without
    it."""
    if config.precision != "auto":
        return getattr(torch, config.precision)
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


class Trainer:
    """A model in training. `epoch` counts whole epochs; `best_epoch` is 0 before any was the best.

    Of equally good epochs the later is kept. The best weights lie on the CPU.
    """

    def __init__(self, config: Config, model: CENet, device: torch.device):
        self.config, self.device = config, device
        self.model = model.to(device)
        self.optimiser = Ranger(self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.precision = choose_precision(config, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision is torch.float16)
        compiled = config.compile if config.compile is not None else device.type == "cuda"
        self._encode: Callable = torch.compile(_encode) if compiled else _encode
        self.epoch, self.best_epoch, self.best = 0, 0, 0.0
        self.best_weights: dict[str, Tensor] = self._weights()

    @property
    def lr(self) -> float:
        """The learning rate of the coming steps."""
        return self.optimiser.param_groups[0]["lr"]

    def similarity(self, batch: Batch) -> Tensor:
        """[B, B]: every text against every clip. Layers compute in `precision`, inner products in float32."""
        narrow = self.precision is not torch.float32
        context = torch.autocast(self.device.type, self.precision) if narrow else contextlib.nullcontext()
        with context:
            clip, text, weights = self._encode(self.model, batch.features, batch.availability, batch.words)
        clip, text = ({name: x.float() for name, x in side.items()} for side in (clip, text))
        return CENet.similarity(text, weights.float(), clip, batch.availability)

    def step(self, batch: Batch) -> Tensor:
        """One step of the optimiser. Returns the loss before it, still on the device."""
        self.model.train()
        loss = max_margin_ranking_loss(self.similarity(batch.to(self.device)), self.config.margin)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return loss.detach()

    def end_epoch(self, figure: float) -> None:
        """Counts an epoch whose validation gave `figure`, keeps the model if none was better, lowers the
        rate."""
        self.epoch += 1
        if figure >= self.best:
            self.best, self.best_epoch, self.best_weights = figure, self.epoch, self._weights()
        for group in self.optimiser.param_groups:
            group["lr"] *= self.config.gamma

    def _weights(self) -> dict[str, Tensor]:
        return {name: x.detach().cpu().clone() for name, x in self.model.state_dict().items()}

    def fine_tune(self, weights: Mapping[str, Tensor], optimiser: Mapping[str, Any] | None) -> None:
        """Starts from another training's result: its weights, and with them its optimiser's momenta, slow
        weights and decayed learning rate (reference fact 2.4). Without `optimiser` a fresh one begins at
        the configuration's rate.

        Raises TrainingError where the weights are of another architecture, or the state of another optimiser.
        """
        for state in (optimiser or {}).get("state", {}).values():
            if missing := STATE_OF_RANGER - set(state):
                raise TrainingError(
                    f"expected the optimiser's state to be Ranger's, found {', '.join(sorted(state))} without"
                    f" {', '.join(sorted(missing))}: start from a run that was trained with Ranger"
                )
        try:
            self.model.load_state_dict(dict(weights), strict=True)
            if optimiser is not None:
                self.optimiser.load_state_dict(dict(optimiser))
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise TrainingError(f"the weights to start from do not fit this model: {reason[:300]}") from None
        self.best_weights = self._weights()

    def state(self) -> dict[str, Any]:
        """All that the training goes on from."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epoch": self.epoch,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes up what `state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        if state["scaler"] and self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        self.epoch, self.best, self.best_epoch = state["epoch"], state["best"], state["best_epoch"]
        self.best_weights = state["best_weights"]


def _encode(
    model: CENet, features: dict[str, Tensor], availability: Tensor, words: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    return model.encode_clip(features, availability), *model.encode_text(words)
