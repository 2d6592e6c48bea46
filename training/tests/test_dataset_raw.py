"""The raw public formats: captions, splits, and the names of media."""

import json
import pickle

import pytest
from conftest import SHARED, needs_shared

from earshot_training.datasets import DatasetError
from earshot_training.datasets.raw import MediaName, read_raw

AUDIOCAPS_HEADER = "audiocap_id,youtube_id,start_time,caption\n"
CLOTHO_HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        name = name.replace("__", ".")
        if isinstance(content, str):
            (folder / name).write_text(content, encoding="utf-8")
        else:
            (folder / name).write_bytes(pickle.dumps(content, 2))
    return folder


def texts(captions):
    return {clip.id: list(clip.captions) for clip in captions.clips}


def test_audiocaps_clips_have_the_ids_of_the_archives(tmp_path):
    folder = write(
        tmp_path,
        train__csv=AUDIOCAPS_HEADER + '91139,r1nicOVtvkQ,130,"A woman talks, nearby"\n',
        test__csv=AUDIOCAPS_HEADER
        + "1,7f_OlUlwoNg,20,Rattling\n3,abcdefghijk,0,Rain\n2,7f_OlUlwoNg,20,Noise \n",
    )
    found = read_raw(folder)
    assert found.name == "audiocaps"
    assert texts(found) == {
        "r1nicOVtvkQ_130000": ["A woman talks, nearby"],
        "7f_OlUlwoNg_20000": ["Rattling", "Noise"],
        "abcdefghijk_0": ["Rain"],
    }
    assert found.splits == {"train": ["r1nicOVtvkQ_130000"], "test": ["7f_OlUlwoNg_20000", "abcdefghijk_0"]}
    names = [MediaName("7f_OlUlwoNg_20000"), MediaName("7f_OlUlwoNg_20"), MediaName("1"), MediaName("2")]
    assert found.media["7f_OlUlwoNg_20000"] == [*names, MediaName("7f_OlUlwoNg", 20.0, 30.0)]
    assert (found.protocol.text_tokens, found.protocol.test_captions) == (20, 5)


def test_published_lists_decide_over_the_splits_and_what_they_lack_is_told(tmp_path):
    rows = "".join(f"{n},video-{n:05d},0,Rain\n" for n in range(4))
    folder = write(
        tmp_path,
        test__csv=AUDIOCAPS_HEADER + rows,
        final_filtered_test_list__txt="video-00002_0\nvideo-00009_0\n",
    )
    found = read_raw(folder)
    assert found.splits == {"test": ["video-00002_0"]} and len(found.clips) == 4
    assert found.notes == ["final_filtered_test_list.txt: 1 of 2 clips have no caption: video-00009_0"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,abc,x,Rain", r"test.csv, line 2: expected start_time in seconds, found 'x'"),
        ("1,abc,5", r"test.csv, line 2: expected 4 cells"),
        ("1,abc,5,Rain,more", r"test.csv, line 2: expected 4 cells"),
        ("1,dup,0,Rain", r"test.csv, line 2: clip dup_0 is in another split, too"),
    ],
)
def test_a_wrong_line_of_audiocaps_is_named(tmp_path, row, message):
    folder = write(
        tmp_path, train__csv=AUDIOCAPS_HEADER + "1,dup,0,Rain\n", test__csv=AUDIOCAPS_HEADER + row + "\n"
    )
    with pytest.raises(DatasetError, match=message):
        read_raw(folder)


@needs_shared
def test_the_public_audiocaps_tables_have_the_known_counts():
    found = read_raw(SHARED / "data" / "captions" / "audiocaps")
    assert {name: len(ids) for name, ids in found.splits.items()} == {"train": 49838, "val": 495, "test": 975}
    captions = texts(found)
    assert {len(captions[id]) for id in found.splits["train"]} == {1}
    assert {len(captions[id]) for id in (*found.splits["val"], *found.splits["test"])} == {5}
    assert captions["r1nicOVtvkQ_130000"] == ["A woman talks nearby as water pours"]


def test_clotho_splits_are_its_parts(tmp_path):
    folder = write(
        tmp_path,
        clotho_captions_development__csv=CLOTHO_HEADER + "Rain  on roof.wav,a,b,c,d,e\n",
        clotho_captions_validation__csv=CLOTHO_HEADER + 'x.wav,"a, b",b,c,d,\n',
        clotho_captions_evaluation__csv=CLOTHO_HEADER + "y.z.wav,a,b,c,d,e\n",
    )
    found = read_raw(folder)
    assert found.splits == {"train": ["Rain on roof"], "val": ["x"], "test": ["y.z"]}
    assert texts(found)["x"] == ["a, b", "b", "c", "d"] and not found.notes
    assert found.media["Rain on roof"] == [MediaName("Rain  on roof")]
    assert found.protocol.max_tokens == {"vggish": 31, "vggsound": 95}


def test_clotho_1_has_its_validation_drawn_from_development_the_same_each_time(tmp_path):
    rows = "".join(f"file {n}.wav,a,b,c,d,e\n" for n in range(100))
    folder = write(tmp_path, clotho_captions_development__csv=CLOTHO_HEADER + rows)
    found, again = read_raw(folder), read_raw(folder)
    assert (len(found.splits["train"]), len(found.splits["val"])) == (80, 20) and found.splits == again.splits
    assert not set(found.splits["train"]) & set(found.splits["val"])
    assert found.notes == ["no validation part: 20 of the development clips were drawn with seed 0"]
    write(folder, val_list__txt="file 3\n", train_list__txt="file 1\nfile 2\n")
    assert read_raw(folder).splits == {"train": ["file 1", "file 2"], "val": ["file 3"]}


def test_activity_net_videos_have_their_sentences_and_moments_in_order(tmp_path):
    entry = {"duration": 9.5, "timestamps": [[0.5, 3], [9, 2.0]], "sentences": [" A man runs.", "He falls. "]}
    folder = write(
        tmp_path,
        train__json=json.dumps({"v_aaaaaaaaaaa": entry}),
        val_1__json=json.dumps({"v_bbbbbbbbbbb": entry}),
    )
    found = read_raw(folder)
    assert found.splits == {"train": ["v_aaaaaaaaaaa"], "val": ["v_bbbbbbbbbbb"], "test": ["v_bbbbbbbbbbb"]}
    assert found.clips[0].captions == ("A man runs.", "He falls.") and found.protocol.fuse_captions
    assert found.clips[0].moments == ((0.5, 3), (2.0, 9))
    assert found.media["v_aaaaaaaaaaa"] == [MediaName("v_aaaaaaaaaaa"), MediaName("aaaaaaaaaaa")]
    (folder / "val_1.json").write_text(json.dumps({"v_b": {**entry, "sentences": ["one"]}}))
    with pytest.raises(DatasetError, match="expected as many timestamps as sentences of v_b"):
        read_raw(folder)


def test_queryd_videos_and_segments_are_read_from_pickles_with_their_times(tmp_path):
    videos = write(
        tmp_path / "videos",
        **{"raw_captions_combined_filtered-v2__pkl": {"video-aaaaaaaaaaa": [["a", "dog"], ["rain"]]}},
        **{"times_captions_combined_filtered-v2__pkl": {"video-aaaaaaaaaaa": [(0.0, 2.0), (5, 9.5)]}},
        test_list__txt="video-aaaaaaaaaaa\n",
    )
    found = read_raw(videos)
    assert found.name == "queryd" and found.clips[0].captions == ("a dog", "rain")
    assert found.clips[0].moments == ((0, 2), (5, 9.5)) and found.splits == {"test": ["video-aaaaaaaaaaa"]}
    assert found.media["video-aaaaaaaaaaa"] == [MediaName("video-aaaaaaaaaaa"), MediaName("aaaaaaaaaaa")]
    id = "aaa-a_aaaaa-aaa-a_aaaaa_5d3c"
    segments = write(
        tmp_path / "segments",
        split_raw_captions_filtered__pkl={id: [["a", "dog"]]},
        split_times_captions_filtered__pkl={id: [(3.0, 8.0)]},
        test_list__txt=f"{id}\n",
    )
    found = read_raw(segments)
    assert found.name == "queryd-segments" and not found.protocol.fuse_captions
    assert found.media[id] == [MediaName(id), MediaName("aaa-a_aaaaa", 3.0, 8.0)]


def test_queryd_without_lists_or_with_times_that_do_not_fit_is_refused(tmp_path):
    captions = {"video-aaaaaaaaaaa": [["a", "dog"], ["rain"]]}
    folder = write(tmp_path, raw_captions_combined_filtered__pkl=captions)
    with pytest.raises(DatasetError, match=r"expected the lists train_list.txt, val_list.txt, test_list.txt"):
        read_raw(folder)
    write(folder, times_captions_combined_filtered__pkl={"video-aaaaaaaaaaa": [(0, 1)]}, test_list__txt="x\n")
    with pytest.raises(DatasetError, match="expected 2 times of video-aaaaaaaaaaa, one a caption, found 1"):
        read_raw(folder)
    write(folder, times_captions_combined_filtered__pkl={"video-aaaaaaaaaaa": 0.5})
    with pytest.raises(DatasetError, match=r"expected a list of times of video-aaaaaaaaaaa, found 0\.5"):
        read_raw(folder)


@pytest.mark.parametrize("name", ["test.csv", "manifest.csv"])
def test_a_table_in_another_encoding_is_refused_and_not_a_crash(tmp_path, name):
    (tmp_path / name).write_bytes("audiocap_id,Müll\n".encode("utf-16"))
    (tmp_path / "captions.csv").write_text("label,captions\n")
    with pytest.raises(DatasetError, match=r"none of them|no CSV file in UTF-8"):
        read_raw(tmp_path)


def test_sounddescs_is_read_from_its_pickled_descriptions(tmp_path):
    folder = write(
        tmp_path,
        descriptions__pkl={"nhu05091190": "Rain on a roof", "07033137": ["A car"], "empty": ""},
        train_list__txt="nhu05091190\n",
        test_list__txt="07033137\nempty\n",
    )
    found = read_raw(folder)
    assert texts(found) == {"nhu05091190": ["Rain on a roof"], "07033137": ["A car"]}
    assert found.splits == {"train": ["nhu05091190"], "test": ["07033137"]}
    assert found.notes == ["test_list.txt: 1 of 2 clips have no caption: empty"]


def test_a_manifest_describes_a_folder_of_media(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "\ufefffile,start,end,captions,split\n"
        "a/b.wav,,,a dog | it barks,train\nfilm.mp4,1.5,4,rain,test\nfilm.mp4,1.5,4,it rains,test\n"
    )
    found = read_raw(path)
    assert found.name == "mine" and found.splits == {"train": ["a/b"], "test": ["film_1500"]}
    assert texts(found) == {"a/b": ["a dog", "it barks"], "film_1500": ["rain", "it rains"]}
    assert found.media["film_1500"] == [MediaName("film.mp4", 1.5, 4.0, exact=True)]
    assert found.protocol.test_captions == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,caption\na.wav,x\n", "expected the columns file, split, found file, caption"),
        ("file,split\na.wav,test\n", "expected a column caption or captions"),
        ("file,caption,split\na.wav,x,train\na.wav,y,test\n", "line 3: clip a has another file, other times"),
        (
            "file,caption,split,start,end\na.wav,x,train,5,2\n",
            "expected an end after the start, found 5 to 2",
        ),
        ("file,caption,split\na.wav,x,../up\n", "expected the name of a split for clip a, found '../up'"),
        ("file,caption,split\n", "expected clips, found none"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path, content, message):
    (tmp_path / "m.csv").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_raw(tmp_path / "m.csv")


def test_a_folder_of_no_known_format_is_refused_with_the_formats(tmp_path):
    with pytest.raises(DatasetError, match=r"expected a manifest \(CSV\) or the files of audiocaps, clotho"):
        read_raw(tmp_path)


@needs_shared
def test_the_labelled_sounds_keep_their_splits_and_the_licence_rule():
    found = read_raw(SHARED / "data" / "sounds")
    assert (len(found.splits["val"]), len(found.splits["test"])) == (357, 600)
    assert len(found.splits["train"]) == 2582 and found.notes == [
        "340 training clips may not be learnt from by their licence"
    ]
    assert all(clip.captions for clip in found.clips)
