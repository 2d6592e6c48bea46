"""Makes a data set of the features that a run has stored."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from earshot_training.datasets import Clip, Dataset, DatasetWriter, Protocol
from earshot_training.datasets.raw import CaptionSet
from earshot_training.extraction.listeners import Listener
from earshot_training.extraction.media import ClipMedia
from earshot_training.extraction.store import FeatureStore, source_of


def write_features(
    captions: CaptionSet,
    media: Path,
    listeners: Sequence[Listener],
    output: Path,
    store: FeatureStore,
    done: Sequence[tuple[Clip, ClipMedia]],
    *,
    words: tuple[int, Callable[[str], np.ndarray]] | None,
    limits: Mapping[str, int],
    text_tokens: int | None,
    counts: Mapping[str, int],
    dtype: str,
    file_format: str,
) -> Dataset:
    """Writes the clips that are done. `counts`: what is told of the others. The rest as in `run.extract`."""
    clips = [
        replace(
            clip,
            media=file.path.relative_to(media).as_posix(),
            start_seconds=file.start_seconds,
            end_seconds=file.end_seconds,
        )
        for clip, file in done
    ]
    known = {clip.id for clip in clips}
    splits = {name: [id for id in ids if id in known] for name, ids in captions.splits.items()}
    lengths = _lengths(store, done, listeners)
    made_of = hashlib.sha256("".join(source_of(file) for _, file in done).encode()).hexdigest()
    writer = DatasetWriter(
        output,
        captions.name,
        clips,
        splits,
        _protocol(captions.protocol, listeners, lengths, splits, clips, limits, text_tokens),
        provenance={
            "experts": {each.name: each.identity for each in listeners},
            "clips": len(clips),
            **counts,
        },
        file_format=file_format,
        dtype=dtype,
        source=[made_of, [each.identity for each in listeners]],
    )
    for each in listeners:
        rows = (store.read(clip.id, file).get(each.name) for clip, file in done)
        writer.write_expert(each.name, each.aggregation, each.dim, rows)
    if words is not None:
        dim, vectors = words
        writer.write_words(dim, (vectors(caption) for clip in clips for caption in clip.captions))
    return writer.finish()


def _lengths(
    store: FeatureStore, done: Sequence[tuple[Clip, ClipMedia]], listeners: Sequence[Listener]
) -> dict[str, np.ndarray]:
    """Tokens of every clip by expert; 0 where it is missing, 1 of an average."""
    lengths = {each.name: np.zeros(len(done), np.int64) for each in listeners}
    for row, (clip, file) in enumerate(done):
        for name, array in store.read(clip.id, file).items():
            lengths[name][row] = len(array) if array.ndim == 2 else 1
    return lengths


def _protocol(
    protocol: Protocol,
    listeners: Sequence[Listener],
    lengths: Mapping[str, np.ndarray],
    splits: Mapping[str, Sequence[str]],
    clips: Sequence[Clip],
    limits: Mapping[str, int],
    text_tokens: int | None,
) -> Protocol:
    """The data set's protocol for these experts: a limit of every sequence, and the model is told in
    training of every expert that training clips lack.
    """
    training = set(splits.get("train", ()))
    rows = [row for row, clip in enumerate(clips) if clip.id in training]
    flaky = [
        each.name
        for each in listeners
        if each.name in protocol.flaky or (lengths[each.name][rows] == 0).any()
    ]
    known = {**protocol.max_tokens, **limits}
    return replace(
        protocol,
        max_tokens={
            each.name: known.get(each.name) or max(1, int(lengths[each.name].max()))
            for each in listeners
            if each.aggregation == "sequence"
        },
        text_tokens=text_tokens or protocol.text_tokens,
        flaky=tuple(flaky),
    )
