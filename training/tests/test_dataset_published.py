"""The published feature archives, read without running what they contain, and converted."""

import builtins
import io
import os
import pickle
import tarfile
from collections import OrderedDict

import h5py
import numpy as np
import pytest
from conftest import golden, golden_arrays, golden_json, needs_shared
from small_archive import (
    IDS,
    make_archive,
    make_folder,
    make_published,
    sequence,
    store_pickle,
    write_hickle3,
    write_hickle4,
)

from earshot_training.datasets import ClipReader, DatasetError, DatasetWriter, open_dataset
from earshot_training.datasets.published import PUBLISHED, convert, published_set
from earshot_training.datasets.published.captions import read_captions, read_word_vectors
from earshot_training.datasets.published.feature_file import open_features
from earshot_training.datasets.published.hickle import HickleFile
from earshot_training.datasets.published.pickles import read_pickle
from earshot_training.datasets.published.unpacking import unpack
from earshot_training.experts.catalogue import expert_facts, in_model_order

AUDIOCAPS = published_set("audiocaps")


def pickled(path, content, protocol=4):
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


# --- hickle files ---


@pytest.mark.parametrize("write", [write_hickle3, write_hickle4])
def test_hickle_files_of_both_versions_give_their_arrays(tmp_path, write):
    entries = {"plain": sequence(3, 128, 0), "it's": sequence(1, 128, 1), "é\n\"'": sequence(2, 128, 2)}
    path = write(
        tmp_path / "x.hickle", {**entries, "gap": float("nan"), "none": np.zeros((0, 128), np.float32)}
    )
    with HickleFile(path) as file:
        assert set(file) == {*entries, "gap", "none"} and len(file) == 5 and "gap" in file
        for key, expected in entries.items():
            np.testing.assert_array_equal(file.get(key), expected)
        assert file.get("gap") is None and file.get("absent") is None


def test_a_hickle_clip_of_another_shape_is_refused_by_name(tmp_path):
    path = write_hickle4(tmp_path / "x.hickle", {"a": sequence(3, 64, 0), "b": 7.0, "c": np.array([b"text"])})
    with open_features(path, "sequence", 128) as features:
        with pytest.raises(DatasetError, match="expected tokens x 128 numbers of a, found 3 x 64"):
            features.get("a")
        with pytest.raises(DatasetError, match=r"expected an array or NaN for b, found 7\.0"):
            features.get("b")
        with pytest.raises(DatasetError, match=r"expected numbers of c, found \|S4"):
            features.get("c")


def test_nan_in_some_numbers_of_a_clip_is_refused_and_nan_throughout_means_missing(tmp_path):
    part, whole = sequence(3, 128, 0), np.full((2, 128), np.nan, np.float32)
    part[1, 5] = np.nan
    with open_features(write_hickle4(tmp_path / "x", {"a": part, "b": whole}), "sequence", 128) as features:
        with pytest.raises(DatasetError, match="NaN throughout for a missing clip, found 1 of 384"):
            features.get("a")
        assert features.get("b") is None


def test_a_hickle_file_cut_short_or_of_another_kind_is_refused(tmp_path):
    path = write_hickle4(tmp_path / "x.hickle", {str(i): sequence(9, 128, i) for i in range(9)})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DatasetError, match="is no whole HDF5 file"):
        HickleFile(path)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(DatasetError, match="expected a hickle file of version 3 or 4, found none"):
        HickleFile(tmp_path / "other.h5")
    with h5py.File(write_hickle4(tmp_path / "five.hickle", {}), "a") as file:
        file.attrs["HICKLE_VERSION"] = "5.0.2"
    with pytest.raises(DatasetError, match=r"version 3 or 4, found 5\.0\.2"):
        HickleFile(tmp_path / "five.hickle")


def test_links_out_of_a_hickle_file_are_refused(tmp_path):
    secret = write_hickle4(tmp_path / "secret.hickle", {"a": sequence(1, 128, 0)})
    with h5py.File(write_hickle4(tmp_path / "x.hickle", {}), "a") as file:
        file["data"]["'a'"] = h5py.ExternalLink(str(secret), "data/'a'")
        entry = file["data"].create_group("'b'")
        entry["data"] = h5py.SoftLink("/data/'c'/data")
    with HickleFile(tmp_path / "x.hickle") as file:
        for key in "ab":
            with pytest.raises(DatasetError, match="is a link to somewhere else"):
                file.get(key)


@needs_shared
def test_the_golden_hickle_3_file_gives_its_arrays():
    arrays = golden_arrays("dataset/hickle3-sample.npz")
    missing = arrays.pop("missing").tolist()
    with HickleFile(golden("dataset/hickle3-sample.hickle")) as file:
        assert set(file) == {*arrays, *missing}
        for key, expected in arrays.items():
            np.testing.assert_array_equal(file.get(key), expected)
        assert [file.get(key) for key in missing] == [None]


# --- pickles ---


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_containers_come_out_of_pickles_of_every_protocol(tmp_path, protocol):
    content = {
        "a": np.arange(6, dtype=np.float16).reshape(2, 3),
        "column-major": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big-endian": np.arange(3, dtype=">f4"),
        "empty": np.zeros((0, 4), np.float32),
        "scalar": np.float32(1.5),
        "nan": float("nan"),
        "plain": [("x", 1, None, True), {1, 2}, b"bytes", OrderedDict(k=2.5)],
    }
    found = read_pickle(pickled(tmp_path / "x", content, protocol))
    for name in ("a", "column-major", "big-endian", "empty"):
        np.testing.assert_array_equal(found[name], content[name])
    assert found["a"].dtype == np.float16 and found["scalar"] == 1.5 and np.isnan(found["nan"])
    assert found["plain"] == content["plain"]


def test_pickles_of_old_numpy_and_python_2_are_read(tmp_path):
    modern = pickle.dumps({"é": np.arange(4, dtype=np.float32)}, 2)
    old = modern.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != modern
    np.testing.assert_array_equal(read_pickle(pickled(tmp_path / "x", old))["é"], np.arange(4))
    # Python 2 wrote texts as bytes: SHORT_BINSTRING, here "é" in latin-1.
    assert read_pickle(pickled(tmp_path / "y", b"\x80\x02]U\x01\xe9a.")) == ["é"]


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), "posix.system"),
        (builtins.eval, ("open({!r}, 'w')",), "builtins.eval"),
        (builtins.getattr, (np, "load"), ""),
        (np.load, ("{}",), "numpy.load|numpy.lib"),
    ],
)
def test_a_malicious_pickle_is_refused_by_the_name_it_asks_for_and_does_nothing(
    tmp_path, function, arguments, name
):
    mark = tmp_path / "mark"
    told = [text.format(str(mark)) if isinstance(text, str) else "x" for text in arguments]
    with pytest.raises(DatasetError, match=f"is refused: it names .*(?:{name})"):
        read_pickle(pickled(tmp_path / "x", {"a": Call(function, *told)}))
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [b"datastructures\nExpertStore", b"numpy\ndtype", b"numpy.core.multiarray\nscalar", b"builtins\nset"],
)
def test_a_pickle_cannot_change_what_reads_it(tmp_path, name):
    content = b"\x80\x02c" + name + b"\nN}X\x0c\x00\x00\x00__defaults__)s\x86b."
    (tmp_path / "crafted.pkl").write_bytes(content)
    with pytest.raises(DatasetError, match=r"is refused|is no whole pickle"):
        read_pickle(tmp_path / "crafted.pkl")


def test_what_is_hidden_in_the_state_of_an_array_is_refused(tmp_path):
    good = pickle.dumps(np.arange(4, dtype=np.float32), 2)
    objects = pickle.dumps(np.array([1, "x"], object), 2)
    with pytest.raises(DatasetError, match="expected plain numbers"):
        read_pickle(pickled(tmp_path / "objects", objects))
    with pytest.raises(DatasetError, match="with 16 bytes, expected 36"):
        read_pickle(pickled(tmp_path / "shape", good.replace(b"K\x04\x85", b"K\x09\x85")))
    structured = pickle.dumps(np.zeros(2, [("a", "f4")]), 2)
    with pytest.raises(DatasetError, match="expected plain numbers"):
        read_pickle(pickled(tmp_path / "structured", structured))
    with pytest.raises(DatasetError, match="array"):  # numpy.ndarray itself cannot be called
        read_pickle(pickled(tmp_path / "called", b"\x80\x02cnumpy\nndarray\n(K\x09tR."))


def test_a_pickle_cut_short_or_of_no_kind_is_refused(tmp_path):
    whole = pickle.dumps({"a": np.zeros(100)}, 4)
    for keep in (0, 5, 60, len(whole) - 100, len(whole) - 1):
        with pytest.raises(DatasetError, match="cut short"):
            read_pickle(pickled(tmp_path / "x", whole[:keep]))
    with pytest.raises(DatasetError, match=r"is refused|no whole pickle"):
        read_pickle(pickled(tmp_path / "y", b"\xff\xfe hello"))
    with pytest.raises(DatasetError, match="is missing"):
        read_pickle(tmp_path / "absent")


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("module", ["datastructures", "zsvision.zs_data_structures"])
def test_the_array_backed_store_is_read_under_both_of_its_names(tmp_path, module, protocol):
    array = sequence(3, 8, 0).astype(np.float16)
    array[2] = np.nan  # a gap that `missing` does not tell of
    fields = {"keys": ["a", "b", "c"], "dim": 8, "store_dtype": np.float16, "store": array,
              "keymap": {"a": 0, "b": 1, "c": 2}, "missing": {"b"}}  # fmt: skip
    path = pickled(tmp_path / "x", store_pickle(fields, module, protocol))
    with open_features(path, "average", 8) as features:
        np.testing.assert_array_equal(features.get("a"), array[0])
        assert features.get("a").dtype == np.float16 and features.half_precision()
        assert [features.get(id) for id in ("b", "c", "d")] == [None] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"store": [1, 2]}, "a matrix `store`"),
        ({"dim": 9}, "expected vectors of 9 numbers in the store, found 8"),
        ({"keymap": {"a": 3}}, "expected a row below 3 for a, found 3"),
        ({"keymap": {5: 0}}, "expected clip ids as keys, found 5"),
    ],
)
def test_a_store_whose_parts_do_not_fit_is_refused(tmp_path, change, message):
    fields = {
        "keys": ["a"],
        "dim": 8,
        "store": sequence(3, 8, 0),
        "keymap": {"a": 0},
        "missing": set(),
        **change,
    }
    with (
        pytest.raises(DatasetError, match=message),
        open_features(pickled(tmp_path / "x", store_pickle(fields, "datastructures")), "average", 8),
    ):
        pass


def test_a_dict_of_vectors_may_have_them_flat_or_as_one_row(tmp_path):
    row = sequence(1, 8, 0)
    content = {
        "flat": row[0],
        "row": row,
        "nan": float("nan"),
        "nans": row[0] * np.nan,
        "two": sequence(2, 8, 0),
    }
    with open_features(pickled(tmp_path / "x", content), "average", 8) as features:
        for id in ("flat", "row"):
            np.testing.assert_array_equal(features.get(id), row[0])
        assert features.get("nan") is None and features.get("nans") is None
        with pytest.raises(DatasetError, match="expected 8 numbers of two, found 2 x 8"):
            features.get("two")


def test_captions_and_word_vectors_of_other_forms_are_refused(tmp_path):
    captions = read_captions(pickled(tmp_path / "c", {"a": [["a", "dog"], "it barks"], b"b": "rain"}))
    assert captions == {"a": [["a", "dog"], ["it", "barks"]], "b": [["rain"]]}
    with pytest.raises(DatasetError, match="expected a caption of a as a list of tokens, found 5"):
        read_captions(pickled(tmp_path / "c", {"a": [5]}))
    with pytest.raises(
        DatasetError, match="expected words x 300 numbers of each caption of a, found 2 x 100"
    ):
        read_word_vectors(pickled(tmp_path / "w", {"a": [sequence(2, 100, 0)]}))
    with pytest.raises(DatasetError, match="expected a list of captions of a, found float"):
        read_word_vectors(pickled(tmp_path / "w", {"a": 0.5}))
    with pytest.raises(DatasetError, match="found NaN"):
        read_word_vectors(pickled(tmp_path / "w", {"a": [sequence(2, 300, 0) * np.nan]}))


# --- archives ---


def test_an_archive_becomes_a_data_set(tmp_path):
    archive = make_archive(make_folder(tmp_path / "made"), tmp_path / "x.tar.gz")
    found = convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True)
    dataset = open_dataset(tmp_path / "set")
    dataset.verify()
    assert dataset.ids == IDS and {n: len(r) for n, r in dataset.splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 2,
    }
    assert list(dataset.experts) == ["vggish", "vggsound", "inst", "r2p1d"]
    assert {n: e.availability.tolist() for n, e in dataset.experts.items()} == {
        "vggish": [True, True, False, True, False],
        "vggsound": [True] * 5,
        "inst": [True] * 4 + [False],
        "r2p1d": [True] * 5,
    }
    assert dataset.experts["inst"].dtype == np.float16 and dataset.experts["vggsound"].dtype == np.float32
    np.testing.assert_array_equal(dataset.experts["vggsound"].get(2), sequence(38, 512, 12))
    assert dataset.clips[3].captions == ("a dog", "it barks twice")
    assert dataset.clips[3].tokens == (("a", "dog"), ("it", "barks", "twice"))
    np.testing.assert_array_equal(dataset.words.get(3, 1), sequence(3, 300, 20))
    assert found.notes == [
        f"no features of scene: {AUDIOCAPS.experts['scene'][0]} is not there",
        "vggish features are of the form pre-activation",
        "vggish is missing in 2 of 5 clips",
        "inst is missing in 1 of 5 clips",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "set", "x.tar.gz"]


def test_a_folder_converts_as_its_archive_does(tmp_path):
    folder = make_folder(tmp_path / "made")
    convert(make_archive(folder, tmp_path / "x.tar.gz"), AUDIOCAPS, tmp_path / "one", ["vggish"], quiet=True)
    convert(folder, AUDIOCAPS, tmp_path / "two", ["vggish"], quiet=True)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_captions_are_found_with_and_without_the_doubled_folder(tmp_path):
    folder = make_folder(tmp_path / "made")
    root = folder / "data" / "AudioCaps" / "structured-symlinks"
    (root / "structured-symlinks" / "raw-captions.pkl").rename(root / "raw-captions.pkl")
    assert len(convert(root, AUDIOCAPS, tmp_path / "set", ["vggsound"], quiet=True).dataset) == 5


def test_clips_that_no_expert_perceives_are_told_and_refused_where_they_are_used(tmp_path):
    found = convert(make_folder(tmp_path / "made"), AUDIOCAPS, tmp_path / "set", ["vggish"], quiet=True)
    assert "1 clips of split test have no expert at all; its use is refused" in found.notes
    with pytest.raises(DatasetError, match="split 'test', found none for 1 of 2: ddd_0"):
        found.dataset.split("test")


def test_a_conversion_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    archive = make_archive(make_folder(tmp_path / "made"), tmp_path / "x.tar.gz")
    get = HickleFile.get

    def interrupted(self, key):
        if "vggsound" in self.path.name and key == IDS[3]:
            raise KeyboardInterrupt
        return get(self, key)

    monkeypatch.setattr(HickleFile, "get", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True)
    assert not (tmp_path / "set").exists()
    read = []
    monkeypatch.setattr(HickleFile, "get", lambda self, key: read.append(self.path.name) or get(self, key))
    convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True).dataset.verify()
    assert set(read) == {"vggsound-raw.hickle"}


def test_an_unpacked_archive_is_not_read_again(tmp_path, monkeypatch):
    archive = make_archive(make_folder(tmp_path / "made"), tmp_path / "x.tar.gz")
    monkeypatch.setattr(DatasetWriter, "finish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True)
    monkeypatch.undo()
    monkeypatch.setattr(tarfile, "open", lambda **options: 1 / 0)
    assert len(convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True).dataset) == 5
    (tmp_path / "other.unpacked").mkdir()
    with pytest.raises(DatasetError, match="exists and was not made by a conversion; remove it"):
        convert(archive, AUDIOCAPS, tmp_path / "other", quiet=True)


def test_missing_parts_of_an_archive_are_named(tmp_path):
    root = make_folder(tmp_path / "made") / "data" / "AudioCaps" / "structured-symlinks"
    with pytest.raises(DatasetError, match="expected features of scene, found no aggregated_scene"):
        convert(tmp_path / "made", AUDIOCAPS, tmp_path / "set", ["scene"], quiet=True)
    with pytest.raises(DatasetError, match="has no features of speech"):
        convert(tmp_path / "made", AUDIOCAPS, tmp_path / "set", ["speech"], quiet=True)
    (root / "train_list.txt").write_text("aaa_0\nunknown_0\n")
    with pytest.raises(
        DatasetError, match="expected captions of every listed clip, found none for 1 of 5: unknown_0"
    ):
        convert(tmp_path / "made", AUDIOCAPS, tmp_path / "set", quiet=True)
    (root / "structured-symlinks" / "raw-captions.pkl").unlink()
    with pytest.raises(
        DatasetError, match=r"expected captions at structured-symlinks/raw-captions.pkl or raw-capt"
    ):
        convert(tmp_path / "made", AUDIOCAPS, tmp_path / "set", quiet=True)
    (root / "train_list.txt").unlink()
    with pytest.raises(DatasetError, match=r"expected train_list.txt in data/AudioCaps/structured-symlinks"):
        convert(tmp_path / "made", AUDIOCAPS, tmp_path / "set", quiet=True)
    with pytest.raises(DatasetError, match=r"absent\.tar\.gz is missing"):
        convert(tmp_path / "absent.tar.gz", AUDIOCAPS, tmp_path / "set", quiet=True)


def test_an_archive_cut_short_is_refused(tmp_path):
    archive = make_archive(make_folder(tmp_path / "made"), tmp_path / "x.tar.gz")
    whole = archive.read_bytes()
    for keep in (0, 100, len(whole) // 2, len(whole) - 4):
        archive.write_bytes(whole[:keep])
        with pytest.raises(DatasetError, match=r"is cut short or no .tar.gz archive"):
            convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True)
        assert not (tmp_path / "set").exists()


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                tar.addfile(member)
    return path


@pytest.mark.parametrize(
    "member",
    [
        ("../evil.txt", tarfile.REGTYPE, b"x"),
        ("/evil.txt", tarfile.REGTYPE, b"x"),
        ("a/../../evil.txt", tarfile.REGTYPE, b"x"),
        ("a/evil.txt", tarfile.SYMTYPE, "/etc/passwd"),
        ("a/evil.txt", tarfile.SYMTYPE, "../../etc/passwd"),
        ("a/evil.txt", tarfile.LNKTYPE, "../etc/passwd"),
    ],
)
def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path, member):
    archive = tar_of(tmp_path / "x.tar.gz", member)
    with pytest.raises(DatasetError, match="leads out of it"):
        unpack(archive, ["evil.txt"], tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists() and not (tmp_path / "out").exists()


def test_links_within_an_archive_are_followed(tmp_path):
    archive = tar_of(
        tmp_path / "x.tar.gz",
        ("set/links/audio", tarfile.SYMTYPE, "../features/audio"),
        ("set/links/list.txt", tarfile.SYMTYPE, "../ids.txt"),
        ("set/features/audio/a.bin", tarfile.REGTYPE, b"audio"),
        ("set/ids.txt", tarfile.REGTYPE, b"ids"),
        ("set/round", tarfile.SYMTYPE, "round"),
    )
    found = unpack(archive, ["links/audio/a.bin", "links/list.txt", "round/x", "absent"], tmp_path / "out")
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "links/audio/a.bin": b"audio",
        "links/list.txt": b"ids",
    }


def test_only_what_is_wanted_is_unpacked(tmp_path):
    archive = tar_of(
        tmp_path / "x.tar.gz", ("a/b.txt", tarfile.REGTYPE, b"1"), ("a/bb.txt", tarfile.REGTYPE, b"2")
    )
    unpack(archive, ["b.txt"], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.txt"]


def test_every_published_set_has_limits_for_its_sequences():
    for found in PUBLISHED.values():
        sequences = {name for name in found.experts if expert_facts(name).aggregation == "sequence"}
        assert set(found.protocol.max_tokens) == sequences, found.name
        assert set(found.protocol.flaky) <= set(found.experts)
        assert found.url.endswith(f"features-v2/{found.archive}-experts-audio-only.tar.gz")
    with pytest.raises(KeyError, match="no published data set is called 'x'; there are audiocaps, clotho"):
        published_set("x")


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_every_published_set_converts_from_where_its_files_lie(tmp_path, published):
    archive = make_archive(make_published(tmp_path / "made", published), tmp_path / published.archive_file)
    dataset = convert(archive, published, tmp_path / "set", quiet=True).dataset
    dataset.verify()
    assert dataset.name == published.name and list(dataset.experts) == list(published.experts)
    assert set(dataset.splits) == set(published.lists)
    assert all(rows.tolist() == [0, 1] for rows in dataset.splits.values())
    view = ClipReader(dataset, list(dataset.experts)).test([0, 1])
    assert view.availability[0].all() and view.words.shape[2] == published.protocol.text_tokens
    fused = published.protocol.fuse_captions
    assert view.word_counts[0].tolist()[:2] == ([3] if fused else [2, 1][: published.protocol.test_captions])


@needs_shared
def test_the_golden_archive_gives_what_the_references_loader_gives(tmp_path):
    archive = golden("dataset/AudioCaps-experts-audio-only.tar.gz")
    dataset = convert(archive, AUDIOCAPS, tmp_path / "set", quiet=True).dataset
    dataset.verify()
    expected, facts = golden_arrays("dataset/expected.npz"), golden_json("dataset/expected.json")
    experts = in_model_order(dataset.experts)
    reader = ClipReader(dataset, experts)
    for split in ("train", "val", "test"):
        rows = dataset.split(split)
        assert [dataset.ids[row] for row in rows] == facts["ids"][split]
        if split == "train":
            view = reader.training(rows[facts["train_batch_indices"]], np.random.default_rng(0))
            np.testing.assert_array_equal(view.word_counts, expected["train__text_token_mask"])
        else:
            view = reader.validation(rows) if split == "val" else reader.test(rows)
            np.testing.assert_array_equal(view.caption_mask, expected[f"{split}__query_masks"])
        np.testing.assert_array_equal(view.words, expected[f"{split}__text"])
        for column, name in enumerate(experts):
            reference = expert_facts(name).reference_name
            np.testing.assert_array_equal(view.features[name], expected[f"{split}__feat__{reference}"])
            np.testing.assert_array_equal(
                view.availability[:, column], expected[f"{split}__ind__{reference}"]
            )
