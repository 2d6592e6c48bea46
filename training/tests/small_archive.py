"""Files in the forms of the published archives, made up: hickle files, pickles, a whole archive."""

import pickle
import sys
import tarfile
import types
from pathlib import Path

import h5py
import numpy as np

from earshot_training.datasets.published import PublishedSet
from earshot_training.experts.catalogue import expert_facts

TRAIN, VAL, TEST = ["aaa_0", "it's_1000"], ["bbb_20000"], ["ccc_30000", "ddd_0"]
IDS = [*TRAIN, *VAL, *TEST]


def write_hickle4(path: Path, entries: dict) -> Path:
    """As hickle 4.0.4 does; some attributes as bytes, as old h5py wrote them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["HICKLE_VERSION"], file.attrs["HICKLE_PYTHON_VERSION"] = b"4.0.4", "3.7.10"
        group = file.create_group("data")
        group.attrs["base_type"] = b"dict"
        for number, (key, value) in enumerate(entries.items()):
            entry = group.create_group(repr(key))
            entry.attrs.update({"base_type": b"dict_item", "key_base_type": b"str", "key_idx": number})
            data = entry.create_dataset("data", data=value)
            data.attrs["base_type"] = b"float" if np.ndim(value) == 0 else b"ndarray"
    return path


def write_hickle3(path: Path, entries: dict) -> Path:
    """As hickle 3.4 does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["CLASS"], file.attrs["VERSION"], file.attrs["PYTHON_VERSION"] = "hickle", "3.4.3", "3.7.10"
        group = file.create_group("data_0")
        group.attrs["type"] = np.array([b"<class 'dict'>"])
        for key, value in entries.items():
            entry = group.create_group(repr(key))
            entry.attrs["type"], entry.attrs["key_type"] = [b"dict_item"], [b"<class 'str'>"]
            data = entry.create_dataset("data_0", data=value)
            data.attrs["type"] = [b"python_dtype" if np.ndim(value) == 0 else b"ndarray"]
    return path


def store_pickle(fields: dict, module: str, protocol: int = 4) -> bytes:
    """A pickled object of a class `ExpertStore` of a module that is not at hand when it is read."""
    names = [module.rpartition(".")[0], module] if "." in module else [module]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    kind = type("ExpertStore", (), {"__module__": module})
    sys.modules[module].ExpertStore = kind
    try:
        store = kind()
        vars(store).update(fields)
        return pickle.dumps(store, protocol)
    finally:
        for name in names:
            del sys.modules[name]


def sequence(tokens: int, dim: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((tokens, dim)).astype(np.float32)


def make_folder(folder: Path) -> Path:
    """A made-up AudioCaps archive, unpacked: VGGish lacks two clips, Inst one; Scene's file is not there."""
    root = folder / "data" / "AudioCaps" / "structured-symlinks"
    vggish = {id: sequence(3 + number, 128, number) for number, id in enumerate(IDS[:4])}
    vggish["bbb_20000"] = float("nan")
    write_hickle4(root / "aggregated_audio" / "vggish-raw.hickle", vggish)
    vggsound = {id: sequence(40 - number, 512, 10 + number) for number, id in enumerate(IDS)}
    write_hickle3(root / "aggregated_vggsound" / "vggsound-raw.hickle", vggsound)

    inst = np.random.default_rng(5).standard_normal((5, 2048)).astype(np.float16)
    fields = {
        "keys": IDS,
        "dim": 2048,
        "store_dtype": np.float16,
        "store": inst,
        "keymap": {id: row for row, id in enumerate(IDS)},
        "missing": {"ddd_0"},
    }
    _write(
        root / "aggregated_imagenet_25fps_256px_stride1_offset0" / "resnext101_32x48d-avg.pickle",
        store_pickle(fields, "datastructures"),
    )
    r2p1d = {id: inst[row, :512] if row else inst[row : row + 1, :512] for row, id in enumerate(IDS)}
    _write(
        root / "aggregated_r2p1d_30fps_256px_stride32_offset0_inner_stride1" / "r2p1d-ig65m-avg.pickle",
        pickle.dumps(r2p1d, 2),
    )

    captions = {id: [["rain", "falls"]] for id in TRAIN}
    captions |= {id: [["a", "dog"], ["it", "barks", "twice"]] for id in [*VAL, *TEST]}
    words = {id: [sequence(len(c), 300, 20) for c in clip] for id, clip in captions.items()}
    _write(root / "structured-symlinks" / "raw-captions.pkl", pickle.dumps(captions, 2))
    _write(root / "text_embeddings" / "w2v.pkl", pickle.dumps(words, 3))
    lists = (("train_list", TRAIN), ("filtered_val_list", VAL), ("final_filtered_test_list", TEST))
    for name, ids in lists:
        (root / f"{name}.txt").write_text("\n".join(ids) + "\n")
    return folder


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make_archive(folder: Path, path: Path) -> Path:
    """Packs a folder as the published archives are packed."""
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder / "data", "data")
    return path


def make_published(folder: Path, published: PublishedSet) -> Path:
    """Any published set in small: two clips, of which every expert has the first."""
    root = folder / "data" / published.archive / "structured-symlinks"
    ids = ["one", "two"]
    for name, (path, *_) in published.experts.items():
        facts = expert_facts(name)
        features = (
            sequence(4, facts.dim, 1) if facts.aggregation == "sequence" else sequence(1, facts.dim, 1)[0]
        )
        entries = {"one": features, "two": features if name == "vggish" else float("nan")}
        if path.endswith(".hickle"):
            write_hickle4(root / path, entries)
        else:
            _write(root / path, pickle.dumps(entries, 2))
    captions = {id: [["a", "dog"], ["rain"]] for id in ids}
    words = {id: [sequence(2, 300, 2), sequence(1, 300, 3)] for id in ids}
    _write(root / published.captions[0], pickle.dumps(captions, 2))
    _write(root / published.words, pickle.dumps(words, 2))
    for file in published.lists.values():
        (root / file).write_text("\n".join(ids) + "\n")
    return folder
