"""Going on from an exported pack: the experts hear what the pack's do, and the licence rule holds."""

import copy
import dataclasses
import json

import pytest
import torch
from small_starter import CONFIG, KINDS, make_sources
from test_starter_experts import INPUTS, trained_looking
from test_starter_training import teach_nonsense
from torch import nn

from earshot_training.pack import export_expert
from earshot_training.starter.config import EXPERTS
from earshot_training.starter.export import WaveformExpert
from earshot_training.starter.pool import build_pool
from earshot_training.starter.train_experts import ExpertTraining, TaughtPool, make_expert, train_expert
from earshot_training.starter.warm_start import ForeignPackError, check_licence, earlier_figures, take_up


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """The experts of an exported pack, with the networks they came from."""
    folder = tmp_path_factory.mktemp("pack")
    networks = {name: trained_looking(name) for name in EXPERTS}
    for name, network in networks.items():
        export_expert(WaveformExpert(name, network), folder / f"{name}.onnx", CONFIG.windows(name)[0])
    return folder, networks


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_an_expert_taken_up_computes_what_the_pack_does_in_eval_mode_and_nearly_so_in_training(name, pack):
    folder, networks = pack
    spectra = torch.randn(32, *INPUTS[name])
    taken = make_expert(name, CONFIG)
    take_up(taken, folder / f"{name}.onnx", spectra)
    expected = networks[name](spectra)
    # Large weights of the pack are in half precision.
    torch.testing.assert_close(taken.eval()(spectra), expected, atol=5e-3, rtol=0)
    torch.testing.assert_close(taken.train()(spectra), expected, atol=2e-2, rtol=0)


@pytest.mark.parametrize("name", EXPERTS)
def test_a_norm_taken_up_has_the_statistics_of_what_it_sees(name, pack):
    spectra = torch.randn(32, *INPUTS[name])
    taken = make_expert(name, CONFIG)
    take_up(taken, pack[0] / f"{name}.onnx", spectra)
    first = next(part for part in taken.modules() if isinstance(part, nn.BatchNorm2d))
    seen = []
    first.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    taken(spectra)
    torch.testing.assert_close(first.running_mean, seen[0].mean((0, 2, 3)), atol=1e-2, rtol=1e-2)


def test_the_expert_of_another_width_is_refused_and_says_what_differs(pack):
    wider = dataclasses.replace(CONFIG, vggish_width=4)
    with pytest.raises(ForeignPackError, match=r"has shape \[2, 1, 3, 3\], not \[4, 1, 3, 3\]"):
        take_up(make_expert("vggish", wider), pack[0] / "vggish.onnx", torch.randn(4, *INPUTS["vggish"]))


def test_the_other_expert_is_refused(pack):
    with pytest.raises(ForeignPackError, match="has weights"):
        take_up(make_expert("vggish", CONFIG), pack[0] / "vggsound.onnx", torch.randn(4, *INPUTS["vggish"]))


def test_at_first_only_the_heads_learn_then_the_expert_does_too(pack, tmp_path):
    build_pool(make_sources(), CONFIG, tmp_path, 4, processes=1)
    teach_nonsense(tmp_path, 4)
    kinds = {source.id: source.kind for source in make_sources()}
    config = dataclasses.replace(CONFIG, continue_from=pack[0], expert_minutes=1e6)
    pool = TaughtPool(tmp_path, sorted(KINDS), kinds, config)
    training = ExpertTraining("vggish", len(KINDS), config)
    training.go_on_from(pack[0], pool)

    def step():
        before = copy.deepcopy((training.expert.state_dict(), training.heads.state_dict()))
        training.take_step(pool)
        return [
            any(
                not torch.equal(old, new)
                for old, new in zip(a.values(), b.state_dict().values(), strict=True)
            )
            for a, b in zip(before, (training.expert, training.heads), strict=True)
        ]

    assert step() == [False, True]
    training.spent = config.heads_first * training.budget
    assert step() == [True, True]


def test_a_training_goes_on_from_the_pack_that_its_settings_name(pack, tmp_path):
    build_pool(make_sources(), CONFIG, tmp_path, 4, processes=1)
    teach_nonsense(tmp_path, 4)
    kinds = {source.id: source.kind for source in make_sources()}
    config = dataclasses.replace(CONFIG, continue_from=pack[0], expert_minutes=1e-9)
    result = train_expert("vggish", sorted(KINDS), kinds, config, tmp_path)
    taken = torch.load(result, weights_only=True)["expert"]["body.0.0.weight"]
    expected = pack[1]["vggish"]
    scale = expected.body[0][1].weight / torch.sqrt(expected.body[0][1].running_var + expected.body[0][1].eps)
    torch.testing.assert_close(
        taken, expected.body[0][0].weight * scale[:, None, None, None], atol=1e-2, rtol=1e-2
    )


def manifest(folder, strict):
    provenance = {"data": {"strict": strict}, "test": {"kinds": 3}}
    (folder / "manifest.json").write_text(json.dumps({"version": "1.0.0", "provenance": provenance}))


def test_what_was_not_begun_under_the_strict_licence_cannot_become_strict(tmp_path):
    manifest(tmp_path, strict=False)
    check_licence(tmp_path, strict=False)
    with pytest.raises(ForeignPackError, match="strict"):
        check_licence(tmp_path, strict=True)
    manifest(tmp_path, strict=True)
    check_licence(tmp_path, strict=True)


def test_the_figures_of_the_earlier_pack_are_kept_beside_the_new_ones(tmp_path):
    manifest(tmp_path, strict=False)
    assert earlier_figures(tmp_path) == {"version": "1.0.0", "data": {"strict": False}, "test": {"kinds": 3}}


@pytest.mark.parametrize("content", [None, "[]", '{"version": "1"}', "no JSON"])
def test_a_folder_that_is_no_starter_pack_cannot_be_gone_on_from(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ForeignPackError, match="is no starter pack"):
        check_licence(tmp_path, strict=False)


def test_inputs_of_the_measurement_may_be_few(pack):
    taken = make_expert("vggish", CONFIG)
    take_up(taken, pack[0] / "vggish.onnx", torch.randn(1, *INPUTS["vggish"]))
    assert all(weights.isfinite().all() for weights in taken.state_dict().values())
