import json
from pathlib import Path

import numpy as np
import pytest

from earshot_training.vocabulary import Vocabulary, split_contraction, tokenise
from earshot_training.word_vectors import build_vocabulary, choose_words, read_texts, stems, wanted_words

CASES = json.loads((Path(__file__).parent / "tokeniser_cases.json").read_text(encoding="utf-8"))


def vocabulary(*words: str) -> Vocabulary:
    return Vocabulary(words, np.random.default_rng(0).normal(size=(len(words), 4)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"] or "empty")
def test_tokeniser_follows_the_cases_shared_with_the_runtime(case):
    assert tokenise(case["text"]) == case["tokens"]


def test_contractions_split_as_in_word_vector_corpora():
    assert split_contraction("don't") == ("do", "n't")
    assert split_contraction("can't") == ("ca", "n't")
    assert split_contraction("they're") == ("they", "'re")
    assert split_contraction("dog") is None


def test_a_token_is_looked_up_whole_then_without_possessive_then_as_contraction():
    known = vocabulary("o'clock", "dog", "do", "n't", "they")
    assert [known.words[row] for row in known.rows("the dog's o'clock")] == ["dog", "o'clock"]
    assert [known.words[row] for row in known.rows("They're dogs, don't!")] == ["they", "do", "n't"]


def test_unknown_words_are_dropped_and_reported_in_order():
    read = vocabulary("a", "dog").read("A zorp's dog flurbs")
    assert (read.rows, read.unknown) == ([0, 1], ["zorp's", "flurbs"])


def test_embedding_cuts_at_the_limit_and_pads_with_zeros():
    known = vocabulary("a", "dog", "barks")
    embedded = known.embed(["a dog barks", "dog", "zorp"], limit=2)
    np.testing.assert_array_equal(embedded[0], known.vectors[[0, 1]])
    np.testing.assert_array_equal(embedded[1], [known.vectors[1], np.zeros(4)])
    assert not embedded[2].any()


def test_saved_vocabulary_loads_with_half_precision_vectors(tmp_path):
    known = vocabulary("a", "dog", "n't")
    known.save(tmp_path)
    loaded = Vocabulary.load(tmp_path)
    assert loaded.words == known.words and (tmp_path / "vocabulary.f16").stat().st_size == 3 * 4 * 2
    np.testing.assert_array_equal(loaded.vectors, known.vectors.astype(np.float16).astype(np.float32))


def test_a_vector_file_of_the_wrong_length_is_refused(tmp_path):
    vocabulary("a", "dog").save(tmp_path)
    (tmp_path / "vocabulary.txt").write_text("a\ndog\ncat\n")
    with pytest.raises(ValueError, match="does not fit"):
        Vocabulary.load(tmp_path)


def test_nearest_words_come_nearest_first_without_the_word_itself():
    known = Vocabulary(["east", "north", "east-ish", "west"], np.array([[1, 0], [0, 1], [2, 0.5], [-1, 0]]))
    rows, cosines = known.nearest(0, 2)
    assert [known.words[row] for row in rows] == ["east-ish", "north"]
    np.testing.assert_allclose(cosines, [2 / np.hypot(2, 0.5), 0.0], atol=1e-6)
    assert len(known.nearest(0, 10)[0]) == 3


def test_a_random_neighbour_is_near_or_the_word_itself():
    known = Vocabulary(["east", "north", "east-ish", "west"], np.array([[1, 0], [0, 1], [2, 0.5], [-1, 0]]))
    rng = np.random.default_rng(0)
    assert {known.random_neighbour(0, rng) for _ in range(20)} == {2}
    assert known.random_neighbour(3, rng) == 3


def test_wanted_words_come_first_then_the_frequent_and_the_order_stays():
    ranked = ["the", ",", "dog", "1990", "well-known", "of", "bark", "zebra"]
    assert choose_words(ranked, {"zebra", "missing"}, 3) == ["the", "dog", "zebra"]
    with pytest.raises(ValueError, match="more than"):
        choose_words(ranked, {"dog", "bark", "zebra"}, 2)


def test_wanted_words_include_stems_and_halves():
    assert wanted_words(["the dog's door_creak", "don't"]) >= {"dog", "door", "creak", "do", "n't"}


def test_vocabulary_is_built_with_aliases_for_what_the_source_lacks(tmp_path):
    words = ["the", ".", "an", "not", "dog", "cat", "zebra"]
    source = tmp_path / "vectors.json"
    vectors = {word: [float(row)] * 100 + [1.0, row] for row, word in enumerate(words)}
    source.write_text(json.dumps({"words": words, "vectors": vectors}))
    built = build_vocabulary(source, ["a zebra"], size=6)
    assert built.words == ["the", "an", "a", "not", "n't", "zebra"]
    assert built.vectors[2, 0] == 2.0 and built.vectors.shape == (6, 100)


def test_wanted_forms_the_source_lacks_get_the_vector_of_their_stem(tmp_path):
    source = tmp_path / "vectors.json"
    source.write_text(
        json.dumps({"words": ["oink", "clop"], "vectors": {"oink": [1.0] * 100, "clop": [2.0] * 100}})
    )
    built = build_vocabulary(source, ["pigs oinking, hooves clopping"], size=4)
    assert built.words == ["oink", "oinking", "clop", "clopping"]
    np.testing.assert_array_equal(built.vectors[:, 0], [1, 1, 2, 2])


@pytest.mark.parametrize(
    ("form", "stem"),
    [("neighs", "neigh"), ("whinnies", "whinny"), ("rumpling", "rumple"), ("clopped", "clop")],
)
def test_stems_of_inflected_forms(form, stem):
    assert stem in stems(form)


def test_word_lists_are_read_by_their_kind(tmp_path):
    (tmp_path / "list.csv").write_text("youtube_id,caption\nqx_7,a dog barks\n")
    (tmp_path / "list.json").write_text('[{"id": "/m/1", "name": "Dog"}]')
    (tmp_path / "list.txt").write_text("one\ntwo\n")
    assert read_texts(tmp_path / "list.csv") == ["a dog barks"]
    assert read_texts(tmp_path / "list.json") == ["Dog"]
    assert read_texts(tmp_path / "list.txt") == ["one", "two"]
