"""The project's own layout of a data set, written and read."""

import json

import numpy as np
import pytest
import safetensors.numpy
from small_dataset import IDS, PROTOCOL, SPLITS, make_clips, make_dataset, make_experts, make_rows, make_words

from earshot_training.datasets import DatasetError, DatasetWriter, open_dataset


@pytest.mark.parametrize("file_format", ["npy", "safetensors"])
def test_what_was_written_is_read(tmp_path, file_format):
    written = make_dataset(tmp_path / "set", file_format=file_format, provenance={"by": "hand"})
    dataset = open_dataset(tmp_path / "set")
    assert (dataset.name, dataset.ids, dataset.provenance) == ("made-up", IDS, {"by": "hand"})
    assert dataset.captions == written.captions == [list(clip.captions) for clip in make_clips()]
    assert {name: rows.tolist() for name, rows in dataset.splits.items()} == {
        "train": [0, 1, 2], "val": [3], "test": [4, 5],
    }  # fmt: skip
    assert dataset.protocol == PROTOCOL
    for name, (aggregation, dim, rows) in make_experts().items():
        expert = dataset.experts[name]
        assert (expert.aggregation, expert.dim) == (aggregation, dim)
        for number, expected in enumerate(rows):
            assert expert.available(number) == (expected is not None)
            if expected is None:
                assert expert.get(number) is None
            else:
                np.testing.assert_array_equal(expert.get(number), expected)
    captions = [
        (row, number) for row, clip in enumerate(dataset.clips) for number in range(len(clip.captions))
    ]
    for (row, number), expected in zip(captions, make_words()[1], strict=True):
        np.testing.assert_array_equal(dataset.words.get(row, number), expected)
    with pytest.raises(IndexError, match="no caption number 1"):
        dataset.words.get(0, 1)
    dataset.verify()


def test_features_are_mapped_and_not_read_into_memory(tmp_path):
    for file_format in ("npy", "safetensors"):
        dataset = make_dataset(tmp_path / file_format, file_format=file_format)
        features = dataset.experts["vggsound"].get(1)
        while isinstance(features.base, np.ndarray):
            features = features.base
        assert isinstance(features, np.memmap)


def test_the_files_are_ordinary_ones_that_other_programs_read(tmp_path):
    make_dataset(tmp_path / "npy")
    vggish = np.load(tmp_path / "npy" / "vggish.npy")
    assert vggish.shape == (15, 128) and vggish.dtype == np.float32
    assert np.load(tmp_path / "npy" / "vggish.offsets.npy").tolist() == [0, 2, 7, 7, 10, 11, 15]
    assert np.load(tmp_path / "npy" / "inst.available.npy").tolist() == [True] * 4 + [False, True]
    make_dataset(tmp_path / "safe", file_format="safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "safe" / "vggish.safetensors")
    np.testing.assert_array_equal(tensors["features"], vggish)
    assert tensors["offsets"].tolist() == [0, 2, 7, 7, 10, 11, 15]


def test_safetensors_files_of_another_writer_are_read(tmp_path):
    dataset = make_dataset(tmp_path / "set", file_format="safetensors")
    expected = np.array(dataset.experts["vggish"].get(1))
    path = tmp_path / "set" / "vggish.safetensors"
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path)
    np.testing.assert_array_equal(open_dataset(tmp_path / "set").experts["vggish"].get(1), expected)


def test_half_precision_halves_the_file_and_refuses_what_it_cannot_hold(tmp_path):
    full, half = make_dataset(tmp_path / "full"), make_dataset(tmp_path / "half", dtype="float16")
    size = [(set.folder / "vggsound.npy").stat().st_size - 1024 for set in (full, half)]
    assert size[0] == 2 * size[1]
    np.testing.assert_allclose(
        half.experts["vggish"].get(1), full.experts["vggish"].get(1), rtol=1e-3, atol=1e-6
    )
    writer = DatasetWriter(tmp_path / "large", "x", make_clips(), SPLITS, PROTOCOL, dtype="float16")
    rows = make_rows(128, [1] * 6)
    rows[1] = rows[1] * 0 + 1e6
    with pytest.raises(
        DatasetError, match=r"vggish of clip clip-b: expected numbers that fit float16, found 1e\+06"
    ):
        writer.write_expert("vggish", "sequence", 128, rows)


def test_nothing_stands_in_its_place_before_all_is_written(tmp_path):
    writer = DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL)
    writer.write_expert("vggish", *make_experts()["vggish"])
    assert not (tmp_path / "set").exists()
    writer.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    with pytest.raises(DatasetError, match="exists"):
        DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    def interrupted():
        yield from make_experts()["vggsound"][2][:3]
        raise KeyboardInterrupt

    def start(source):
        return DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL, source=source)

    writer = start("archive 1")
    writer.write_expert("vggish", *make_experts()["vggish"])
    with pytest.raises(KeyboardInterrupt):
        writer.write_expert("vggsound", "sequence", 512, interrupted())

    def must_not_be_called():
        raise AssertionError("vggish was complete")

    writer = start("archive 1")
    assert writer.has("vggish") and not writer.has("vggsound")
    writer.write_expert("vggish", "sequence", 128, must_not_be_called)
    writer.write_expert("vggsound", *make_experts()["vggsound"])
    dataset = writer.finish()
    np.testing.assert_array_equal(dataset.experts["vggish"].get(1), make_experts()["vggish"][2][1])
    np.testing.assert_array_equal(dataset.experts["vggsound"].get(1), make_experts()["vggsound"][2][1])


def test_a_folder_that_no_run_left_is_not_removed(tmp_path):
    (tmp_path / "set.partial").mkdir()
    (tmp_path / "set.partial" / "mine.txt").write_text("precious")
    with pytest.raises(DatasetError, match="exists and was left by no run; remove it"):
        DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL)
    assert (tmp_path / "set.partial" / "mine.txt").read_text() == "precious"


def test_what_another_source_left_is_not_kept(tmp_path):
    DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL, source=1).write_expert(
        "vggish", *make_experts()["vggish"]
    )
    assert not DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL, source=2).has("vggish")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda row: row[:, :64],
            r"vggish of clip clip-b: expected tokens x 128 numbers, found 5 x 64 of float32",
        ),
        (lambda row: row[0], r"vggish of clip clip-b: expected tokens x 128 numbers, found 128 of float32"),
        (
            lambda row: row.astype(str),
            r"vggish of clip clip-b: expected tokens x 128 numbers, found 5 x 128 of <U",
        ),
        (lambda row: row * np.nan, r"vggish of clip clip-b: expected numbers, found NaN or infinity"),
    ],
)
def test_features_of_another_shape_or_with_nan_are_refused_by_the_clips_name(tmp_path, spoil, message):
    rows = make_experts()["vggish"][2]
    rows[1] = spoil(rows[1])
    writer = DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL)
    with pytest.raises(DatasetError, match=message):
        writer.write_expert("vggish", "sequence", 128, rows)


def test_too_few_or_too_many_clips_are_refused(tmp_path):
    writer = DatasetWriter(tmp_path / "set", "x", make_clips(), SPLITS, PROTOCOL)
    with pytest.raises(DatasetError, match="vggish: expected features of 6 clips, found 5"):
        writer.write_expert("vggish", "sequence", 128, make_rows(128, [1] * 5))
    with pytest.raises(DatasetError, match="vggish: expected features of 6 clips, found more"):
        writer.write_expert("vggish", "sequence", 128, make_rows(128, [1] * 7))


def _edit(folder, change):
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))


def _save(name, array):
    return lambda folder: np.save(folder / name, array)


def _cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "dataset.json").unlink(), "is no data set: it has no dataset.json"),
        (lambda f: (f / "dataset.json").write_text("{"), "dataset.json is no JSON"),
        (lambda f: _edit(f, lambda d: d.update(formatVersion=2)), "expected formatVersion 1, found 2"),
        (lambda f: _edit(f, lambda d: d.pop("clips")), "a field is missing or of the wrong kind"),
        (lambda f: _edit(f, lambda d: d.update(clips="../clips.jsonl")), "lies outside the data set"),
        (lambda f: _edit(f, lambda d: d["experts"]["vggish"].update(dim=100)), "vectors of 100 numbers"),
        (lambda f: _edit(f, lambda d: d["protocol"].update(textTokens=0)), "textTokens: expected a whole"),
        (lambda f: (f / "clips.jsonl").write_text('{"id": "a"}\n'), "line 1: clip a: expected `captions`"),
        (lambda f: (f / "clips.jsonl").write_bytes(b"\xff\xfe"), "clips.jsonl, line 1: 'utf-8' codec"),
        (lambda f: (f / "test.txt").write_bytes(b"\xff\xfe"), "test.txt is no list in UTF-8"),
        (lambda f: (f / "test.txt").write_text("clip-e\nclip-z\n"), "1 of 2 ids are no clips.*: clip-z"),
        (lambda f: (f / "test.txt").write_text("clip-e\nclip-e\n"), "every clip once, found 1 repeated"),
        (lambda f: (f / "vggish.npy").unlink(), "vggish.npy is missing"),
        (_cut("vggish.npy"), "vggish.npy is no whole .npy file"),
        (_save("vggish.npy", np.zeros((15, 128))), "expected a matrix of float32 or float16, found float64"),
        (_save("vggish.offsets.npy", np.arange(5)), r"expected 7 int64 offsets.*found int64 of shape \(5,\)"),
        (_save("vggish.offsets.npy", np.arange(7)), "expected offsets that rise from 0 to 15.*found 0 to 6"),
        (_save("vggish.offsets.npy", np.array([0, 9, 2, 3, 4, 5, 15])), "found 0 to 15, falling"),
        (_save("inst.available.npy", np.ones(5, bool)), "expected 6 truth values"),
        (_save("inst.npy", np.zeros((5, 2048), np.float32)), "expected 6 vectors, one a clip, found 5"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_refused_with_what_was_expected_and_found(tmp_path, damage, message):
    folder = make_dataset(tmp_path / "set").folder
    damage(folder)
    with pytest.raises(DatasetError, match=message):
        open_dataset(folder)


def test_a_safetensors_file_cut_short_is_refused(tmp_path):
    folder = make_dataset(tmp_path / "set", file_format="safetensors").folder
    whole = (folder / "vggish.safetensors").read_bytes()
    for keep, message in (
        (-8, "expected 56 bytes of 'offsets'"),
        (500, "a header of 1016 bytes"),
        (3, "header"),
    ):
        (folder / "vggish.safetensors").write_bytes(whole[:keep])
        with pytest.raises(DatasetError, match=message):
            open_dataset(folder)


def test_nan_that_came_into_a_file_later_is_refused_when_the_clip_is_read(tmp_path):
    folder = make_dataset(tmp_path / "set").folder
    features = np.load(folder / "vggsound.npy")
    features[6, 100] = np.nan
    np.save(folder / "vggsound.npy", features)
    dataset = open_dataset(folder)
    assert dataset.experts["vggsound"].get(0).shape == (5, 512)
    with pytest.raises(DatasetError, match="vggsound of clip number 1: expected numbers, found NaN"):
        dataset.experts["vggsound"].get(1)
    with pytest.raises(DatasetError, match="clip number 1"):
        dataset.verify()


def test_a_split_with_a_clip_that_no_expert_perceives_is_refused(tmp_path):
    dataset = make_dataset(tmp_path / "set")
    assert dataset.split("train").tolist() == [0, 1, 2]
    assert dataset.split("train", ["vggish", "vggsound"]).tolist() == [0, 1, 2]
    with pytest.raises(
        DatasetError, match=r"at least one of vggish .* 'train', found none for 1 of 3: clip-c"
    ):
        dataset.split("train", ["vggish"])
    with pytest.raises(DatasetError, match="expected a split called 'dev', found train, val, test"):
        dataset.split("dev")
    with pytest.raises(DatasetError, match="expected expert 'scene', found vggish, vggsound, inst"):
        dataset.split("train", ["scene"])
