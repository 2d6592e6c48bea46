import csv
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED, needs_shared
from small_starter import KINDS, write_captions

from earshot_training.sounds import read_sounds, training_sounds
from earshot_training.starter.batches import varied_words
from earshot_training.starter.captions import (
    HERE,
    ORDINARY_WORDS,
    Captions,
    held_out_words,
    kinds_mentioned,
    read_phrases,
    words_of,
)
from earshot_training.starter.training_data import PARAPHRASES
from earshot_training.vocabulary import Vocabulary

SYNONYMS = read_phrases(HERE / "synonyms.csv", "kind", "phrases")
MENTIONS = read_phrases(HERE / "mentions.csv", "kind", "stems")
PARAPHRASED = read_phrases(PARAPHRASES, "kind", "paraphrase")
KNOWN = set(MENTIONS)


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("A crow caws", {"crow"}),
        ("Crows are cawing", {"crow"}),
        ("A crowd cheers", {"crowd"}),
        ("A bell rings", {"bell"}),
        ("A belligerent speech", {"speech"}),
        ("The carpet is cleaned", set()),
        ("A cat meows while it rains", {"cat", "rain"}),
        ("Cattle, mooing!", {"cow"}),
        ("Nothing to be named", set()),
    ],
)
def test_a_sentence_mentions_the_kinds_whose_stems_it_holds(sentence, kinds):
    assert kinds_mentioned(sentence, KNOWN) == kinds


def test_only_known_kinds_are_mentioned():
    assert kinds_mentioned("a dog barks in the rain", {"rain"}) == {"rain"}


@pytest.fixture
def folder(tmp_path):
    write_captions(tmp_path)
    sentences = (
        "A dog barks while frogs croak",
        "A hound, a dog",
        "A dog and a siren",
        "Sheep",
        "a frog, sheep and a siren",
        "a dog, a frog, sheep and a siren",
    )
    with (tmp_path / "audiocaps.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["caption"], *([sentence] for sentence in sentences)])
    return tmp_path


def captions_in(folder, banned=frozenset()):
    described = {"clip0": ["dog at the gate", "my hound"]}
    return Captions(folder / "captions.csv", list(KINDS), described, folder / "audiocaps.csv", banned)


def draws(captions, form, kinds, count=400):
    rng = np.random.default_rng(0)
    return [captions.draw(form, kinds, ["clip0"] * len(kinds), rng) for _ in range(count)]


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        ("single", ["sheep"]),
        ("while", ["frog", "siren"]),
        ("followed", ["siren", "sheep"]),
        ("three", ["frog", "siren", "sheep"]),
    ],
)
def test_a_caption_speaks_of_kinds_of_its_scene_and_says_which(folder, form, kinds):
    captions = captions_in(folder)
    captions.described = {}
    found = draws(captions, form, kinds)
    for text, named in found:
        assert named and named <= set(kinds)
        assert kinds_mentioned(text, set(KINDS)) <= named, text
    assert {len(named) for _, named in found} == set(range(1, len(kinds) + 1))


def test_a_sentence_is_drawn_for_exactly_the_kinds_it_mentions(folder):
    sentences = captions_in(folder).sentences
    assert sentences[frozenset(["dog", "frog"])] == ["A dog barks while frogs croak"]
    assert sentences[frozenset(["frog", "sheep", "siren"])] == ["a frog, sheep and a siren"]
    assert frozenset(KINDS) not in sentences  # a scene has three kinds at most


def test_sounds_that_follow_each_other_are_told_in_order(folder):
    captions = captions_in(folder)
    captions.described = captions.synonyms = {}
    for text, named in draws(captions, "followed", ["siren", "sheep"]):
        if len(named) == 2:
            assert text.lower().index("siren") < text.lower().index("sheep"), text


def test_the_same_generator_gives_the_same_captions(folder):
    assert draws(captions_in(folder), "while", ["dog", "frog"]) == draws(
        captions_in(folder), "while", ["dog", "frog"]
    )


def test_held_out_words_are_never_drawn(folder):
    banned = {"hound", "ribbit"}
    assert any("ribbit" in phrase for phrase in SYNONYMS["frog"])
    drawn = {text for text, _ in draws(captions_in(folder), "while", ["dog", "frog"], 2_000)}
    assert words_of(drawn) >= banned
    drawn = {text for text, _ in draws(captions_in(folder, banned), "while", ["dog", "frog"], 2_000)}
    assert not words_of(drawn) & banned and any("gate" in text for text in drawn)


def test_varied_words_bring_in_neighbours_but_never_a_fixed_word():
    rng = np.random.default_rng(0)
    dog = rng.standard_normal(64)
    vectors = [dog, dog + 0.5 * rng.standard_normal(64), dog + 0.5 * rng.standard_normal(64)]
    vocabulary = Vocabulary(["dog", "hound", "puppy"], np.array(vectors))

    def words_seen(fixed):
        varied = varied_words(["dog dog dog"] * 60, vocabulary, fixed, 4, np.random.default_rng(0)).numpy()
        there = varied[np.abs(varied).sum(2) > 0]
        distance = np.linalg.norm(there[:, None] - vocabulary.vectors, axis=2)
        return {vocabulary.words[row] for row in distance.argmin(1)}, varied

    seen, varied = words_seen(set())
    assert seen == {"dog", "hound", "puppy"} and not varied[:, 3:].any()
    assert words_seen({"hound"})[0] == {"dog", "puppy"}


def test_the_kinds_of_the_lists_are_written_once_and_with_phrases():
    for name, column in (("synonyms", "phrases"), ("mentions", "stems"), ("paraphrases", "paraphrase")):
        with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            kinds = [row["kind"] for row in csv.DictReader(file)]
        assert len(kinds) == len(set(kinds)), name
        for kind, phrases in read_phrases(HERE / f"{name}.csv", "kind", column).items():
            assert phrases and len(phrases) == len(set(phrases)), (name, kind)


def test_paraphrases_share_no_word_that_carries_meaning_with_the_synonyms_of_their_kind():
    for kind, phrases in PARAPHRASED.items():
        learnt = words_of([*SYNONYMS.get(kind, []), kind.replace("_", " ")])
        assert not (words_of(phrases) & learnt) - ORDINARY_WORDS, kind


@needs_shared
def test_paraphrases_are_of_known_kinds_and_share_no_word_with_the_written_captions():
    written = read_phrases(sounds_folder() / "captions.csv", "label", "captions")
    for kind, phrases in PARAPHRASED.items():
        assert not (words_of(phrases) & words_of(written[kind])) - ORDINARY_WORDS, kind
    assert set(SYNONYMS) | set(MENTIONS) <= set(written)


@needs_shared
def test_held_out_words_are_in_nothing_that_is_learnt_from(tmp_path):
    with (SHARED / "data/captions/audiocaps/train.csv").open(encoding="utf-8") as file:
        (tmp_path / "some.csv").write_text("".join(line for _, line in zip(range(500), file, strict=False)))
    training = training_sounds(read_sounds(sounds_folder()))
    banned = held_out_words(PARAPHRASED, sounds_folder() / "captions.csv")
    captions = Captions(
        sounds_folder() / "captions.csv",
        sorted({sound.kind for sound in training}),
        {sound.id: list(sound.captions) for sound in training},
        tmp_path / "some.csv",
        banned,
    )
    assert "heifer" in banned and captions.sentences
    for texts in (captions.written, captions.synonyms, captions.described, captions.sentences):
        assert not banned & words_of(text for phrases in texts.values() for text in phrases)


def sounds_folder() -> Path:
    return SHARED / "data" / "sounds"
