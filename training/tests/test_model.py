import itertools

import numpy as np
import pytest
import torch
from conftest import committed_arrays, golden, golden_arrays, golden_json, needs_shared
from numpy_model import Pooled, compute, made_up_weights, pseudo_random

from earshot_training.checkpoint import build_model, read_checkpoint
from earshot_training.experts.catalogue import EXPERTS, in_model_order
from earshot_training.loss import max_margin_ranking_loss
from earshot_training.model import CENet, ExpertInput, NetVLAD
from earshot_training.optim import Ranger

CASES = (
    "ce-vggish-vggsound-small",
    "ce-r2p1d-inst-vggish-vggsound-small",
    "ce-vggish-only-small",
    "moee-vggish-vggsound-small",
)


def load_case(stem):
    sizes = golden_json(f"retrieval/{stem}.json")
    experts = sizes["modalities_in_model_order"]
    model = build_model(read_checkpoint(golden(f"retrieval/{stem}.pth")).state_dict, experts)
    return model, sizes


def inputs(arrays, experts):
    """Features by expert, availability [B, E] and words [B * captions, L, D] of a golden case."""
    features = {name: torch.from_numpy(arrays[f"in__feat__{name}"]) for name in experts}
    availability = torch.from_numpy(np.stack([arrays[f"in__ind__{name}"] for name in experts], axis=1))
    return features, availability, torch.from_numpy(arrays["in__text"]).flatten(0, 1)


@needs_shared
@pytest.mark.parametrize("stem", CASES)
def test_model_gives_the_reference_s_embeddings_weights_and_similarities(stem):
    model, _ = load_case(stem)
    arrays = golden_arrays(f"retrieval/{stem}.npz")
    experts = list(model.experts)
    features, availability, words = inputs(arrays, experts)
    with torch.no_grad():
        output = model(features, availability, words)

    def close(actual, name):
        expected = arrays[name].reshape(actual.shape)
        np.testing.assert_allclose(actual.numpy(), expected, atol=1e-5, rtol=0, err_msg=name)

    close(output.similarity, "out__sims")
    close(output.weights, "out__moe_weights")
    close(model.text_pooling(words).detach(), "out__text_vlad")
    for column, name in enumerate(experts):
        close(output.text[name], f"out__text_embd__{name}")
        there = availability[:, column] > 0
        expected = np.where(there[:, None], arrays[f"out__vid_embd__{name}"], 0.0)
        np.testing.assert_allclose(output.clip[name].numpy(), expected, atol=1e-5, rtol=0)
        pooled = features[name].nan_to_num(0.0)
        with torch.no_grad():
            if name in model.pooling:
                pooled = model.pooling[name](pooled)
                close(pooled, f"out__vlad__{name}")
            if model.variant != "moee":
                close(model.ce.video_dim_reduce[column](pooled), f"out__reduced__{name}")


@needs_shared
@pytest.mark.parametrize("stem", CASES)
def test_weights_have_the_reference_s_names_shapes_and_order(stem):
    model, sizes = load_case(stem)
    actual = [[k, list(v.shape), str(v.dtype).removeprefix("torch.")] for k, v in model.state_dict().items()]
    assert actual == sizes["state_dict"]
    assert sum(p.numel() for p in model.parameters()) == sizes["trainable_parameters"]


@needs_shared
@pytest.mark.parametrize("stem", ("ce-vggish-vggsound-small", "ce-vggish-only-small"))
def test_fourteen_training_steps_follow_the_reference(stem):
    model, _ = load_case(stem)
    trace, facts = golden_arrays(f"retrieval/{stem}.train.npz"), golden_json(f"retrieval/{stem}.train.json")
    batch = inputs(trace, model.experts)
    model.train()
    settings = {k: v for k, v in facts["optimiser"].items() if k != "N_sma_threshold"}
    optimiser = Ranger(model.parameters(), **settings)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 1, 0.95)
    named = dict(model.named_parameters())
    assert list(named) == facts["param_names"]
    for step in range(facts["steps"]):
        similarity = model(*batch).similarity
        loss = max_margin_ranking_loss(similarity, facts["margin"])
        tolerance = 1e-4 if step < 6 else 5e-3
        assert abs(loss.item() - trace["losses"][step]) < tolerance
        np.testing.assert_allclose(similarity.detach(), trace["sims_per_step"][step], atol=50 * tolerance)
        assert optimiser.param_groups[0]["lr"] == pytest.approx(trace["lrs"][step])
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            norms = [named[name].grad.norm().item() for name in facts["grad_norm_names"]]
            np.testing.assert_allclose(norms, trace["grad_norms"], rtol=1e-3, atol=1e-6)
            for key in (key for key in trace if key.startswith("grad__")):
                np.testing.assert_allclose(named[key[6:]].grad, trace[key], rtol=1e-3, atol=5e-6, err_msg=key)
        optimiser.step()
        if step % 4 == 3:
            schedule.step()
    norms = [named[name].detach().norm().item() for name in facts["param_names"]]
    np.testing.assert_allclose(norms, trace["final_param_norms"], rtol=2e-3, atol=1e-3)
    for key in (key for key in trace if key.startswith("final__")):
        actual = named[key[7:]].detach()
        np.testing.assert_allclose(actual, trace[key], rtol=2e-2, atol=5e-3, err_msg=key)
    buffers = dict(model.named_buffers())
    for key in (key for key in trace if key.startswith("finalbuf__")):
        np.testing.assert_allclose(buffers[key[10:]], trace[key], rtol=2e-2, atol=5e-3, err_msg=key)


@pytest.mark.parametrize(
    ("experts", "variant", "parameters"),
    [
        ("vggish", "single", 7_389_127),
        ("vggsound", "single", 12_120_007),
        ("scene", "single", 7_507_879),
        ("inst", "single", 7_384_999),
        ("r2p1d", "single", 6_205_351),
        ("vggish vggsound", "ce", 21_864_536),
        ("vggish vggsound", "moee", 8_903_512),
        ("r2p1d inst", "ce", 15_945_752),
        ("scene r2p1d", "ce", 16_068_632),
        ("scene inst", "ce", 17_248_280),
        ("r2p1d inst vggish", "ce", 23_324_073),
        ("r2p1d inst vggsound", "ce", 28_054_953),
        ("r2p1d inst vggish vggsound", "ce", 35_433_274),
        ("scene r2p1d inst vggish vggsound", "ce", 42_930_347),
    ],
)
def test_every_configuration_has_the_published_parameter_count(experts, variant, parameters):
    facts = [EXPERTS[name] for name in in_model_order(experts.split())]
    inputs = {expert.reference_name: ExpertInput(expert.dim, expert.clusters) for expert in facts}
    with torch.device("meta"):
        model = CENet(inputs, variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def linear(name):
    return [f"{name}.weight", f"{name}.bias"]


def batch_norm(name):
    return [f"{name}.{part}" for part in "weight bias running_mean running_var num_batches_tracked".split()]


def vlad(name):
    return [f"{name}.clusters", f"{name}.clusters2", *batch_norm(f"{name}.batch_norm")]


def gating(name):
    return [*linear(f"{name}.fc"), *batch_norm(f"{name}.batch_norm")]


def names_of_weights(variant, pooled, count):
    """In the order of reference fact 1.5."""
    names = [name for expert in pooled for name in vlad(f"pooling.{expert}")]
    names += [*vlad("text_pooling"), *linear("ce.moe_fc")]
    numbers = range(count)
    if variant != "moee":
        names += [name for i in numbers for name in linear(f"ce.video_dim_reduce.{i}.fc")]
    if variant == "ce":
        names += linear("ce.g_reason_1")
        for i in (0, 3):
            names += [*batch_norm(f"ce.g_reason_shared.{i}"), *linear(f"ce.g_reason_shared.{i + 2}")]
    for i in numbers:
        names += linear(f"ce.video_GU.{i}.fc") if variant == "moee" else []
        names += gating(f"ce.video_GU.{i}.cg")
        names += batch_norm(f"ce.video_GU.{i}.cg.batch_norm2") if variant == "ce" else []
    return names + [
        n for i in numbers for n in (*linear(f"ce.text_GU.{i}.fc"), *gating(f"ce.text_GU.{i}.cg"))
    ]


@pytest.mark.parametrize("variant", ("ce", "moee", "single"))
def test_weights_have_the_published_names_in_their_order(variant):
    names = ("vggsound",) if variant == "single" else ("vggish", "inst", "r2p1d", "vggsound")
    experts = {
        EXPERTS[name].reference_name: ExpertInput(EXPERTS[name].dim, EXPERTS[name].clusters) for name in names
    }
    with torch.device("meta"):
        model = CENet(experts, variant)
    pooled = [name for name, expert in experts.items() if expert.clusters]
    assert list(model.state_dict()) == names_of_weights(variant, pooled, len(names))


def subsets(least, most):
    return [c for size in range(least, most + 1) for c in itertools.combinations(EXPERTS, size)]


@pytest.mark.parametrize(("variant", "least", "most"), [("ce", 2, 6), ("moee", 1, 6), ("single", 1, 1)])
def test_any_experts_make_a_model_that_computes_as_numpy_does_and_comes_back_from_its_weights(
    variant, least, most
):
    text = Pooled(5, 2, 1)
    for names in subsets(least, most):
        experts = {
            EXPERTS[name].reference_name: Pooled(
                3 + number, 2 if EXPERTS[name].clusters else 0, EXPERTS[name].ghosts
            )
            for number, name in enumerate(in_model_order(names))
        }
        weights = made_up_weights(variant, experts, text, 4)
        model = CENet({name: ExpertInput(*e) for name, e in experts.items()}, variant, *text, 4)
        counts = {k: v for k, v in model.state_dict().items() if k.endswith("num_batches_tracked")}
        state = {name: torch.from_numpy(value) for name, value in weights.items()} | counts
        model = build_model(state, list(experts))
        features = {
            name: pseudo_random((3, 4, e.dim) if e.clusters else (3, e.dim), salt)
            for salt, (name, e) in enumerate(experts.items())
        }
        there, words = np.ones((3, len(names)), np.float32), pseudo_random((2, 6, 5), 99)
        if len(names) > 1:
            there[1, 0] = there[2, -1] = 0
            features[next(iter(experts))][1] = 0
            features[list(experts)[-1]][2] = 0
        expected = compute(variant, weights, experts, features, there, words).similarity
        tensors = {name: torch.from_numpy(f) for name, f in features.items()}
        with torch.no_grad():
            actual = model(tensors, torch.from_numpy(there), torch.from_numpy(words)).similarity
        np.testing.assert_allclose(actual, expected, atol=1e-5, err_msg=f"{variant} of {names}")


# --- committed cases: weights and inputs from a formula, outputs by tests/make_golden.py in NumPy ---


def formula_model(variant):
    experts = {
        "still": {"dim": 4},
        "vggish": {"dim": 6, "clusters": 3},
        "vggsound": {"dim": 5, "clusters": 2, "ghosts": 1},
    }
    if variant == "single":
        experts = {"vggish": experts["vggish"]}
    return CENet(experts, variant, text_dim=7, text_clusters=3, text_ghosts=1, shared_dim=8).eval()


@pytest.mark.parametrize("variant", ("ce", "moee", "single"))
def test_model_equals_the_committed_numbers(variant):
    arrays = committed_arrays(f"model-{variant}")
    model = formula_model(variant)
    weights = {key[3:]: torch.from_numpy(value) for key, value in arrays.items() if key.startswith("w__")}
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            weights[key] = value
    model.load_state_dict(weights, strict=True)
    features, availability, words = inputs(arrays, model.experts)
    with torch.no_grad():
        output = model(features, availability, words)
    np.testing.assert_allclose(output.similarity, arrays["similarity"], atol=1e-5)
    np.testing.assert_allclose(output.weights, arrays["weights"], atol=1e-5)
    for name in model.experts:
        np.testing.assert_allclose(output.clip[name], arrays[f"clip__{name}"], atol=1e-5)
        np.testing.assert_allclose(output.text[name], arrays[f"text__{name}"], atol=1e-5)


# --- properties ---


def random_batch(model, clips=6, queries=4, words=5):
    features = {
        name: torch.randn(clips, 4, e.dim) if e.clusters else torch.randn(clips, e.dim)
        for name, e in model.experts.items()
    }
    return features, torch.ones(clips, len(model.experts)), torch.randn(queries, words, 7)


@pytest.mark.parametrize("variant", ("ce", "moee", "single"))
def test_embeddings_have_length_one_and_are_zero_where_the_expert_is_missing(variant):
    model = formula_model(variant)
    features, availability, words = random_batch(model)
    availability[2, 0] = 0
    features[next(iter(features))][2] = float("nan")
    output = model(features, availability, words)
    for column, embedding in enumerate(output.clip.values()):
        torch.testing.assert_close(embedding.norm(dim=1), availability[:, column])
    for embedding in output.text.values():
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(4))
    assert output.similarity.isfinite().all()


def test_a_missing_expert_changes_nothing_whatever_its_features_are():
    model = formula_model("ce")
    features, availability, words = random_batch(model)
    availability[:, 1] = 0
    first = model(features, availability, words).similarity
    features["vggish"] = torch.full_like(features["vggish"], float("nan"))
    torch.testing.assert_close(model(features, availability, words).similarity, first)


def test_with_every_expert_there_similarity_is_one_inner_product():
    model = formula_model("ce")
    features, availability, words = random_batch(model)
    output = model(features, availability, words)
    query = torch.cat([output.weights[:, i : i + 1] * t for i, t in enumerate(output.text.values())], dim=1)
    torch.testing.assert_close(query @ torch.cat(list(output.clip.values()), dim=1).T, output.similarity)


def test_a_clip_without_any_expert_scores_zero():
    model = formula_model("ce")
    features, availability, words = random_batch(model)
    availability[3] = 0
    assert not model(features, availability, words).similarity[:, 3].any()


def test_experts_are_gated_in_sequence():
    model = formula_model("ce")
    features, availability, _ = random_batch(model)
    pooled = [model.pooling[name](x) if name in model.pooling else x for name, x in features.items()]
    reduced = [reduce(x) for reduce, x in zip(model.ce.video_dim_reduce, pooled, strict=True)]
    final = model.encode_clip(features, availability)
    seen = [final["still"], final["vggish"], reduced[2]]  # what the last expert sees
    mask = sum(model.ce._relate(reduced[2], x) for x in seen) / 3
    torch.testing.assert_close(model.ce.video_GU[2](reduced[2], mask), final["vggsound"])


def test_padding_counts_in_netvlad():
    pool = NetVLAD(6, 3).eval()
    tokens = torch.randn(2, 4, 6)
    padded = torch.cat([tokens, torch.zeros(2, 2, 6)], dim=1)
    assert not torch.allclose(pool(tokens), pool(padded))


def test_gradients_reach_every_parameter():
    model = formula_model("ce").train()
    model(*random_batch(model)).similarity.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(("variant", "experts"), [("ce", 1), ("single", 2), ("mixture", 2)])
def test_a_variant_that_does_not_fit_is_refused(variant, experts):
    with pytest.raises(ValueError, match="variant"):
        CENet({f"expert{i}": ExpertInput(4) for i in range(experts)}, variant)
