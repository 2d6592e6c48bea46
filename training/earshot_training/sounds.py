"""The data set of labelled sounds: manifest, licence rule, captions, audio, attributions.

A data set folder holds `manifest.csv` (one clip a line), `captions.csv` (three written descriptions of each
kind of sound) and the clips (16 kHz mono Ogg Vorbis). The clips are decoded once into a cache of 16-bit
samples.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from earshot_training.frontend import SAMPLE_RATE
from earshot_training.places import cache_folder, file_sha256

# Licences under which a recording may be learnt from, without version numbers.
TRAINING_LICENCES = frozenset({"CC0", "PD", "CC-BY", "CC-BY-SA", "MIT"})


@dataclass(frozen=True)
class Sound:
    """One clip, as a line of the manifest says. `labels` are kinds of sound, the main one first."""

    id: str
    file: str  # below the data set's folder
    labels: tuple[str, ...]
    captions: tuple[str, ...]  # by the clip's source; often none
    category: str
    duration_seconds: float
    split: str  # train, val or test
    group: str  # clips of one group never cross splits
    licence: str  # under which the clip is passed on
    source_licence: str  # of the recording the clip was cut from, where that is known
    licence_class: str  # permissive, share-alike, gpl or noncommercial
    author: str
    source: str
    source_title: str
    origin: str  # the collection

    @property
    def kind(self) -> str:
        """The main label."""
        return self.labels[0]

    @property
    def recording_licence(self) -> str:
        """The licence of the recording itself: `source_licence` where it is given, else `licence`."""
        return self.source_licence or self.licence

    @property
    def title(self) -> str:
        return self.source_title or self.id


def read_sounds(folder: Path) -> list[Sound]:
    """All clips of a data set, in the manifest's order."""
    sounds = []
    with (Path(folder) / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            row = {name: value.strip() for name, value in row.items() if name != "fold"}
            row["labels"] = _split(row["labels"], ";")
            row["captions"] = _split(row["captions"], " | ")
            row["duration_seconds"] = float(row.pop("duration_s"))
            sounds.append(Sound(**row))
    return sounds


def read_kind_captions(folder: Path) -> dict[str, tuple[str, ...]]:
    """The written descriptions of each kind of sound, from `captions.csv`."""
    with (Path(folder) / "captions.csv").open(newline="", encoding="utf-8") as file:
        return {row["label"]: _split(row["captions"], " | ") for row in csv.DictReader(file)}


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


# --- which clips may be learnt from ---


def licence_family(licence: str) -> str:
    """A licence without its version: "CC-BY-SA-3.0" -> "CC-BY-SA"."""
    return re.sub(r"-\d.*$", "", licence)


def may_train(sound: Sound, strict: bool = False) -> bool:
    """Whether a clip may be learnt from: it is in split `train`, and the licence allows it.

    By default the recording must be CC0, public domain, CC-BY, CC-BY-SA or MIT, whatever the collection
    that cut the clip says of itself. `strict` asks for `licence_class = permissive`, which the collection
    must allow too.
    """
    if sound.split != "train":
        return False
    if strict:
        return sound.licence_class == "permissive"
    return licence_family(sound.recording_licence) in TRAINING_LICENCES


def training_sounds(sounds: Iterable[Sound], strict: bool = False) -> list[Sound]:
    """The clips that may be learnt from, in order."""
    return [sound for sound in sounds if may_train(sound, strict)]


def write_attributions(sounds: Sequence[Sound], path: Path) -> None:
    """Writes who made each clip, as CSV or Markdown by the file's suffix, a line a clip sorted by
    collection and id.

    `licence` is the recording's; `collection_licence` that under which its collection passes the clip on.
    """
    columns = ("id", "title", "author", "licence", "source", "collection", "collection_licence")
    rows = [
        (s.id, s.title, s.author or "unknown", s.recording_licence, s.source, s.origin, s.licence)
        for s in sorted(sounds, key=lambda s: (s.origin, s.id))
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        if path.suffix == ".csv":
            csv.writer(file, lineterminator="\n").writerows([columns, *rows])
        else:
            lines = [columns, ["---"] * len(columns), *rows]
            file.writelines(
                "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
            )


# --- audio ---


def read_clip(path: Path) -> np.ndarray:
    """Decodes a clip to 16-bit samples [n]. Raises ValueError if it is not 16 kHz mono."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE or samples.shape[1] != 1:
        raise ValueError(f"{path} has {samples.shape[1]} channels at {rate} Hz; the data set is 16 kHz mono")
    return np.clip(np.rint(samples[:, 0] * 32768.0), -32768, 32767).astype(np.int16)


def as_float(samples: np.ndarray) -> np.ndarray:
    """16-bit samples as float32 in [-1, 1)."""
    return samples.astype(np.float32) / 32768.0


def load_audio(folder: Path, cache: Path | None = None) -> dict[str, np.ndarray]:
    """All clips of a data set: id -> 16-bit samples [n] at 16 kHz, mapped from the cache and read when
    touched.

    The first call decodes the clips (a minute for five hours) into `cache`, one file for all, which is
    bound to the manifest's SHA-256; later calls only map it.
    """
    folder = Path(folder)
    sounds = read_sounds(folder)
    cache = cache or cache_folder("sounds")
    stem = file_sha256(folder / "manifest.csv")[:16]
    samples_file, index_file = cache / f"{stem}.samples.i16", cache / f"{stem}.index.npz"
    if not index_file.exists():
        ends = []
        partial = samples_file.with_suffix(".partial")
        with partial.open("wb") as out:
            for sound in tqdm(sounds, desc="decoding clips", unit="clip"):
                out.write(read_clip(folder / sound.file).tobytes())
                ends.append(out.tell() // 2)
        partial.replace(samples_file)
        np.savez(index_file, ids=[sound.id for sound in sounds], ends=np.array(ends, np.int64))
    with np.load(index_file) as index:
        ids, ends = index["ids"].tolist(), index["ends"].tolist()
    samples = np.memmap(samples_file, np.int16, "r")
    return {id: samples[start:end] for id, start, end in zip(ids, [0, *ends[:-1]], ends, strict=True)}
