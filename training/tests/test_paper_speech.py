import json

import numpy as np
import pytest
from toy_dataset import WORD_DIM, toy_dataset, word_vectors

from earshot_training.cli import main
from earshot_training.datasets import Clip, DatasetError, open_dataset
from earshot_training.paper.config import load_config
from earshot_training.paper.inputs import Inputs
from earshot_training.paper.network import build_network
from earshot_training.paper.speech import add_speech
from earshot_training.paper.transcripts import Cue, TranscriptError, parse_vtt, read_transcripts
from earshot_training.paper.words import from_vocabulary, from_word2vec
from earshot_training.vocabulary import Vocabulary

VTT = """WEBVTT
Kind: captions

NOTE a remark

1
00:00:01.000 --> 00:00:03.000 align:start
<c.colour>the dog</c> &amp; the <00:00:02.000>rain
the dog & the rain

00:04.500 --> 00:06.000
a far bell
"""


@pytest.fixture
def vectors(tmp_path):
    """A word2vec file of the toy set's words."""
    words = word_vectors()
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in words.items()]
    path = tmp_path / "vectors.txt"
    path.write_text("\n".join([f"{len(words)} {WORD_DIM}", *lines]) + "\n")
    return path


def test_subtitles_are_read_without_mark_up_notes_and_repeats():
    assert parse_vtt(VTT, "a.vtt") == [Cue(1.0, 3.0, "the dog & the rain"), Cue(4.5, 6.0, "a far bell")]
    short = "WEBVTT\r\n\r\n01:00:00.000 --> 01:00:01.500\r\nhi\r\n"
    assert parse_vtt(short, "b.vtt") == [Cue(3600.0, 3601.5, "hi")]


def test_transcripts_come_from_json_csv_or_a_folder_of_subtitles(tmp_path):
    clips = [
        Clip("one", ("x",)),
        Clip("two_4000", ("x",), media="videos/two.mp4", start_seconds=4, end_seconds=14),
        Clip("silent", ("x",)),
    ]
    (tmp_path / "a.json").write_text('{"one": "the dog"}')
    assert read_transcripts(tmp_path / "a.json", clips) == {"one": "the dog"}
    (tmp_path / "a.csv").write_text("id,text\none,the dog\ntwo_4000,a bell\none,and rain\n")
    assert read_transcripts(tmp_path / "a.csv", clips) == {"one": "the dog and rain", "two_4000": "a bell"}
    (tmp_path / "subtitles").mkdir()
    (tmp_path / "subtitles" / "one.vtt").write_text(VTT)
    (tmp_path / "subtitles" / "two.en.vtt").write_text(VTT)
    found = read_transcripts(tmp_path / "subtitles", clips)
    assert found == {"one": "the dog & the rain a far bell", "two_4000": "a far bell"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"one": 1}', "expected an object from clip ids to texts"),
        (
            "a.csv",
            "clip,words\n",
            "expected a column id and one of text, transcript, speech, found clip, words",
        ),
        ("a.txt", "words", "expected a .json or .csv file or a folder of .vtt files"),
        ("folder/one.vtt", "1\n00:01", "expected WebVTT, which begins with WEBVTT, found '1"),
        ("folder/one.srt", "1", "expected files that end in .vtt, found none"),
    ],
)
def test_transcripts_of_another_kind_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(TranscriptError, match=message):
        read_transcripts(path.parent if name.startswith("folder") else path, [Clip("one", ("x",))])
    with pytest.raises(TranscriptError, match="found nothing"):
        read_transcripts(tmp_path / "none.json", [])


@pytest.mark.parametrize("name", ["t.json", "t.csv", "folder/one.vtt"])
def test_transcripts_in_another_encoding_are_refused(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("id,text\n".encode("utf-16"))
    with pytest.raises(TranscriptError, match=r"is no JSON|expected text in UTF-8"):
        read_transcripts(path.parent if name.startswith("folder") else path, [Clip("one", ("x",))])


def test_what_is_said_becomes_a_sequence_and_who_says_nothing_lacks_the_expert(tmp_path, vectors):
    dataset = toy_dataset(tmp_path / "data")
    texts = {dataset.ids[0]: "Rain, then the dog again!", dataset.ids[1]: "xyzzy", dataset.ids[2]: ""}
    expert = add_speech(dataset.folder, texts, from_word2vec(vectors, None, None)).experts["speech"]
    words = word_vectors()
    expected = np.stack([words[word] for word in ("then", "dog", "again")])
    np.testing.assert_array_equal(expert.get(0)[-3:], expected)
    assert expert.availability.tolist() == [True] + [False] * (len(dataset) - 1)
    again = open_dataset(dataset.folder)
    assert again.protocol.max_tokens["speech"] == 35 and again.protocol.flaky == ("vggish", "speech")
    assert again.provenance["speech"]["wordVectors"] == "vectors.txt, 20 words, suffix rules only"
    assert not list(dataset.folder.glob("*.partial"))


def test_words_of_a_pack_s_vocabulary_serve_as_well(tmp_path):
    words = word_vectors()
    Vocabulary(list(words), np.stack(list(words.values()))).save(tmp_path)
    vectors = from_vocabulary(tmp_path)
    assert vectors.known("the Dog!").shape == (1, WORD_DIM) and vectors.known("xyzzy").shape == (0, WORD_DIM)


def test_a_data_set_that_cannot_take_speech_is_left_as_it_was(tmp_path, vectors):
    dataset = toy_dataset(tmp_path / "data")
    before = {path.name: path.read_bytes() for path in dataset.folder.iterdir()}
    reader = from_word2vec(vectors, None, None)
    with pytest.raises(DatasetError, match="such as clip_000, found those of stranger"):
        add_speech(dataset.folder, {"stranger": "rain"}, reader)
    with pytest.raises(DatasetError, match="no word of the transcripts is known"):
        add_speech(dataset.folder, {dataset.ids[0]: "xyzzy"}, reader)
    assert {path.name: path.read_bytes() for path in dataset.folder.iterdir()} == before
    add_speech(dataset.folder, {dataset.ids[0]: "rain"}, reader)
    with pytest.raises(DatasetError, match="has the expert speech already"):
        add_speech(dataset.folder, {dataset.ids[0]: "rain"}, reader)


def test_speech_is_pooled_by_thirty_two_clusters_and_a_ghost(tmp_path, vectors):
    dataset = toy_dataset(tmp_path / "data")
    dataset = add_speech(dataset.folder, {dataset.ids[0]: "rain"}, from_word2vec(vectors, None, None))
    config = load_config("speech/2-with")
    inputs = Inputs(dataset, config)
    model = build_network(config, dataset, inputs.experts, inputs.word_dim)
    assert inputs.experts == [
        "vggish",
        "speech",
        "vggsound",
    ]  # the reference's order: audio, speech, vggsound
    assert model.pooling["speech"].clusters.shape == (WORD_DIM, 33)
    assert model.pooling["speech"].clusters2.shape == (1, WORD_DIM, 32)


def test_the_speech_experiment_runs_from_transcripts_to_figures(tmp_path, vectors, capsys):
    dataset = toy_dataset(tmp_path / "data" / "audiocaps")
    output = tmp_path / "out"
    command = f"reproduce --speech --data {tmp_path / 'data'} --output {output} --seed 0".split()
    command += "--limit-epochs 1 --set shared_dim=16 --set text_clusters=4 --set batch_size=16".split()
    assert main(command) == 0
    assert "expert speech:" in capsys.readouterr().out
    texts = {clip.id: clip.captions[0] for clip in dataset.clips[::2]}
    texts_file = tmp_path / "texts.json"
    texts_file.write_text(json.dumps({**texts, "stranger": "rain"}))
    speech = f"speech {dataset.folder} --transcripts {texts_file} --word2vec {vectors} --no-tables"
    assert main(speech.split()) == 0
    said = capsys.readouterr().out
    assert "audiocaps: 46 of 92 clips have speech, 92 words" in said
    assert "note: 1 of 47 transcripts are of no clip of audiocaps" in said
    assert main(command) == 0
    without, row = json.loads((output / "speech.json").read_text())["rows"]
    assert without["state"] == row["state"] == "done"
    assert without["paper"]["t2a"]["R1"] == [22.9, 0.0] and row["paper"] == {}
    settings = json.loads((output / row["folder"] / "seed-0" / "config.json").read_text())
    assert settings["experts"]["modalities"] == ["audio", "speech", "vggsound"]
    assert main(speech.split()) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("error: ")
