import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED, needs_shared

from earshot_training.cli import main
from earshot_training.text import SIMPLE_ENGLISH, TOKENISERS, WORD2VEC_ENGLISH, Lemmas, Reader, Spelling
from earshot_training.text.contractions import CUTS, cut_word
from earshot_training.text.word2vec_english import tokenise
from earshot_training.vocabulary import Vocabulary
from earshot_training.word_vectors import read_texts

HERE = Path(__file__).parent
CASES = json.loads((HERE / "tokeniser_sentences.json").read_text(encoding="utf-8"))
DIGESTS = json.loads((HERE / "tokeniser_digests.json").read_text(encoding="utf-8"))
SENTENCES = CASES["sentences"]


def differing(field: str, found) -> list:
    """Sentences for which a function gives something else than the file has, with both."""
    return [
        (case["text"], case[field], result)
        for case in SENTENCES
        if (result := found(case["text"])) != case[field]
    ]


def test_there_are_some_hundred_sentences_none_twice():
    assert len({case["text"] for case in SENTENCES}) == len(SENTENCES) > 300


def test_simple_english_cuts_the_sentences_shared_with_the_runtime():
    assert differing("simple", TOKENISERS[SIMPLE_ENGLISH]) == []


def test_word2vec_english_cuts_the_sentences_shared_with_the_runtime_as_spacy_does():
    assert differing("word2vec", tokenise) == []


def test_words_for_the_sentences_are_found_as_the_runtime_finds_them():
    words = CASES["vocabulary"]
    reader = Reader(
        Vocabulary(words, np.eye(len(words))),
        Lemmas(CASES["lemmas"]),
        Spelling(map(tuple, CASES["spelling"])),
    )
    assert differing("words", lambda text: reader.read(text).words) == []
    assert differing("unknown", lambda text: reader.read(text).unknown) == []


@needs_shared
@pytest.mark.parametrize("name", DIGESTS)
def test_every_caption_of_audiocaps_is_cut_as_the_runtime_cuts_it(name):
    captions = read_texts(SHARED / "data" / "captions" / "audiocaps" / name)
    assert len(captions) == DIGESTS[name]["captions"]
    for tokeniser, cut in TOKENISERS.items():
        lines = "".join("\0".join(cut(caption)) + "\n" for caption in captions)
        assert hashlib.sha256(lines.encode()).hexdigest() == DIGESTS[name][tokeniser], tokeniser


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("don't", ["do", "n't"]),
        ("don’t", ["do", "n’t"]),
        ("Shouldn't've", ["Should", "n't", "'ve"]),
        ("theyll", ["they", "ll"]),
        ("10am", ["10", "am"]),
        ("Cannot", ["Can", "not"]),
        ("Dr.", ["Dr."]),
        ("'Cause", ["'Cause"]),
        ("its", None),
        ("DON'T", None),
        ("13pm", None),
        ("how’d'y", None),
    ],
)
def test_contractions_are_cut_by_their_table(word, parts):
    assert cut_word(word) == parts


def test_the_table_of_contractions_cuts_whole_words():
    assert all(sum(lengths) == len(word) and min(lengths) > 0 for word, lengths in CUTS.items())


def test_a_very_long_piece_stays_whole():
    assert tokenise("a " + '"' * 500) == ["a", *['"'] * 500]
    assert tokenise("a " + '"' * 501) == ["a", '"' * 501]


def test_the_command_prints_a_line_for_each_text(tmp_path, capsys):
    (tmp_path / "captions.csv").write_text('id,caption\n1,"A dog\'s bark, twice"\n2,café\n', encoding="utf-8")
    assert main(["tokenise", str(tmp_path / "captions.csv")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["tokens"] for line in lines] == [["A", "dog", "'s", "bark", ",", "twice"], ["café"]]
    assert lines[1]["text"] == "café"
    assert main(["tokenise", "--tokeniser", SIMPLE_ENGLISH, str(tmp_path / "captions.csv")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["tokens"] == ["a", "dog's", "bark", "twice"]


def test_the_command_says_which_file_cannot_be_read(tmp_path, capsys):
    (tmp_path / "captions.json").write_text('{"name": 1}')
    for name in ("missing.csv", "captions.json"):
        assert main(["tokenise", str(tmp_path / name)]) == 1
        assert capsys.readouterr().out.startswith(f"error: {tmp_path / name} cannot be read")


def test_both_tokenisers_have_the_names_that_manifests_use():
    assert list(TOKENISERS) == ["simple-english-v1", "word2vec-english-v1"]
    assert WORD2VEC_ENGLISH == "word2vec-english-v1"
