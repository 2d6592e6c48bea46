import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import golden, golden_arrays, golden_json, needs_shared
from toy_dataset import toy_dataset

from earshot_training.checkpoint import build_model, read_checkpoint
from earshot_training.checkpoint.settings import check_settings, read_settings
from earshot_training.datasets import DatasetError, open_dataset
from earshot_training.loss import max_margin_ranking_loss
from earshot_training.optim import Ranger
from earshot_training.paper import run as run_module
from earshot_training.paper.config import Config, from_json
from earshot_training.paper.evaluation import evaluate
from earshot_training.paper.inputs import Batch, Inputs, epoch_batches, made_ahead
from earshot_training.paper.network import build_network
from earshot_training.paper.provenance import git_revision
from earshot_training.paper.reference_form import CHECKPOINT_FILE, save_checkpoint
from earshot_training.paper.run import Run, RunError, find_start
from earshot_training.paper.trainer import Trainer, TrainingError, choose_device, choose_precision

CPU = torch.device("cpu")
SMALL = {
    "epochs": 2, "batch_size": 8, "shared_dim": 24, "text_clusters": 4, "seeds": [0],
    "tokens": {"text": 4, "vggish": 5, "vggsound": 5},
}  # fmt: skip


def small(**changes):
    return from_json(SMALL | changes)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("toy") / "data", experts=("vggish", "vggsound", "inst"))


def make_run(dataset, folder, seed=0, start=None, **changes):
    config = small(**changes)
    return Run(config, Inputs(dataset, config), seed, folder, start)


def carry_out(*arguments, **settings):
    return make_run(*arguments, **settings).carry_out(lambda line: None)


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def without_times(rows):
    return [{name: value for name, value in row.items() if not name.endswith("seconds")} for row in rows]


def new_trainer(dataset, **changes):
    config = small(**changes)
    inputs = Inputs(dataset, config)
    return Trainer(config, build_network(config, dataset, inputs.experts, inputs.word_dim), CPU), inputs


# --- a step, an epoch ---


@needs_shared
@pytest.mark.parametrize("stem", ("ce-vggish-vggsound-small", "ce-vggish-only-small"))
def test_the_trainer_s_steps_follow_the_reference_s(stem):
    facts = golden_json(f"retrieval/{stem}.train.json")
    trace = golden_arrays(f"retrieval/{stem}.train.npz")
    experts = golden_json(f"retrieval/{stem}.json")["modalities_in_model_order"]
    model = build_model(read_checkpoint(golden(f"retrieval/{stem}.pth")).state_dict, experts)
    trainer = Trainer(Config(margin=facts["margin"]), model, CPU)
    features = {name: torch.from_numpy(trace[f"in__feat__{name}"]) for name in experts}
    availability = torch.from_numpy(np.stack([trace[f"in__ind__{name}"] for name in experts], axis=1))
    batch = Batch(features, availability, torch.from_numpy(trace["in__text"])[:, 0])
    for step in range(facts["steps"]):
        assert trainer.lr == pytest.approx(trace["lrs"][step])
        assert trainer.step(batch).item() == pytest.approx(
            trace["losses"][step], abs=1e-4 if step < 6 else 5e-3
        )
        if step % 4 == 3:
            trainer.end_epoch(0.0)
    named = dict(trainer.model.named_parameters())
    norms = [named[name].detach().norm().item() for name in facts["param_names"]]
    np.testing.assert_allclose(norms, trace["final_param_norms"], rtol=2e-3, atol=1e-3)


def test_a_step_is_the_loss_of_the_batch_and_one_step_of_ranger(toy):
    trainer, inputs = new_trainer(toy)
    batch = inputs.batch(toy.splits["train"][:6], np.random.default_rng(0))
    twin, _ = new_trainer(toy)
    twin.model.load_state_dict(trainer.model.state_dict())
    optimiser = Ranger(twin.model.parameters(), lr=0.01, weight_decay=0.001)
    twin.model.train()
    output = twin.model(batch.features, batch.availability, batch.words)
    loss = max_margin_ranking_loss(output.similarity, 0.2)
    loss.backward()
    optimiser.step()
    torch.testing.assert_close(trainer.step(batch), loss.detach())
    for name, value in twin.model.state_dict().items():
        torch.testing.assert_close(trainer.model.state_dict()[name], value)


def test_an_epoch_visits_every_clip_once_and_keeps_its_last_partial_batch():
    batches = epoch_batches(np.arange(100, 123), 5, np.random.default_rng(1))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate(batches)) == list(range(100, 123))
    assert list(np.concatenate(batches)) != list(range(100, 123))


def test_a_last_batch_of_one_clip_joins_the_batch_before_it():
    batches = epoch_batches(np.arange(11), 5, np.random.default_rng(1))
    assert [len(batch) for batch in batches] == [5, 6]
    assert sorted(np.concatenate(batches)) == list(range(11))


def test_batches_are_made_one_ahead_in_their_order():
    made = []

    def make(number):
        if number == 4:
            raise ValueError("four")
        made.append(number)
        return number

    batches = made_ahead(make, range(6))
    assert next(batches) == 0 and set(made) <= {0, 1}
    assert [next(batches) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="four"):
        next(batches)


def test_training_draws_one_of_a_clip_s_captions_and_validation_takes_the_first(toy):
    inputs = Inputs(toy, small())
    rows = toy.splits["val"][:1]  # has three captions
    rng = np.random.default_rng(0)
    drawn = {inputs.batch(rows, rng).words.numpy().tobytes() for _ in range(40)}
    assert len(drawn) == 3
    assert inputs.validation(rows).words[:, 0].tobytes() in drawn
    assert inputs.validation(rows).caption_mask.tolist() == [[1.0]]
    assert inputs.test(rows).caption_mask.tolist() == [[1.0, 1.0, 1.0, 0.0, 0.0]]


def test_of_equally_good_epochs_the_later_is_kept(toy):
    trainer, _ = new_trainer(toy)
    for figure in (3.0, 5.0, 5.0, 4.0):
        with torch.no_grad():
            trainer.model.ce.moe_fc.bias.fill_(figure + trainer.epoch)
        trainer.end_epoch(figure)
    assert (trainer.best_epoch, trainer.best, trainer.epoch) == (3, 5.0, 4)
    assert trainer.best_weights["ce.moe_fc.bias"].tolist() == [7.0, 7.0]


def test_the_rate_is_lowered_after_each_epoch(toy, tmp_path):
    carry_out(toy, tmp_path, epochs=3)
    assert [row["lr"] for row in log_of(tmp_path)] == pytest.approx(
        [0.01 * 0.95**epoch for epoch in range(3)]
    )


# --- a run ---


def test_a_short_training_retrieves_far_better_than_chance(toy, tmp_path):
    result = carry_out(toy, tmp_path, epochs=4, batch_size=4)
    chance = 100 * 5 / len(toy.splits["test"])
    assert (
        result["test"]["t2a"]["R5"] > 2 * chance
        and result["test"]["a2t"]["MedR"] < len(toy.splits["test"]) / 3
    )
    losses = [row["loss"] for row in log_of(tmp_path)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_run_writes_its_figures_settings_revision_log_and_picture(toy, tmp_path):
    result = carry_out(toy, tmp_path, seed=3)
    assert json.loads((tmp_path / "metrics.json").read_text()) == result
    assert result["seed"] == 3 and result["parameters"] > 0 and set(result["test"]) == {"t2a", "a2t"}
    assert set(result["versions"]) == {"python", "torch", "numpy", "device"} and "git" in result
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings["seed"] == 3 and settings["earshot"]["config"]["batch_size"] == 8
    assert [row["epoch"] for row in log_of(tmp_path)] == [1, 2]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "state.pt").exists()


def test_the_revision_is_that_of_the_program_s_repository(tmp_path):
    assert git_revision(tmp_path) is None
    folder = Path(run_module.__file__).parent
    head = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        pytest.skip("the package does not lie in a repository")
    assert git_revision()["commit"] == head.stdout.strip() and git_revision()["modified"] in (True, False)


def test_a_seed_decides_everything(toy, tmp_path):
    first, again, other = (
        carry_out(toy, tmp_path / name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first["test"] == again["test"] and first["test"] != other["test"]
    weights = [read_checkpoint(tmp_path / name / CHECKPOINT_FILE).state_dict for name in "abc"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["ce.moe_fc.weight"], weights[2]["ce.moe_fc.weight"])


def test_the_model_is_made_before_any_data_are_drawn(toy, tmp_path):
    larger = toy_dataset(tmp_path / "larger", train=90, seed=4)
    begun = [make_run(dataset, tmp_path / name)._begin(CPU) for name, dataset in (("a", toy), ("b", larger))]
    weights = [trainer.model.state_dict() for trainer, _ in begun]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert begun[0][1] == begun[1][1]


def test_the_checkpoint_is_of_the_best_epoch_and_its_optimiser_of_the_last(toy, tmp_path, monkeypatch):
    figures = iter((9.0, 1.0, 1.0))
    end_epoch = Trainer.end_epoch
    monkeypatch.setattr(Trainer, "end_epoch", lambda trainer, _: end_epoch(trainer, next(figures)))
    run = make_run(toy, tmp_path, epochs=3)
    result = run.carry_out(lambda line: None)
    checkpoint = read_checkpoint(tmp_path / CHECKPOINT_FILE)
    assert (checkpoint.arch, checkpoint.epoch, checkpoint.monitor_best) == ("CENet", 1, 9.0)
    assert result["best_epoch"] == 1
    group, states = checkpoint.optimizer["param_groups"][0], checkpoint.optimizer["state"]
    assert group["lr"] == pytest.approx(0.01 * 0.95**3)
    assert {state["step"] for state in states.values()} == {3 * 8}  # 60 clips in batches of 8
    assert set(states[0]) == {"step", "exp_avg", "exp_avg_sq", "slow_buffer"}
    model = build_model(checkpoint.state_dict, read_settings(checkpoint.config).experts)
    assert evaluate(model, run.inputs.test, run.test, CPU) == result["test"]


@pytest.mark.parametrize("experts", (["vggsound", "vggish"], ["vggish"], ["vggsound", "inst", "vggish"]))
@pytest.mark.parametrize("model", ("ce", "moee"))
def test_a_checkpoint_describes_itself_as_the_reference_s_do(toy, tmp_path, experts, model):
    trainer, inputs = new_trainer(toy, experts=experts, model=model)
    run = Run(trainer.config, inputs, 0, tmp_path)
    save_checkpoint(tmp_path / CHECKPOINT_FILE, trainer, run._open())
    checkpoint = read_checkpoint(tmp_path / CHECKPOINT_FILE)
    settings = read_settings(checkpoint.config)
    rebuilt = build_model(checkpoint.state_dict, settings.experts)
    check_settings(checkpoint.config, rebuilt)
    assert list(rebuilt.experts) == sorted(rebuilt.experts)
    assert settings.max_tokens["audio"] == 5 and settings.text_tokens == 4
    assert checkpoint.config == json.loads((tmp_path / "config.json").read_text())


# --- stopped and taken up again ---


def test_a_stopped_run_ends_as_if_it_had_never_stopped(toy, tmp_path, monkeypatch):
    whole = carry_out(toy, tmp_path / "whole", epochs=4)
    steps = 0
    step = Trainer.step

    def stop_in_the_third_epoch(trainer, batch):
        nonlocal steps
        steps += 1
        if steps == 8 * 2 + 3:
            raise KeyboardInterrupt
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "step", stop_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        carry_out(toy, tmp_path / "stopped", epochs=4)
    monkeypatch.setattr(Trainer, "step", step)
    assert [row["epoch"] for row in log_of(tmp_path / "stopped")] == [1, 2]
    torch.manual_seed(99)  # of no influence
    resumed = carry_out(toy, tmp_path / "stopped", epochs=4)
    assert_same(tmp_path / "whole", tmp_path / "stopped")
    assert resumed["test"] == whole["test"]


def assert_same(first, second):
    """Two runs came to the same, bit for bit."""
    assert without_times(log_of(first)) == without_times(log_of(second))
    one, two = (read_checkpoint(folder / CHECKPOINT_FILE) for folder in (first, second))
    for name, value in one.state_dict.items():
        assert torch.equal(value, two.state_dict[name]), name
    for number, state in one.optimizer["state"].items():
        for name, value in state.items():
            other = two.optimizer["state"][number][name]
            assert torch.equal(value, other) if torch.is_tensor(value) else value == other, name
    assert one.optimizer["param_groups"] == two.optimizer["param_groups"]


def test_a_killed_run_ends_as_if_it_had_never_been_killed(tmp_path):
    dataset = toy_dataset(tmp_path / "data")
    settings = tmp_path / "small.json"
    settings.write_text(json.dumps(SMALL | {"epochs": 8}))
    command = [
        sys.executable, "-m", "earshot_training.cli", "train", "--config", str(settings), "--data",
        str(dataset.folder), "--output", str(tmp_path / "killed"),
    ]  # fmt: skip
    folder = tmp_path / "killed" / "seed-0"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + 120
        while not (folder / "log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (folder / "state.pt").exists() and not (folder / "metrics.json").exists()
    done = len(log_of(folder))
    assert 1 <= done < 8
    carry_out(open_dataset(dataset.folder), folder, epochs=8)
    carry_out(dataset, tmp_path / "whole", epochs=8)
    assert_same(tmp_path / "whole", folder)


def test_a_done_run_is_not_trained_again(toy, tmp_path, monkeypatch):
    result = carry_out(toy, tmp_path)
    monkeypatch.setattr(Trainer, "step", None)
    assert carry_out(toy, tmp_path) == result


def test_a_folder_that_holds_another_run_is_refused(toy, tmp_path):
    carry_out(toy, tmp_path, epochs=1)
    with pytest.raises(RunError, match=r"of other settings: expected outcome lr = 0\.02, found 0\.01"):
        carry_out(toy, tmp_path, epochs=1, lr=0.02)
    with pytest.raises(RunError, match="expected seed 1, found 0"):
        carry_out(toy, tmp_path, seed=1, epochs=1)


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "state.pt"])
def test_a_damaged_file_of_a_run_is_named(toy, tmp_path, name):
    carry_out(toy, tmp_path, epochs=1)
    if name == "state.pt":
        (tmp_path / "metrics.json").unlink()
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(RunError, match=rf"{name}.* delete it to begin the run anew"):
        carry_out(toy, tmp_path, epochs=1)


# --- fine-tuning ---


def test_fine_tuning_begins_at_the_rate_that_twenty_epochs_left(toy, tmp_path):
    trainer, inputs = new_trainer(toy)
    trainer.step(inputs.batch(toy.splits["train"][:8], np.random.default_rng(0)))
    for _ in range(20):
        trainer.end_epoch(1.0)
    save_checkpoint(tmp_path / CHECKPOINT_FILE, trainer, {})
    checkpoint = read_checkpoint(tmp_path / CHECKPOINT_FILE)
    tuned, _ = new_trainer(toy)
    tuned.fine_tune(checkpoint.state_dict, checkpoint.optimizer)
    assert tuned.lr == pytest.approx(0.0035849, abs=5e-8)
    assert (tuned.epoch, tuned.best, tuned.best_epoch) == (0, 0.0, 0)
    for name, value in trainer.best_weights.items():
        assert torch.equal(tuned.model.state_dict()[name], value)
    first = next(iter(tuned.model.parameters()))
    assert tuned.optimiser.state[first]["step"] == 1
    for key in ("exp_avg", "exp_avg_sq", "slow_buffer"):
        assert torch.equal(tuned.optimiser.state[first][key], trainer.optimiser.state_dict()["state"][0][key])


@needs_shared
def test_fine_tuning_starts_from_the_reference_s_own_checkpoint():
    checkpoint = read_checkpoint(golden("retrieval/ce-vggish-only-small.pth"))
    model = build_model(checkpoint.state_dict, ["audio"])
    trainer = Trainer(Config(lr=0.5), model, CPU)
    trainer.fine_tune(checkpoint.state_dict, checkpoint.optimizer)
    assert trainer.lr == checkpoint.optimizer["param_groups"][0]["lr"]
    steps = {state["step"] for state in trainer.optimiser.state.values()}
    assert steps == {state["step"] for state in checkpoint.optimizer["state"].values()} and steps != {0}


def test_the_state_of_another_optimiser_is_refused(toy):
    trainer, _ = new_trainer(toy)
    adam = torch.optim.Adam(trainer.model.parameters())
    sum(parameter.sum() for parameter in trainer.model.parameters()).backward()
    adam.step()
    with pytest.raises(
        TrainingError, match=r"expected the optimiser.s state to be Ranger.s, found .*slow_buffer"
    ):
        trainer.fine_tune(trainer.model.state_dict(), adam.state_dict())


def test_a_fine_tuned_run_goes_on_from_the_other_s_optimiser_with_other_token_limits(toy, tmp_path):
    carry_out(toy, tmp_path / "before", epochs=2)
    other = toy_dataset(tmp_path / "data", name="clotho", seed=8)
    start = find_start(tmp_path / "before", 0)
    longer = {"text": 6, "vggish": 7, "vggsound": 9}
    result = carry_out(other, tmp_path / "after", start=start, tokens=longer, epochs=2)
    rows = log_of(tmp_path / "after")
    assert [row["lr"] for row in rows] == pytest.approx([0.01 * 0.95**2, 0.01 * 0.95**3])
    assert [row["epoch"] for row in rows] == [1, 2]
    assert result["fine_tuned_from"] == str(start)
    before = read_checkpoint(start).optimizer["state"][0]["step"]
    after = read_checkpoint(tmp_path / "after" / CHECKPOINT_FILE).optimizer["state"][0]["step"]
    assert after == before + 2 * 8
    fresh = carry_out(other, tmp_path / "fresh", tokens=longer, epochs=2)
    assert log_of(tmp_path / "after")[0]["loss"] < 0.8 * log_of(tmp_path / "fresh")[0]["loss"] and fresh


def test_weights_of_another_architecture_are_refused(toy, tmp_path):
    carry_out(toy, tmp_path / "before", epochs=1, model="moee")
    start = find_start(tmp_path / "before", 0)
    with pytest.raises(TrainingError, match="do not fit this model"):
        carry_out(toy, tmp_path / "after", start=start, epochs=1)


def test_a_run_to_start_from_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"expected trained_model.pth there or in its seed-2, found neither"):
        find_start(tmp_path, 2)
    (tmp_path / "seed-2").mkdir()
    (tmp_path / "seed-2" / CHECKPOINT_FILE).touch()
    assert find_start(tmp_path, 2) == tmp_path / "seed-2" / CHECKPOINT_FILE


# --- what a data set lacks ---


def test_a_missing_flaky_expert_is_trained_around(tmp_path):
    dataset = toy_dataset(tmp_path / "data", missing={(3, "vggish"), (61, "vggish"), (80, "vggsound")})
    result = carry_out(dataset, tmp_path / "run")
    assert np.isfinite(result["test"]["t2a"]["MeanR"])


def test_a_missing_expert_that_is_not_flaky_is_refused(tmp_path):
    dataset = toy_dataset(tmp_path / "data", missing={(3, "vggsound")})
    with pytest.raises(DatasetError, match=r"vggsound of every training clip.*clip_003"):
        carry_out(dataset, tmp_path / "run")


def test_a_clip_without_any_of_the_experts_is_refused(tmp_path):
    dataset = toy_dataset(tmp_path / "data", missing={(3, "vggish")})
    with pytest.raises(DatasetError, match=r"at least one of vggish for every clip .*clip_003"):
        make_run(dataset, tmp_path / "run", experts=["vggish"])


def test_an_expert_that_the_data_set_lacks_is_refused(toy, tmp_path):
    with pytest.raises(DatasetError, match="scene"):
        make_run(toy, tmp_path / "run", experts=["scene", "vggish"])


def test_a_loss_that_is_not_finite_ends_the_training(toy, tmp_path):
    with pytest.raises(TrainingError, match="expected a finite loss, found nan"):
        carry_out(toy, tmp_path / "run", lr=1e30)
    assert not (tmp_path / "run" / "metrics.json").exists()


# --- machines ---


def test_the_cpu_trains_in_float32_and_a_gpu_that_is_not_there_is_refused(monkeypatch):
    assert choose_precision(Config(), CPU) is torch.float32
    assert choose_precision(Config(precision="bfloat16"), CPU) is torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device(Config()) == CPU
    with pytest.raises(TrainingError, match="finds no GPU"):
        choose_device(Config(device="cuda"))
    with pytest.raises(TrainingError, match="expected a device such as auto, cpu or cuda, found 'abacus'"):
        choose_device(Config(device="abacus"))


def test_the_layers_are_compiled_whole_for_batches_of_any_size_where_that_is_asked_for(toy, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    (plain, inputs), (compiled, _) = new_trainer(toy), new_trainer(toy, compile=True)
    compiled.model.load_state_dict(plain.model.state_dict())
    for size in (8, 5):
        batch = inputs.batch(toy.splits["train"][:size], np.random.default_rng(0))
        torch.testing.assert_close(compiled.step(batch), plain.step(batch))
    assert list(compiled.state()["model"]) == list(plain.state()["model"])


@pytest.mark.parametrize("precision", ("bfloat16", "float16"))
def test_half_precision_changes_a_training_no_more_than_rounding_does(toy, tmp_path, precision):
    full, half = carry_out(toy, tmp_path / "full"), carry_out(toy, tmp_path / "half", precision=precision)
    assert half["precision"] == precision
    losses = [[row["loss"] for row in log_of(tmp_path / name)] for name in ("full", "half")]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
    assert abs(half["test"]["t2a"]["R10"] - full["test"]["t2a"]["R10"]) < 15
