"""The expert "speech": word vectors of what is said in a clip, a sequence that NetVLAD pools (the paper
tried it beside VGGish and VGGSound, and it did not help)."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from earshot_training.datasets import Dataset, DatasetError, open_dataset
from earshot_training.datasets.arrays import RowWriter
from earshot_training.datasets.layout import DESCRIPTION_FILE
from earshot_training.paper.words import TextVectors

EXPERT = "speech"
TOKENS = 35  # the reference's limit for speech


def add_speech(folder: Path, transcripts: Mapping[str, str], vectors: TextVectors) -> Dataset:
    """Adds the expert to a data set: the arrays, its entry, its token limit, and that it is flaky.

    transcripts: clip id -> what is said. A clip of which nothing is known, or no word, lacks the expert.
    Everything else of the data set stays as it is; a failure leaves it untouched. Raises DatasetError where
    the data set has the expert already, where no id is that of a clip, or where no clip would have speech.
    """
    dataset = open_dataset(folder)
    if EXPERT in dataset.experts:
        raise DatasetError(f"{folder} has the expert {EXPERT} already")
    if not set(transcripts) & set(dataset.ids):
        raise DatasetError(
            f"expected transcripts of clips of {dataset.name}, such as {dataset.ids[0]}, found those of "
            f"{', '.join(list(transcripts)[:3]) or 'none'}"
        )
    partial = dataset.folder / f"{EXPERT}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        names = _write(partial / f"{EXPERT}.npy", _words_of_clips(dataset, transcripts, vectors), vectors.dim)
        if not np.load(partial / names["offsets"])[-1]:
            raise DatasetError(f"{dataset.name}: no word of the transcripts is known, so no clip has speech")
        for name in names.values():
            (partial / name).replace(dataset.folder / name)
    finally:
        shutil.rmtree(partial)
    _enter(dataset.folder / DESCRIPTION_FILE, names, vectors)
    return open_dataset(folder)


def _words_of_clips(
    dataset: Dataset, transcripts: Mapping[str, str], vectors: TextVectors
) -> Iterator[np.ndarray]:
    for clip in dataset.clips:
        yield vectors.known(transcripts.get(clip.id, ""))


def _write(path: Path, clips: Iterator[np.ndarray], dim: int) -> dict[str, str]:
    writer = RowWriter(path, dim, np.dtype(np.float32))
    offsets = [0]
    try:
        for words in clips:
            writer.append(words)
            offsets.append(writer.rows)
        return writer.finish(offsets=np.array(offsets, np.int64))
    finally:
        writer.close()


def _enter(path: Path, names: Mapping[str, str], vectors: TextVectors) -> None:
    """Writes the expert into dataset.json."""
    description = json.loads(path.read_text(encoding="utf-8"))
    description["experts"][EXPERT] = {"aggregation": "sequence", "dim": vectors.dim, **names}
    protocol = description.setdefault("protocol", {})
    protocol.setdefault("maxTokens", {}).setdefault(EXPERT, TOKENS)
    protocol["flaky"] = [*protocol.get("flaky", []), EXPERT]
    description.setdefault("provenance", {})[EXPERT] = {"wordVectors": vectors.origin}
    part = path.with_name(f"{path.name}.partial")
    part.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
