import numpy as np
import pytest
import torch
from conftest import committed_arrays, golden, golden_arrays, needs_shared

from earshot_training.checkpoint import build_model, read_checkpoint
from earshot_training.optim import Ranger, rectified_rate


def follow(arrays, atol=5e-6):
    """Steps Ranger through a recorded run and compares each value on the way."""
    count = sum(key.startswith("init") for key in arrays)
    parameters = [torch.nn.Parameter(torch.from_numpy(arrays[f"init{i}"].copy())) for i in range(count)]
    optimiser = Ranger(parameters, lr=0.01, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 5, 0.95)
    for step in range(len(arrays["lrs"])):
        assert optimiser.param_groups[0]["lr"] == pytest.approx(arrays["lrs"][step])
        for i, parameter in enumerate(parameters):
            parameter.grad = torch.from_numpy(arrays[f"grads{i}"][step].copy())
        optimiser.step()
        schedule.step()
        for i, parameter in enumerate(parameters):
            np.testing.assert_allclose(
                parameter.detach(), arrays[f"after{i}"][step], atol=atol, err_msg=f"step {step}"
            )
    for i, parameter in enumerate(parameters):
        np.testing.assert_allclose(optimiser.state[parameter]["slow_buffer"], arrays[f"slow{i}"], atol=atol)


@needs_shared
def test_ranger_follows_the_reference_step_by_step():
    follow(golden_arrays("metrics/ranger.npz"))


def test_ranger_follows_the_committed_run():
    follow(committed_arrays("ranger"))


def test_the_adaptive_rate_starts_at_the_sixth_step():
    rates = [rectified_rate(step, 0.95, 0.999, 5) for step in range(1, 8)]
    assert [adaptive for _, adaptive in rates] == [False] * 5 + [True] * 2
    assert rates[5][0] * (1 - 0.95**6) == pytest.approx(0.00754 * (1 - 0.95**6), rel=2e-3)
    assert rates[6][0] == pytest.approx(0.00907, rel=2e-3)


@needs_shared
def test_ranger_goes_on_from_the_state_in_a_reference_checkpoint():
    checkpoint = read_checkpoint(golden("retrieval/ce-vggish-only-small.pth"))
    model = build_model(checkpoint.state_dict, ["audio"])
    optimiser = Ranger(model.parameters())
    optimiser.load_state_dict(checkpoint.optimizer)
    assert optimiser.param_groups[0]["lr"] == 0.01
    state = optimiser.state[model.ce.moe_fc.weight]
    step = state["step"]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    assert state["step"] == step + 1 and state["slow_buffer"].shape == model.ce.moe_fc.weight.shape


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped():
    def run(stop_at):
        torch.manual_seed(3)
        parameter = torch.nn.Parameter(torch.randn(4))
        optimiser = Ranger([parameter], lr=0.01)
        for step in range(20):
            if step == stop_at:
                saved, parameter = optimiser.state_dict(), torch.nn.Parameter(parameter.detach().clone())
                optimiser = Ranger([parameter], lr=0.01)
                optimiser.load_state_dict(saved)
            parameter.grad = torch.sin(parameter.detach() * step)
            optimiser.step()
        return parameter.detach()

    torch.testing.assert_close(run(stop_at=9), run(stop_at=None))


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="lr > 0"):
        Ranger([torch.nn.Parameter(torch.ones(1))], lr=0.0)
