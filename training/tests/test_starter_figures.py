import copy

import matplotlib.image
import numpy as np
import pytest
import torch

from earshot_training.starter.card import model_card
from earshot_training.starter.evaluate import (
    ROWS,
    calibration_error,
    chance,
    figures,
    fit_calibration,
    relevance,
    report,
    zero_shot_scores,
)
from earshot_training.starter.picture import draw_figures
from earshot_training.vocabulary import Vocabulary


def test_the_queries_are_kinds_with_enough_clips_and_a_caption():
    labels = [["dog", "rain"], ["dog"], ["rain"], ["dog"], ["rain"], ["odd"], ["odd"], ["odd"]]
    kinds, relevant = relevance(labels, {"dog", "rain"})
    assert kinds == ["dog", "rain"]
    assert relevant.tolist() == [[1, 1, 0, 1, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 0, 0]]


def test_figures_of_a_perfect_and_of_the_worst_order():
    relevant = torch.zeros(1, 20, dtype=torch.bool)
    relevant[0, :2] = True
    scores = torch.arange(20.0, 0, -1)[None]
    best, worst = figures(scores, relevant), figures(-scores, relevant)
    assert (best.map, best.p1, best.r10) == (1, 1, 1)
    assert (worst.p1, worst.r10) == (0, 0) and worst.map == pytest.approx((1 / 19 + 2 / 20) / 2)


def test_chance_finds_a_relevant_clip_first_as_often_as_there_are_such():
    relevant = torch.zeros(40, 10, dtype=torch.bool)
    relevant[:, :3] = True
    found = chance(relevant)
    assert found.p1 == pytest.approx(0.3, abs=0.02) and found.r10 == 1


def test_zero_shot_takes_the_class_whose_name_is_nearest():
    words = ["dog", "hound", "rain", "of", "the"]
    vocabulary = Vocabulary(words, np.array([[1, 0, 0], [0.9, 0.3, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0.0]]))
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.7]])
    scores = zero_shot_scores(["the hound", "rain"], ["Rain", "Dog (the)"], probabilities, vocabulary)
    torch.testing.assert_close(scores, torch.tensor([[0.1, 0.7], [0.9, 0.2]]))


def test_the_calibration_finds_the_slope_that_made_the_hits():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 20_000)
    right = (rng.random(20_000) < 1 / (1 + np.exp(-(8 * scores - 5)))).astype(float)
    slope, intercept = fit_calibration(scores, right)
    assert slope == pytest.approx(8, rel=0.05) and intercept == pytest.approx(-5, rel=0.05)
    relevances = 1 / (1 + np.exp(-(slope * scores + intercept)))
    assert calibration_error(relevances, right) < 0.01
    assert calibration_error(np.full(20_000, 0.9), right) == pytest.approx(0.9 - right.mean(), abs=1e-6)


@pytest.fixture
def found():
    shares = {"map": 0.612, "p1": 0.734, "r10": 0.5}
    measured = {row: dict(shares) for row in ROWS}
    return {
        "pack": {"kinds": 77, **measured},
        "teacher": {**copy.deepcopy(measured), "chance": {"map": 0.02, "p1": 0.013, "r10": 0.017}},
        "calibration": {"slope": 8.0, "intercept": -4.0, "error": 0.0123, "pairs": 123_456},
        "data": {
            "clips": 2_582,
            "kinds": 101,
            "strict": False,
            "hours": 3.5,
            "seed": 0,
            "scenes": 32_000,
            "expert_minutes": 66.0,
        },
    }


FACTS = {
    "version": "1.2.3",
    "licence": "CC-BY-SA-4.0",
    "megabytes": 18.25,
    "parameters": 4_000_000,
    "vggsound_dim": 256,
    "words": 50_000,
    "example": "a hound yelps",
    "retrieval_epochs": 20,
}


def test_the_report_is_a_table_with_a_row_for_each_way_to_ask(found):
    lines = report(found).splitlines()
    assert len(lines) == 2 + len(ROWS) + 1
    assert len({line.count("|") for line in lines}) == 1
    assert (
        lines[2]
        == "| three written captions, scores averaged | 0.612 | 0.734 | 0.500 | 0.612 | 0.734 | 0.500 |"
    )
    assert lines[-1].startswith("| chance | 0.020 | 0.013 | 0.017 |")


def test_the_model_card_holds_figures_facts_and_the_licence_rule(found):
    card = model_card(found, FACTS)
    for text in (
        "1.2.3",
        "18.2 MB",
        "2,582 clips",
        "123,456",
        "0.012",
        "a hound yelps",
        "ESC-50",
        report(found),
    ):
        assert text in card, text
    assert "{" not in card and "The switch `--strict-licence`" in card


def test_the_model_card_of_a_strict_run_says_so(found):
    found["data"]["strict"] = True
    assert "This run took only clips with `licence_class = permissive`" in model_card(found, FACTS)


@pytest.fixture
def gone_on(found):
    """The figures of a run that went on from an earlier pack."""
    before = {row: {"map": 0.5, "p1": 0.4, "r10": 0.3} for row in ROWS}
    return found | {"before": {"version": "1.0.0", "data": found["data"], "test": before}}


def test_figures_of_the_pack_that_was_trained_further_stand_beside_the_new_ones(gone_on):
    lines = report(gone_on).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "starter 1.0.0 mAP" in lines[0]
    assert lines[2].split(" | ")[1:7] == ["0.612", "0.734", "0.500", "0.500", "0.400", "0.300"]
    assert lines[-1].startswith("| chance | 0.020 |")


def test_the_model_card_says_what_the_pack_went_on_from(found, gone_on):
    text = "going on from the experts of starter 1.0.0 (66 minutes on 32,000 scenes, seed 0)"
    assert text in model_card(gone_on, FACTS) and text not in model_card(found, FACTS)


def test_the_model_card_shows_moments_measured_through_the_runtime(found):
    def line(pack, recall):
        values = [{"name": "R1@0.3", "value": recall}, {"name": "mAP", "value": 0.25}]
        return {"values": values, "settings": {"pack": pack, "queries": 51, "scenes": 6}}

    card = model_card(found, FACTS, [line("starter@1.0.0", 0.5), line("starter@1.1.0", 0.625)])
    assert "51 queries in 6 scenes" in card
    assert "| starter@1.0.0 | 0.500 | 0.250 |\n| starter@1.1.0 | 0.625 | 0.250 |" in card


def test_the_figures_are_drawn_as_a_picture(gone_on, tmp_path):
    draw_figures(gone_on, tmp_path / "figures.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "figures.png").shape
    assert (width, height) == (1050, 390)
