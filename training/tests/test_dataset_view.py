"""What a model is given of clips: cutting, padding, availability, captions."""

import dataclasses

import numpy as np
import pytest
from small_dataset import IDS, PROTOCOL, SPLITS, make_clips, make_dataset, make_experts, make_words

from earshot_training.datasets import ClipReader, DatasetError, TextWords, write_dataset

EXPERTS = ("vggish", "inst", "vggsound")


def test_sequences_are_cut_to_their_first_tokens_or_filled_with_zeros(tmp_path):
    view = ClipReader(make_dataset(tmp_path / "set"), EXPERTS).test([0, 1])
    short, long = make_experts()["vggish"][2][:2]
    assert view.features["vggish"].shape == (2, 3, 128)
    np.testing.assert_array_equal(view.features["vggish"][0], np.concatenate([short, np.zeros((1, 128))]))
    np.testing.assert_array_equal(view.features["vggish"][1], long[:3])
    np.testing.assert_array_equal(view.features["inst"][1], make_experts()["inst"][2][1])


def test_a_missing_expert_is_nan_throughout_and_not_available(tmp_path):
    reader = ClipReader(make_dataset(tmp_path / "set"), EXPERTS)
    view = reader.test([2, 4])
    assert view.availability.tolist() == [[0, 1, 1], [1, 0, 1]]
    assert np.isnan(view.features["vggish"][0]).all() and np.isnan(view.features["inst"][1]).all()
    assert np.isfinite(view.features["vggish"][1]).all() and np.isfinite(view.features["inst"][0]).all()


def test_the_order_of_columns_is_that_of_the_experts_asked_for(tmp_path):
    view = ClipReader(make_dataset(tmp_path / "set"), ("inst", "vggish")).test([2, 4])
    assert view.availability.tolist() == [[1, 0], [0, 1]] and list(view.features) == ["inst", "vggish"]


def test_as_many_captions_count_as_the_protocol_says(tmp_path):
    dataset = make_dataset(tmp_path / "set")
    reader = ClipReader(dataset, EXPERTS)
    assert reader.validation([0, 3]).words.shape == (2, 1, 4, 8)
    view = reader.test([0, 3])
    assert view.caption_mask.tolist() == [[1, 0], [1, 1]] and view.word_counts.tolist() == [[1, 0], [4, 4]]
    words = make_words()[1]
    np.testing.assert_array_equal(view.words[1, 1], words[4][:4])
    np.testing.assert_array_equal(view.words[0, 0], np.concatenate([words[0], np.zeros((3, 8))]))
    assert not view.words[0, 1].any()


def test_fused_captions_are_one_sequence_before_it_is_cut(tmp_path):
    protocol = dataclasses.replace(PROTOCOL, fuse_captions=True, text_tokens=7)
    view = ClipReader(make_dataset(tmp_path / "set"), EXPERTS, protocol).test([3, 5])
    words = make_words()[1]
    np.testing.assert_array_equal(view.words[0, 0], np.concatenate(words[3:5])[:7])
    np.testing.assert_array_equal(view.words[1, 0], np.concatenate([*words[7:9], np.zeros((3, 8))]))
    assert view.caption_mask.tolist() == [[1], [1]] and view.word_counts.tolist() == [[7], [4]]


def test_training_draws_every_caption_of_a_clip_and_only_its_own(tmp_path):
    reader = ClipReader(make_dataset(tmp_path / "set"), ["vggsound"])
    rng = np.random.default_rng(0)
    drawn = {reader.training([5], rng).words[0, 0].tobytes() for _ in range(30)}
    expected = reader.evaluation([5], 2).words[0]
    assert drawn == {expected[0].tobytes(), expected[1].tobytes()}


def test_training_tells_of_flaky_experts_alone_and_refuses_other_gaps(tmp_path):
    dataset, rng = make_dataset(tmp_path / "set"), np.random.default_rng(0)
    assert ClipReader(dataset, ["vggish", "vggsound"]).training([0, 2], rng).availability.tolist() == [
        [1, 1],
        [0, 1],
    ]
    with pytest.raises(DatasetError, match=r"expected inst of every training clip, .* found none of clip-e"):
        ClipReader(dataset, EXPERTS).training([3, 4], rng)


def test_word_vectors_can_be_made_from_the_text(tmp_path):
    dataset = write_dataset(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL, make_experts())
    with pytest.raises(DatasetError, match="has no word vectors"):
        ClipReader(dataset, EXPERTS)

    def lengths(text):
        return np.array([[len(word), 1] for word in text.split()], np.float32)

    view = ClipReader(dataset, EXPERTS, words=TextWords(dataset, lengths, 2)).test([IDS.index("clip-d")])
    assert view.words[0].tolist() == [[[4, 1], [5, 1], [0, 0], [0, 0]], [[2, 1], [5, 1], [2, 1], [1, 1]]]


def test_an_expert_without_features_or_limit_is_refused(tmp_path):
    dataset = make_dataset(tmp_path / "set")
    with pytest.raises(
        DatasetError, match="expected features of scene, found those of vggish, vggsound, inst"
    ):
        ClipReader(dataset, ["scene"])
    with pytest.raises(DatasetError, match="expected a token limit of vggsound, found none"):
        ClipReader(dataset, ["vggsound"], dataclasses.replace(PROTOCOL, max_tokens={"vggish": 3}))
