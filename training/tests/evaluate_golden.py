"""What an evaluation of the golden toy data set has to give.

`python training/tests/evaluate_golden.py FOLDER` makes FOLDER/dataset, the toy archive in the neutral layout;
FOLDER/STEM, a model pack of the golden checkpoint that attends to the archive's four experts; and
FOLDER/expected.json: of the splits "val" and "test" the similarities that the checkpoint gives of what the
reference's own loader made of the archive, their ranks and metrics.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from conftest import golden, golden_arrays, golden_json
from import_golden import import_golden

from earshot_training.checkpoint import build_model, read_checkpoint
from earshot_training.datasets.published import convert, published_set
from earshot_training.metrics import audio_to_text_ranks, rank_metrics, text_to_audio_ranks

STEM = "ce-r2p1d-inst-vggish-vggsound-small"


def evaluate_golden(folder: Path) -> None:
    archive = golden("dataset/AudioCaps-experts-audio-only.tar.gz")
    convert(archive, published_set("audiocaps"), folder / "dataset", None, None, "npy", False)
    import_golden(STEM, folder)
    arrays = golden_arrays("dataset/expected.npz")
    ids = golden_json("dataset/expected.json")["ids"]
    model = build_model(
        read_checkpoint(golden(f"retrieval/{STEM}.pth")).state_dict,
        golden_json(f"retrieval/{STEM}.json")["modalities_in_model_order"],
    ).eval()
    expected = {}
    for split in ("val", "test"):
        own = {name.removeprefix(f"{split}__"): array for name, array in arrays.items()}
        expected[split] = {"ids": ids[split], **measure(model, own)}
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def measure(model: torch.nn.Module, arrays: dict[str, np.ndarray]) -> dict:
    """Similarities of all captions, those that do not exist included; ranks and metrics both ways."""
    features = {name: torch.from_numpy(arrays[f"feat__{name}"]) for name in model.experts}
    there = np.stack([arrays[f"ind__{name}"] for name in model.experts], axis=1)
    text = arrays["text"]
    words = torch.from_numpy(text.reshape(-1, *text.shape[-2:]))
    with torch.no_grad():
        similarity = model(features, torch.from_numpy(there), words).similarity.numpy()
    exists = arrays.get("query_masks", np.ones((len(there), len(words) // len(there))))
    ranks = {
        "T2A": text_to_audio_ranks(similarity, exists),
        "A2T": audio_to_text_ranks(similarity, exists),
    }
    return {
        "exists": exists.astype(int).tolist(),
        "similarity": similarity.tolist(),
        "ranks": {direction: found.tolist() for direction, found in ranks.items()},
        "metrics": {direction: rank_metrics(found) for direction, found in ranks.items()},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    evaluate_golden(Path(sys.argv[1]))
