import numpy as np
import pytest
import torch
from conftest import committed_arrays, golden_arrays, golden_json, needs_shared

from earshot_training.loss import max_margin_ranking_loss


def loss_and_gradient(similarity, **options):
    similarity = torch.as_tensor(similarity).clone().requires_grad_()
    loss = max_margin_ranking_loss(similarity, **options)
    loss.backward()
    return loss.item(), similarity.grad.numpy()


@needs_shared
@pytest.mark.parametrize("number", range(10))
def test_loss_and_gradient_equal_the_reference(number):
    arrays, case = golden_arrays("metrics/loss.npz"), golden_json("metrics/loss.json")[number]
    loss, gradient = loss_and_gradient(
        arrays[f"l{number}__x"], margin=case["margin"], fix_norm=case["fix_norm"]
    )
    assert loss == pytest.approx(case["loss"], abs=1e-6)
    np.testing.assert_allclose(gradient, arrays[f"l{number}__grad"], atol=1e-6)


def test_loss_equals_the_committed_numbers():
    arrays = committed_arrays("loss")
    for fix_norm in (True, False):
        loss, gradient = loss_and_gradient(arrays["similarity"], margin=0.2, fix_norm=fix_norm)
        assert loss == pytest.approx(float(arrays[f"loss_{fix_norm}"]), abs=1e-6)
        np.testing.assert_allclose(gradient, arrays[f"gradient_{fix_norm}"], atol=1e-6)


def test_a_perfect_ranking_costs_nothing():
    assert max_margin_ranking_loss(torch.eye(4), 0.2).item() == 0.0


def test_ignored_pairs_are_no_negatives():
    similarity = torch.tensor([[0.5, 0.9, 0.1], [0.4, 0.6, 0.7], [0.0, 0.2, 0.8]])
    ignore = torch.zeros(3, 3, dtype=torch.bool)
    ignore[0, 1] = True
    own = similarity.diagonal().tolist()
    kept = [(0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    terms = [max(0.0, 0.2 + similarity[i, j].item() - own[k]) for i, j in kept for k in (i, j)]
    assert max_margin_ranking_loss(similarity, 0.2, ignore=ignore).item() == pytest.approx(np.mean(terms))
    _, gradient = loss_and_gradient(similarity, ignore=ignore)
    assert gradient[0, 1] == 0.0


def test_ignoring_the_diagonal_alone_changes_nothing():
    similarity = torch.randn(5, 5)
    own = torch.eye(5, dtype=torch.bool)
    torch.testing.assert_close(
        max_margin_ranking_loss(similarity, ignore=own), max_margin_ranking_loss(similarity)
    )
