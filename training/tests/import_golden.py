"""Imports the golden checkpoints: `python training/tests/import_golden.py FOLDER [STEM ...]`.

Each becomes FOLDER/STEM, a model pack with stand-in experts and made-up word vectors, and in it
`similarities.json`: the inputs of the golden case and the similarities that the reference's program gave.
"""

import json
import sys
from pathlib import Path

import numpy as np
from conftest import golden, golden_arrays, golden_json
from make_imported_pack import describe
from numpy_model import pseudo_random
from stand_in_experts import write_stand_in

from earshot_training.checkpoint_import import ImportOrder, WordChoice, import_checkpoint
from earshot_training.experts.catalogue import expert_facts

STEMS = (
    "ce-vggish-vggsound-small",
    "ce-r2p1d-inst-vggish-vggsound-small",
    "ce-vggish-only-small",
    "moee-vggish-vggsound-small",
)
WORDS = ("dog", "rain", "bell")


def import_golden(stem: str, folder: Path) -> dict:
    """Makes folder/stem from a golden checkpoint; returns the content of its similarities.json."""
    sources = folder / f"{stem}-sources"
    facts = [
        expert_facts(name) for name in golden_json(f"retrieval/{stem}.json")["modalities_in_model_order"]
    ]
    for expert in facts:
        write_stand_in(sources / "experts", expert.name, expert.dim)
    write_words(sources / "words.txt", 300)
    words = WordChoice(sources / "words.txt")
    import_checkpoint(ImportOrder(golden(f"retrieval/{stem}.pth"), sources / "experts", words, folder / stem))
    arrays = golden_arrays(f"retrieval/{stem}.npz")
    features = {expert.name: arrays[f"in__feat__{expert.reference_name}"] for expert in facts}
    there = np.stack([arrays[f"in__ind__{expert.reference_name}"] for expert in facts], axis=1)
    texts = arrays["in__text"].reshape(-1, *arrays["in__text"].shape[2:])
    content = describe(features, there, texts, arrays["out__sims"])
    (folder / stem / "similarities.json").write_text(json.dumps(content), encoding="utf-8")
    return content


def write_words(path: Path, dim: int) -> None:
    """A text file of word vectors from a formula."""
    lines = [f"{len(WORDS)} {dim}"]
    lines += [" ".join([word, *map(str, pseudo_random((dim,), salt))]) for salt, word in enumerate(WORDS)]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for wanted in sys.argv[2:] or STEMS:
        import_golden(wanted, Path(sys.argv[1]))
        print(Path(sys.argv[1]) / wanted)
