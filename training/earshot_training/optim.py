"""Ranger, version 9.3.19: RAdam with Lookahead (reference fact 2.2)."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor


class Ranger(torch.optim.Optimizer):
    """RAdam and Lookahead on each tensor; decoupled weight decay on every parameter, biases and batch norms
    included.

    While the variance of the adaptive rate cannot be rectified (the first five steps with the default
    betas), a step is plain momentum without the adaptive denominator. Every `k` steps the weights move to
    the slow copy, which has gone the share `alpha` of the way to them. State per parameter: step, exp_avg,
    exp_avg_sq, slow_buffer, named as in the reference's checkpoints.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.95, 0.999),
        eps: float = 1e-5,
        alpha: float = 0.5,
        k: int = 6,
        N_sma_threshhold: float = 5,  # the reference's spelling, under which its checkpoints hold the value
    ):
        if lr <= 0 or eps <= 0 or k < 1 or not 0 <= alpha <= 1:
            raise ValueError("Ranger needs lr > 0, eps > 0, k >= 1 and alpha between 0 and 1")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "betas": betas, "eps": eps, "alpha": alpha, "k": k,
            "N_sma_threshhold": N_sma_threshhold,
        }  # fmt: skip
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One step for every parameter that has a gradient; returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
            state["slow_buffer"] = parameter.clone()
        state["step"] += 1
        step, lr, (beta1, beta2) = state["step"], group["lr"], group["betas"]

        state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        state["exp_avg"].mul_(beta1).add_(gradient, alpha=1 - beta1)
        if group["weight_decay"]:
            parameter.mul_(1 - lr * group["weight_decay"])

        rate, adaptive = rectified_rate(step, beta1, beta2, group["N_sma_threshhold"])
        if adaptive:
            denominator = state["exp_avg_sq"].sqrt().add_(group["eps"])
            parameter.addcdiv_(state["exp_avg"], denominator, value=-lr * rate)
        else:
            parameter.add_(state["exp_avg"], alpha=-lr * rate)

        if step % group["k"] == 0:
            state["slow_buffer"].add_(parameter - state["slow_buffer"], alpha=group["alpha"])
            parameter.copy_(state["slow_buffer"])


def rectified_rate(step: int, beta1: float, beta2: float, threshold: float) -> tuple[float, bool]:
    """RAdam's factor on the rate at a step (from 1), and whether the adaptive denominator is used."""
    n_max = 2 / (1 - beta2) - 1
    beta2_t = beta2**step
    n = n_max - 2 * step * beta2_t / (1 - beta2_t)
    momentum_correction = 1 - beta1**step
    if n <= threshold:
        return 1 / momentum_correction, False
    variance = (1 - beta2_t) * (n - 4) / (n_max - 4) * (n - 2) / n * n_max / (n_max - 2)
    return math.sqrt(variance) / momentum_correction, True
