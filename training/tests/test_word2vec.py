import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from earshot_training.word2vec import Word2VecError, open_word2vec

WORDS = ["in", "Dog", "dog", "café", "New_York", "barks"]
VECTORS = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)


def write_binary(path: Path, words=WORDS, vectors=VECTORS, newline=b"", header=None, ending=b"") -> Path:
    records = b"".join(
        (word if isinstance(word, bytes) else word.encode()) + b" " + vector.astype("<f4").tobytes() + newline
        for word, vector in zip(words, vectors, strict=True)
    )
    path.write_bytes((header or f"{len(words)} {vectors.shape[1]}\n").encode() + records + ending)
    return path


def write_text(path: Path, words=WORDS, vectors=VECTORS, header=None, space="") -> Path:
    lines = [header or f"{len(words)} {vectors.shape[1]}"]
    lines += [
        f"{word} {' '.join(map(repr, row.tolist()))}{space}" for word, row in zip(words, vectors, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("newline", [b"", b"\n"], ids=["as GoogleNews", "with newlines"])
def test_a_binary_file_gives_its_words_and_vectors(tmp_path, newline):
    opened = open_word2vec(write_binary(tmp_path / "vectors.bin", newline=newline))
    assert (opened.words, len(opened), opened.dim, opened.vectors.shape) == (WORDS, 6, 5, (6, 5))
    np.testing.assert_array_equal(opened.vectors[:], VECTORS)
    np.testing.assert_array_equal(opened.vectors[[4, 1]], VECTORS[[4, 1]])
    np.testing.assert_array_equal(opened.vector("café"), VECTORS[3])
    assert "Dog" in opened and "DOG" not in opened


@pytest.mark.parametrize("space", ["", " "], ids=["plain", "with a trailing space"])
def test_a_text_file_gives_the_same(tmp_path, space):
    opened = open_word2vec(write_text(tmp_path / "vectors.txt", space=space))
    assert opened.words == WORDS
    np.testing.assert_array_equal(opened.vectors[:], VECTORS)


def test_the_content_tells_the_format_and_not_the_name(tmp_path):
    np.testing.assert_array_equal(open_word2vec(write_text(tmp_path / "vectors.bin")).vectors[:], VECTORS)
    np.testing.assert_array_equal(open_word2vec(write_binary(tmp_path / "vectors.txt")).vectors[:], VECTORS)


def test_vector_bytes_that_look_like_spaces_newlines_and_digits_do_not_mislead(tmp_path):
    vectors = np.frombuffer(b" \n 1" * 15 + b"\n\n\n\n" * 5 + b"1 2 " * 5, "<f4").reshape(5, 5)
    for newline in (b"", b"\n"):
        opened = open_word2vec(write_binary(tmp_path / "v.bin", WORDS[:5], vectors, newline))
        assert opened.words == WORDS[:5]
        np.testing.assert_array_equal(opened.vectors[:], vectors)


def test_a_packed_file_is_unpacked_once_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    plain = write_binary(tmp_path / "vectors.bin")
    packed = tmp_path / "vectors.bin.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(open_word2vec(packed).vectors[:], VECTORS)
    (unpacked,) = (tmp_path / "cache" / "word2vec").iterdir()
    made = unpacked.stat().st_mtime_ns
    assert open_word2vec(packed).words == WORDS and unpacked.stat().st_mtime_ns == made
    packed.write_bytes(gzip.compress(write_binary(plain, WORDS[:2], VECTORS[:2]).read_bytes()))
    assert open_word2vec(packed).words == WORDS[:2], "another file of the same name is unpacked anew"


def test_a_packed_file_cut_short_is_refused_and_leaves_nothing_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    packed = tmp_path / "vectors.bin.gz"
    packed.write_bytes(gzip.compress(write_binary(tmp_path / "v.bin").read_bytes())[:-20])
    with pytest.raises(Word2VecError, match=r"vectors\.bin\.gz is cut short"):
        open_word2vec(packed)
    assert list((tmp_path / "cache" / "word2vec").iterdir()) == []


def test_an_unpacking_that_is_stopped_leaves_nothing_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    packed = tmp_path / "vectors.bin.gz"
    packed.write_bytes(gzip.compress(write_binary(tmp_path / "v.bin").read_bytes()))

    def stop(source, target, length):
        target.write(source.read(10))
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfileobj", stop)
    with pytest.raises(KeyboardInterrupt):
        open_word2vec(packed)
    assert list((tmp_path / "cache" / "word2vec").iterdir()) == []


def test_a_damaged_packed_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    content = bytearray(gzip.compress(write_binary(tmp_path / "v.bin").read_bytes()))
    content[-6] ^= 0xFF
    (tmp_path / "v.bin.gz").write_bytes(content)
    with pytest.raises(Word2VecError, match="cannot be unpacked"):
        open_word2vec(tmp_path / "v.bin.gz")


@pytest.mark.parametrize("missing", [1, 4, 19, 20, 24, 60, 130])
def test_a_binary_file_cut_short_is_refused_wherever_it_is_cut(tmp_path, missing):
    path = write_binary(tmp_path / "vectors.bin")
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(
        Word2VecError, match=r"vectors\.bin: the header says 6 words of 5 numbers.* cut short"
    ):
        open_word2vec(path)


@pytest.mark.parametrize("missing", [30, 60, 200])
def test_a_text_file_cut_short_is_refused(tmp_path, missing):
    path = write_text(tmp_path / "vectors.txt")
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(Word2VecError, match=r"6 words of 5 numbers.* cut short"):
        open_word2vec(path)


@pytest.mark.parametrize("header", ["6\n", "six 5\n", "6 0\n", "0 5\n", "6 5 4\n", "-6 5\n", "in 0.1 0.2\n"])
def test_a_bad_header_is_refused_with_what_was_found(tmp_path, header):
    path = write_binary(tmp_path / "vectors.bin", header=header)
    with pytest.raises(
        Word2VecError,
        match='expected a first line "WORDS DIMENSIONS", found .*' + re.escape(header.split()[0]),
    ):
        open_word2vec(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "vectors.bin").write_bytes(b"")
    with pytest.raises(Word2VecError, match="expected a first line"):
        open_word2vec(tmp_path / "vectors.bin")


@pytest.mark.parametrize("header", ["6 4\n", "6 6\n", "5 5\n", "7 5\n", "6 50000000\n"])
def test_a_header_that_does_not_fit_the_content_is_refused(tmp_path, header):
    for write in (write_binary, write_text):
        with pytest.raises(Word2VecError, match=f"the header says {header.split()[0]} words"):
            open_word2vec(
                write(tmp_path / "vectors", header=header.strip() if write is write_text else header)
            )


def test_vectors_of_another_width_than_asked_for_are_refused(tmp_path):
    path = write_binary(tmp_path / "vectors.bin")
    assert open_word2vec(path, dim=5).dim == 5
    with pytest.raises(Word2VecError, match="vectors of 5 numbers, expected 300"):
        open_word2vec(path, dim=300)


@pytest.mark.parametrize("write", [write_binary, write_text])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_when_it_is_read(tmp_path, write, value):
    vectors = VECTORS.copy()
    vectors[4, 2] = value
    opened = open_word2vec(write(tmp_path / "vectors", vectors=vectors))
    np.testing.assert_array_equal(opened.vectors[:4], VECTORS[:4])
    for take in (lambda: opened.vectors[:], lambda: opened.vector("New_York"), opened.vocabulary):
        with pytest.raises(Word2VecError, match="vector of word number 5 is not finite"):
            take()


def test_text_that_is_no_number_is_refused(tmp_path):
    path = write_text(tmp_path / "vectors.txt")
    path.write_text(path.read_text().replace("barks ", "barks ++"))
    with pytest.raises(Word2VecError, match="could not convert"):
        open_word2vec(path).vector("barks")


def test_of_equal_words_the_first_counts(tmp_path):
    path = write_binary(tmp_path / "vectors.bin", ["a", "b", "a", "c", "b", "d"])
    opened = open_word2vec(path)
    np.testing.assert_array_equal(opened.vector("a"), VECTORS[0])
    known = opened.vocabulary()
    assert known.words == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(known.vectors, VECTORS[[0, 1, 3, 5]])


def test_words_that_are_not_utf_8_are_read_as_latin_1(tmp_path):
    path = write_binary(tmp_path / "v.bin", [b"caf\xe9", "naïve".encode()], VECTORS[:2])
    assert open_word2vec(path).words == ["café", "naïve"]


def test_a_vocabulary_holds_the_words_of_a_list_in_the_order_of_the_file(tmp_path):
    opened = open_word2vec(write_binary(tmp_path / "v.bin"))
    known = opened.vocabulary(words=["barks", "zorp", "dog", "barks"])
    assert known.words == ["dog", "barks"]
    np.testing.assert_array_equal(known.vectors, VECTORS[[2, 5]])


def test_a_vocabulary_holds_the_most_frequent_words_and_those_of_a_list(tmp_path):
    opened = open_word2vec(write_binary(tmp_path / "v.bin"))
    assert opened.vocabulary(most_frequent=2).words == ["in", "Dog"]
    assert opened.vocabulary(most_frequent=100).words == WORDS
    assert opened.vocabulary(words=["barks"], most_frequent=2).words == ["in", "Dog", "barks"]
    assert opened.vocabulary(words=[]).words == []


def test_words_that_hold_white_space_are_left_out_of_a_vocabulary(tmp_path):
    opened = open_word2vec(write_binary(tmp_path / "v.bin", ["a", "b\u00a0c", "\u3000", "d"], VECTORS[:4]))
    assert len(opened) == 4 and opened.vocabulary().words == ["a", "d"]


def test_the_stand_in_for_a_text_without_known_words_is_the_mean_of_the_first_words_by_alphabet(
    tmp_path, monkeypatch
):
    path = write_binary(tmp_path / "v.bin")
    np.testing.assert_allclose(open_word2vec(path).empty_vector, VECTORS.mean(axis=0), atol=1e-7)
    monkeypatch.setattr("earshot_training.word2vec.EMPTY_VECTOR_WORDS", 3)
    opened = open_word2vec(path)
    expected = VECTORS[[1, 4, 5]].mean(axis=0)  # Dog, New_York, barks: capitals come first
    np.testing.assert_allclose(opened.empty_vector, expected, atol=1e-7)
    np.testing.assert_array_equal(opened.vocabulary(words=["in"]).empty_vector, opened.empty_vector)


def test_a_file_of_one_word_without_a_newline_is_read(tmp_path):
    (tmp_path / "v.bin").write_bytes(b"1 2\na " + struct.pack("<2f", 1.5, -2))
    np.testing.assert_array_equal(open_word2vec(tmp_path / "v.bin").vectors[0], [1.5, -2])
