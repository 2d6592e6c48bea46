import numpy as np
import pytest
from conftest import committed_arrays, golden_arrays, golden_json, needs_shared

from earshot_training.metrics import (
    audio_to_text_ranks,
    hits_in_order,
    rank_metrics,
    relevance_metrics,
    text_to_audio_ranks,
)

CASES = [f"m{number:02d}" for number in range(30)]


@needs_shared
@pytest.mark.parametrize("case", CASES)
def test_ranks_give_the_reference_s_metrics(case):
    arrays = golden_arrays("metrics/metrics.npz")
    (expected,) = (entry for entry in golden_json("metrics/metrics.json") if entry["id"] == case)
    similarity, exists = arrays[f"{case}__sims"], arrays[f"{case}__query_masks"]
    t2a, a2t = text_to_audio_ranks(similarity, exists), audio_to_text_ranks(similarity, exists)
    if expected["kind"] == "per_class":  # ranks against all clips, then only some queries counted
        t2a = t2a[arrays[f"{case}__class_mask_t2v"].reshape(-1).astype(bool)]
        a2t = a2t[arrays[f"{case}__class_mask_v2t"].astype(bool)]
    for direction, ranks in (("t2v", t2a), ("v2t", a2t)):
        actual = rank_metrics(ranks)
        for name, value in expected[direction].items():
            assert actual[name] == pytest.approx(value, abs=1e-9), (direction, name)


def test_ranks_equal_the_committed_ones():
    arrays = committed_arrays("metrics")
    similarity, exists = arrays["similarity"], arrays["exists"]
    np.testing.assert_array_equal(text_to_audio_ranks(similarity, exists), arrays["text_to_audio"])
    np.testing.assert_array_equal(audio_to_text_ranks(similarity, exists), arrays["audio_to_text"])


def test_ties_are_averaged_and_a_tie_for_first_does_not_count_as_found():
    ranks = text_to_audio_ranks(np.ones((4, 4)))
    np.testing.assert_array_equal(ranks, 1.5)
    metrics = rank_metrics(ranks)
    assert (metrics["R1"], metrics["R5"], metrics["MedR"], metrics["MeanR"]) == (0.0, 100.0, 2.5, 2.5)
    assert metrics["geometric_mean_R1-R5-R10"] == 0.0


def test_a_clip_is_ranked_by_its_best_caption_and_missing_captions_come_last():
    similarity = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.3], [0.9, 0.99]])
    np.testing.assert_array_equal(audio_to_text_ranks(similarity), [1, 0])
    np.testing.assert_array_equal(audio_to_text_ranks(similarity, [[1, 1], [1, 0]]), [0, 1])
    np.testing.assert_array_equal(text_to_audio_ranks(similarity, [[1, 1], [1, 0]]), [1, 0, 1])


def test_a_mask_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        text_to_audio_ranks(np.ones((4, 2)), np.ones((2, 3)))


def test_metrics_for_several_relevant_clips_by_hand():
    scores = [[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]]
    relevant = [[1, 0, 1, 0], [1, 0, 0, 0]]
    metrics = relevance_metrics(scores, relevant)
    assert metrics["mAP"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 4) / 2)
    assert (metrics["P@1"], metrics["R@10"]) == (0.5, 1.0)


def test_recall_at_ten_is_the_share_of_the_relevant_clips():
    relevant = np.zeros((1, 30), bool)
    relevant[0, [0, 5, 20, 25]] = True
    assert relevance_metrics(-np.arange(30.0)[None], relevant)["R@10"] == 0.5


def test_equal_scores_keep_the_clips_order():
    np.testing.assert_array_equal(hits_in_order([[1.0, 1.0, 2.0]], [[1, 0, 0]]), [[False, True, False]])


def test_a_query_without_relevant_clips_is_refused():
    with pytest.raises(ValueError, match="no relevant clip"):
        relevance_metrics(np.ones((2, 3)), [[1, 0, 0], [0, 0, 0]])
