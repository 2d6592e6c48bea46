import csv

import numpy as np
import pytest
import soundfile
from conftest import SHARED, needs_shared

from earshot_training.sounds import (
    as_float,
    load_audio,
    may_train,
    read_kind_captions,
    read_sounds,
    training_sounds,
    write_attributions,
)

COLUMNS = (
    "id captions labels licence source_licence licence_class author category origin source_title"
    " group fold split file source duration_s"
).split()
CLIPS = (
    # id, captions, labels, licence, source_licence, licence_class, author, category, origin, source_title
    (
        "free",
        "a dog | it barks",
        "dog;animal",
        "CC-BY-3.0",
        "CC-BY-3.0",
        "permissive",
        "Ann",
        "animals",
        "A",
        "a|b",
    ),
    ("held", "", "dog", "CC-BY-3.0", "CC-BY-3.0", "permissive", "Ann", "animals", "A", ""),
    ("wrapped", "", "cat", "CC-BY-NC-3.0", "CC0-1.0", "noncommercial", "Bob", "animals", "B", ""),
    ("noncommercial", "", "cat", "CC-BY-NC-3.0", "CC-BY-NC-3.0", "noncommercial", "Bob", "animals", "B", ""),
    (
        "unclear",
        "",
        "cat",
        "CC-BY-NC-3.0",
        "unspecified (Freesound CC)",
        "noncommercial",
        "Bob",
        "animals",
        "B",
        "",
    ),
    ("alike", "", "rain", "CC-BY-SA-4.0", "", "share-alike", "", "nature", "C", ""),
    ("gpl", "", "rain", "GPL-2.0-or-later", "GPL-2.0-or-later", "gpl", "Dan", "nature", "D", ""),
)


@pytest.fixture
def folder(tmp_path):
    """A data set of seven clips; only "held" is in split `test`."""
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, clip in enumerate(CLIPS, start=1):
            split = "test" if clip[0] == "held" else "train"
            rows.writerow([*clip, f"g{number}", "", split, f"{clip[0]}.wav", "https://example.org", "0.1"])
            samples = np.arange(100 * number, dtype=np.int16) * 3 - 500
            soundfile.write(tmp_path / f"{clip[0]}.wav", samples, 16_000, subtype="PCM_16")
    (tmp_path / "captions.csv").write_text("label,category,captions\ndog,animals,a dog barks | barking\n")
    return tmp_path


def test_the_manifest_is_read(folder):
    sound = read_sounds(folder)[0]
    assert (sound.labels, sound.kind, sound.captions) == (("dog", "animal"), "dog", ("a dog", "it barks"))
    assert (sound.title, sound.duration_seconds, sound.group) == ("a|b", 0.1, "g1")
    assert read_sounds(folder)[1].captions == ()
    assert read_kind_captions(folder) == {"dog": ("a dog barks", "barking")}


def test_the_recording_s_licence_decides_what_may_be_learnt_from(folder):
    assert [sound.id for sound in training_sounds(read_sounds(folder))] == ["free", "wrapped", "alike"]


def test_the_strict_rule_asks_the_collection_s_licence_too(folder):
    assert [sound.id for sound in training_sounds(read_sounds(folder), strict=True)] == ["free"]


def test_test_clips_are_never_learnt_from(folder):
    assert not any(may_train(sound, strict) for sound in read_sounds(folder)[1:2] for strict in (False, True))


def test_audio_is_decoded_once_and_mapped_afterwards(folder, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    first = load_audio(folder, cache)
    (folder / "free.wav").unlink()
    second = load_audio(folder, cache)
    assert list(second) == [sound.id for sound in read_sounds(folder)]
    np.testing.assert_array_equal(second["wrapped"], np.arange(300) * 3 - 500)
    assert second["wrapped"].dtype == np.int16
    np.testing.assert_array_equal(first["free"], second["free"])
    assert as_float(second["free"])[0] == np.float32(-500 / 32768)


def test_a_clip_of_another_rate_is_refused(folder, tmp_path):
    soundfile.write(folder / "free.wav", np.zeros(100), 44_100)
    with pytest.raises(ValueError, match="44100 Hz"):
        load_audio(folder, tmp_path)


def test_attributions_name_every_training_clip(folder, tmp_path):
    sounds = training_sounds(read_sounds(folder))
    write_attributions(sounds, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"free", "wrapped", "alike"}
    assert rows["wrapped"]["licence"] == "CC0-1.0" and rows["wrapped"]["collection_licence"] == "CC-BY-NC-3.0"
    assert rows["alike"]["author"] == "unknown" and rows["alike"]["title"] == "alike"
    write_attributions(sounds, tmp_path / "a.md")
    lines = (tmp_path / "a.md").read_text().splitlines()
    assert len(lines) == 2 + 3 and "a\\|b" in lines[2]


@needs_shared
def test_the_shared_sounds_have_the_known_counts_under_both_rules():
    sounds = read_sounds(SHARED / "data" / "sounds")
    assert (len(sounds), len(training_sounds(sounds)), len(training_sounds(sounds, strict=True))) == (
        3_879,
        2_582,
        1_356,
    )
    assert {sound.kind for sound in sounds} <= set(read_kind_captions(SHARED / "data" / "sounds"))
