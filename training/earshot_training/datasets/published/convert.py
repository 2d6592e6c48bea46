"""Converts a published archive, or the folder it unpacks to, into the project's layout."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import Dataset, read_ids, some
from earshot_training.datasets.published.captions import WORD_DIM, read_captions, read_word_vectors
from earshot_training.datasets.published.catalogue import PublishedSet
from earshot_training.datasets.published.feature_file import open_features
from earshot_training.datasets.published.unpacking import unpack
from earshot_training.datasets.writer import DatasetWriter
from earshot_training.experts.catalogue import expert_facts
from earshot_training.experts.extract import vggish_variant

_STAMP = "archive.json"  # tells what an unpacked folder was made of
_BAR = "{desc} {percentage:3.0f} %|{bar}|"


@dataclass
class Conversion:
    """A converted data set, and what is worth telling about it."""

    dataset: Dataset
    notes: list[str] = field(default_factory=list)


def convert(
    source: Path,
    published: PublishedSet,
    output: Path,
    experts: Sequence[str] | None = None,
    dtype: str | None = None,
    file_format: str = "npy",
    keep_unpacked: bool = False,
    quiet: bool = False,
) -> Conversion:
    """Converts an archive or an unpacked folder. `dtype`: "float32" or "float16"; None keeps each
    file's own.

    An archive is unpacked to `OUTPUT.unpacked`, which is removed at the end unless it is to be kept. A
    conversion that was interrupted goes on where it stopped. `experts`: default all whose files are found.
    Raises DatasetError where a file is missing, cut short, or not what it should be.
    """
    if output.exists():
        raise DatasetError(f"{output} exists; remove it or name another folder")
    unknown = sorted(set(experts or ()) - set(published.experts))
    if unknown:
        raise DatasetError(
            f"{published.name} has no features of {', '.join(unknown)}; it has {', '.join(published.experts)}"
        )
    chosen = {name: paths for name, paths in published.experts.items() if not experts or name in experts}
    unpacked = output.with_name(output.name + ".unpacked")
    if source.is_dir():
        root = find_root(source, published)
    elif source.is_file():
        _unpack_archive(source, published.files(chosen), unpacked, quiet)
        root = unpacked
    else:
        raise DatasetError(f"{source} is missing")
    conversion = _convert_folder(root, published, output, chosen, bool(experts), dtype, file_format, quiet)
    if root == unpacked and not keep_unpacked:
        shutil.rmtree(unpacked)
    return conversion


def find_root(folder: Path, published: PublishedSet) -> Path:
    """The folder that members are relative to: `structured-symlinks` at its usual places, or `folder`."""
    first_list = next(iter(published.lists.values()))
    places = ("structured-symlinks", "symlinked-feats")
    for base in (folder, folder / "data" / published.archive, folder / published.archive):
        for root in (*(base / place for place in places), base):
            if (root / first_list).is_file():
                return root
    raise DatasetError(f"{folder}: expected {first_list} in data/{published.archive}/{places[0]}, found none")


def _unpack_archive(archive: Path, wanted: list[str], folder: Path, quiet: bool) -> None:
    """Unpacks what is wanted; what an interrupted run took out of the same archive is kept."""
    facts = archive.stat()
    stamp, mark = folder / _STAMP, [archive.name, facts.st_size, facts.st_mtime_ns, sorted(wanted)]
    if folder.exists():
        if not stamp.is_file():
            raise DatasetError(f"{folder} exists and was not made by a conversion; remove it")
        found = json.loads(stamp.read_text(encoding="utf-8"))
        if found == [mark, "complete"]:
            return
        if found[0] != mark:
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps([mark, "begun"]), encoding="utf-8")
    with tqdm(total=1.0, desc="unpacking", disable=quiet, bar_format=_BAR) as bar:

        def show(done: int, total: int) -> None:
            bar.update(done / max(total, 1) - bar.n)

        unpack(archive, wanted, folder, show)
    stamp.write_text(json.dumps([mark, "complete"]), encoding="utf-8")


def _convert_folder(
    root: Path,
    published: PublishedSet,
    output: Path,
    experts: dict[str, tuple[str, ...]],
    required: bool,
    dtype: str | None,
    file_format: str,
    quiet: bool,
) -> Conversion:
    notes: list[str] = []
    files = {name: path for name, paths in experts.items() if (path := _first(root, paths))}
    absent = [name for name in experts if name not in files]
    if absent and (required or not files):
        raise DatasetError(
            f"{root}: expected features of {', '.join(absent)}, found no {experts[absent[0]][0]}"
        )
    notes += [f"no features of {name}: {experts[name][0]} is not there" for name in absent]
    splits = {name: read_ids(root / file) for name, file in published.lists.items()}
    for name, file in published.optional_lists.items():
        if (root / file).is_file():
            splits[name] = read_ids(root / file)
    captions_file = _first(root, published.captions)
    if captions_file is None:
        raise DatasetError(f"{root}: expected captions at {' or '.join(published.captions)}, found none")
    words = read_word_vectors(root / published.words) if (root / published.words).is_file() else None
    if words is None:
        notes.append(f"no word vectors: {published.words} is not there")
    clips = _clips(splits, read_captions(captions_file), words, captions_file, notes)
    writer = DatasetWriter(
        output,
        published.name,
        clips,
        splits,
        published.protocol,
        provenance={
            "source": published.url,
            "files": {str(path.relative_to(root)): path.stat().st_size for path in files.values()},
        },
        file_format=file_format,
        dtype=dtype or "float32",
        source=[[name, path.name, path.stat().st_size] for name, path in files.items()],
    )
    if words is not None:
        counts = {clip.id: len(clip.captions) for clip in clips}
        vectors = [caption for id, count in counts.items() for caption in words[id][:count]]
        writer.write_words(WORD_DIM, vectors)
        del vectors
    words = None  # a pickle is held in memory: let it go before the next is read
    for name, path in files.items():
        _write_expert(writer, name, path, clips, dtype, quiet)
    dataset = writer.finish()
    if "vggish" in dataset.experts and (form := vggish_form(dataset)):
        notes.append(f"vggish features are of the form {form}")
    for name, expert in dataset.experts.items():
        if missing := int((~expert.availability).sum()):
            notes.append(f"{name} is missing in {missing} of {len(dataset)} clips")
    perceived = np.any([expert.availability for expert in dataset.experts.values()], axis=0)
    for name, rows in dataset.splits.items():
        if unseen := int((~perceived[rows]).sum()):
            notes.append(f"{unseen} clips of split {name} have no expert at all; its use is refused")
    return Conversion(dataset, notes)


def _first(root: Path, paths: Sequence[str]) -> Path | None:
    return next((root / path for path in paths if (root / path).is_file()), None)


def _clips(
    splits: dict[str, list[str]],
    captions: dict[str, list[list[str]]],
    words: dict[str, list[np.ndarray]] | None,
    file: Path,
    notes: list[str],
) -> list[Clip]:
    """The clips of all splits, each once, in the order of the lists."""
    ids = list(dict.fromkeys(id for listed in splits.values() for id in listed))
    for what, known in (("captions", captions), ("word vectors", words)):
        lacking = [id for id in ids if known is not None and not known.get(id)]
        if lacking:
            raise DatasetError(
                f"{file.parent}: expected {what} of every listed clip, "
                f"found none for {len(lacking)} of {len(ids)}: {some(lacking)}"
            )
    clips, uneven = [], 0
    for id in ids:
        tokens = captions[id]
        if words is not None and len(words[id]) != len(tokens):
            uneven += 1
            tokens = tokens[: len(words[id])]
        clips.append(Clip(id, tuple(" ".join(t) for t in tokens), tuple(map(tuple, tokens))))
    if uneven:
        notes.append(
            f"{uneven} clips have more captions than word vectors or fewer; the first of each were kept"
        )
    return clips


def _write_expert(
    writer: DatasetWriter, name: str, path: Path, clips: list[Clip], dtype: str | None, quiet: bool
) -> None:
    if writer.has(name):
        return
    facts = expert_facts(name)
    with open_features(path, facts.aggregation, facts.dim) as features:

        def rows() -> Iterator[np.ndarray | None]:
            for clip in tqdm(clips, desc=name, unit="clip", disable=quiet):
                yield features.get(clip.id)

        own = "float16" if features.half_precision() else "float32"
        writer.write_expert(name, facts.aggregation, facts.dim, rows, dtype or own)


def vggish_form(dataset: Dataset, clips: int = 1000) -> str | None:
    """In which of its forms VGGish is, told by the first clips' numbers; None where every clip lacks it."""
    expert = dataset.experts["vggish"]
    rows = np.flatnonzero(expert.availability)[:clips]
    return vggish_variant(expert.get(row) for row in rows.tolist()) if len(rows) else None
