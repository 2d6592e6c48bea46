"""Makes test/fixtures/imported-pack: `python training/tests/make_imported_pack.py`.

A tiny model of four experts, two sequences and two averages, goes the way of a published checkpoint: its
weights are written as the reference's trainer does, experts and word vectors put beside them, and
`earshot-training import-checkpoint` makes the pack. `similarities.json` holds inputs and the similarities
that numpy_model.py computes for them, which the runtime must find again.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy_model import Pooled, compute, made_up_weights, pseudo_random
from reference_files import settings_of, write_checkpoint
from stand_in_experts import write_stand_in

from earshot_training.checkpoint_import import ImportOrder, WordChoice, import_checkpoint
from earshot_training.model import CENet, ExpertInput
from earshot_training.text import Lemmas, Spelling

FOLDER = Path(__file__).parents[2] / "test" / "fixtures" / "imported-pack"
EXPERTS = {
    "audio": Pooled(6, 3),
    "imagenet.resnext101_32x48d.0": Pooled(8),
    "r2p1d.r2p1d-ig65m.0": Pooled(4),
    "vggsound": Pooled(5, 2),
}
NAMES = ("vggish", "inst", "r2p1d", "vggsound")  # of the same in the pack
TEXT, SHARED, WORD_LIMIT = Pooled(10, 3, 1), 8, 20
TOKENS = {"audio": 10, "vggsound": 29}  # of a whole clip; the token limits are 29 and 29
# By clip: which experts there are, and the share of a clip's tokens.
CLIPS = (
    ((1, 1, 1, 1), 1.0),
    ((0, 1, 1, 1), 1.0),  # too short for VGGish
    ((1, 1, 1, 1), 0.4),
    ((1, 0, 0, 1), 1.0),  # no pictures
    ((0, 1, 1, 0), 1.0),  # no sound
    ((0, 0, 0, 1), 0.7),
)
WORDS = (
    "dog barks bark loud goose thunder rain wind engine man speaks woman sings bird chirps water runs door"
    " Paris bell".split()
)
CAPTIONS = {  # by caption: the words that are looked up
    "A loud dog barks": "loud dog barks".split(),
    "Thunder and rain": "thunder rain".split(),
    "a woman sings in Paris while a bell rings": "woman sings Paris bell".split(),
    "geese, a thundr": "goose thunder".split(),  # by lemma and by spelling
    "water " * 24: ["water"] * WORD_LIMIT,
    "qqqq": [],
}


def write_sources(folder: Path) -> ImportOrder:
    """Checkpoint, experts and word vectors; an order to import them into `folder`/pack."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = made_up_weights("ce", EXPERTS, TEXT, SHARED)
    sizes = {name: ExpertInput(*expert) for name, expert in EXPERTS.items()}
    model = CENet(sizes, "ce", TEXT.dim, TEXT.clusters, TEXT.ghosts, SHARED)
    counts = {name: value for name, value in model.state_dict().items() if name.endswith("batches_tracked")}
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()} | counts)
    checkpoint = write_checkpoint(folder / "trained_model.pth", model, settings_of(EXPERTS, TEXT, SHARED))
    for name, expert in zip(NAMES, EXPERTS.values(), strict=True):
        write_stand_in(folder / "experts", name, expert.dim)
    rows = (
        " ".join([word, *(f"{x:.3f}" for x in row)]) for word, row in zip(WORDS, word_vectors(), strict=True)
    )
    (folder / "words.txt").write_text(f"{len(WORDS)} {TEXT.dim}\n" + "".join(f"{row}\n" for row in rows))
    words = WordChoice(
        folder / "words.txt",
        lemmas=Lemmas({"geese": ["goose"]}),
        spelling=Spelling([("thunder", 900), ("goose", 20)]),
    )
    return ImportOrder(
        checkpoint, folder / "experts", words, folder / "pack", name="imported", licence="Apache-2.0"
    )


def word_vectors() -> np.ndarray:
    """[words, dim], rounded as in the file."""
    return np.round(pseudo_random((len(WORDS), TEXT.dim), 3_000), 3).astype(np.float32)


def similarities() -> dict:
    """The content of similarities.json: experts' features and words without the rows of zeros that follow,
    null for a missing expert, and [text][clip] similarities."""
    there = np.array([present for present, _ in CLIPS], np.float32)
    features = {}
    for i, (name, expert) in enumerate(EXPERTS.items()):
        shape = (len(CLIPS), 29, expert.dim) if expert.clusters else (len(CLIPS), expert.dim)
        features[name] = np.round(pseudo_random(shape, 1_000 + i), 3).astype(np.float32)
        for clip, (present, share) in enumerate(CLIPS):
            if expert.clusters:
                features[name][clip, round(share * TOKENS[name]) :] = 0
            if not present[i]:
                features[name][clip] = 0
    vectors, texts = word_vectors(), np.zeros((len(CAPTIONS), WORD_LIMIT, TEXT.dim), np.float32)
    for row, words in zip(texts, CAPTIONS.values(), strict=True):
        found = vectors[[WORDS.index(word) for word in words]] if words else vectors.mean(axis=0)[None]
        row[: len(found)] = found
    weights = made_up_weights("ce", EXPERTS, TEXT, SHARED)
    result = compute("ce", weights, EXPERTS, features, there, texts)
    return describe(
        dict(zip(NAMES, features.values(), strict=True)), there, texts, result.similarity, list(CAPTIONS)
    )


def describe(
    features: dict[str, np.ndarray],
    there: np.ndarray,
    words: np.ndarray,
    similarity: np.ndarray,
    captions: list[str] | None = None,
) -> dict:
    """Inputs and similarities as JSON; see `similarities`."""
    clips = [
        {name: plain(f[clip]) if there[clip, i] else None for i, (name, f) in enumerate(features.items())}
        for clip in range(len(there))
    ]
    texts = [{"words": plain(rows)} for rows in words]
    for text, caption in zip(texts, captions or (), strict=False):
        text["caption"] = caption
    return {
        "experts": list(features),
        "clips": clips,
        "texts": texts,
        "similarities": np.round(similarity, 7).tolist(),
    }


def plain(rows: np.ndarray) -> list:
    """Rows up to the last that is not zero, each number as short as tells it from other float32 numbers."""
    if rows.ndim == 2:
        rows = rows[: int(np.flatnonzero(rows.any(axis=1)).max(initial=-1)) + 1]
    return [plain(row) for row in rows] if rows.ndim == 2 else [float(str(np.float32(x))) for x in rows]


def make(folder: Path) -> dict:
    """Makes the pack in `folder`, which must not exist; returns its manifest."""
    with tempfile.TemporaryDirectory() as sources:
        order = write_sources(Path(sources))
        manifest = import_checkpoint(order)
        shutil.copytree(order.output, folder)
    text = json.dumps(similarities(), separators=(",", ":"))
    (folder / "similarities.json").write_text(text.replace('],"', '],\n"') + "\n", encoding="utf-8")
    return manifest


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    shutil.rmtree(target, ignore_errors=True)
    made = make(target)
    print(f"{target}: {sum(path.stat().st_size for path in target.iterdir()):,} bytes")
