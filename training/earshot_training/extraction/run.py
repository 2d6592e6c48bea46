"""Extracts the features of a data set's media, and writes them as a data set."""

import csv
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot_training.datasets import Clip, Dataset
from earshot_training.datasets.raw import CaptionSet
from earshot_training.extraction.assembly import write_features
from earshot_training.extraction.errors import ExtractionError, MediaError
from earshot_training.extraction.ffmpeg import decode_audio, decode_frames, find_ffmpeg, streams
from earshot_training.extraction.listeners import AudioListener, Listener, VisualListener
from earshot_training.extraction.media import ClipMedia, MediaFolder
from earshot_training.extraction.store import FeatureStore

FAILURES_FILE = "failures.csv"
MISSING = "no media file"


@dataclass(frozen=True)
class Failure:
    """A clip without features. `media`: its file, empty where none was found."""

    id: str
    media: str
    reason: str


@dataclass
class Report:
    """What a run did. `done`: clips with features, `new` of them made by this run."""

    dataset: Dataset
    done: int
    new: int
    failures: list[Failure] = field(default_factory=list)

    @property
    def without_media(self) -> int:
        return sum(failure.reason == MISSING for failure in self.failures)


@dataclass(frozen=True)
class _Decoded:
    """A clip whose sound is decoded; its pictures are read while they are looked at."""

    clip: Clip
    media: ClipMedia
    kinds: set[str]
    samples: np.ndarray | None


def extract(
    captions: CaptionSet,
    media: Path,
    listeners: Sequence[Listener],
    output: Path,
    *,
    words: tuple[int, Callable[[str], np.ndarray]] | None = None,
    max_tokens: dict[str, int] | None = None,
    text_tokens: int | None = None,
    workers: int = 2,
    dtype: str = "float32",
    file_format: str = "npy",
    keep_features: bool = False,
    quiet: bool = False,
) -> Report:
    """Every clip whose media are found goes through every expert; the result is a data set in `output`.

    Features are kept in `OUTPUT.features` as they are made, a file a clip: a run that was stopped goes on
    after the last clip. Clips without media, and those that cannot be decoded, are counted, listed in
    `failures.csv` in the data set, and left out of it and its splits. `words`: the length of a word vector,
    and the function from a caption to its vectors. `max_tokens`, `text_tokens`: limits in place of the data
    set's own; a sequence without one gets that of its longest clip. `workers`: files decoded at once.

    Raises ExtractionError where nothing can be extracted.
    """
    if output.exists():
        raise ExtractionError(f"{output} exists; remove it or name another folder")
    ffmpeg = find_ffmpeg()
    store = FeatureStore(output.with_name(output.name + ".features"), listeners)
    found, failures = _find_media(captions, MediaFolder(media))
    todo = [(clip, file) for clip, file in found if store.read(clip.id, file) is None]
    with tqdm(total=len(found), initial=len(found) - len(todo), unit="clip", disable=quiet) as bar:
        for part in _decode_ahead(ffmpeg, todo, any(each.modality == "audio" for each in listeners), workers):
            bar.update()
            if isinstance(part, Failure):
                failures.append(part)
                continue
            try:
                store.write(part.clip.id, part.media, _features(ffmpeg, part, listeners))
            except MediaError as error:
                failures.append(Failure(part.clip.id, str(part.media.path), str(error)))
    failed = {failure.id for failure in failures}
    attempted = sum(failure.reason != MISSING for failure in failures)
    done = [(clip, file) for clip, file in found if clip.id not in failed]
    if not done:
        first = f"the first, {failures[0].id}: {failures[0].reason}"
        raise ExtractionError(f"no features of any of {len(failures)} clips; {first}")
    dataset = write_features(
        captions, media, listeners, output, store, done,
        words=words,
        limits=max_tokens or {},
        text_tokens=text_tokens,
        counts={"withoutMedia": len(failures) - attempted, "failed": attempted},
        dtype=dtype,
        file_format=file_format,
    )  # fmt: skip
    with (output / FAILURES_FILE).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "media", "reason"])
        rows.writerows([failure.id, failure.media, failure.reason] for failure in failures)
    if not keep_features:
        shutil.rmtree(store.folder)
    return Report(dataset, len(done), len(todo) - attempted, failures)


def _find_media(
    captions: CaptionSet, folder: MediaFolder
) -> tuple[list[tuple[Clip, ClipMedia]], list[Failure]]:
    """The clips of any split with their files, and those without."""
    used = {id for ids in captions.splits.values() for id in ids}
    found: list[tuple[Clip, ClipMedia]] = []
    failures: list[Failure] = []
    for clip in captions.clips:
        if clip.id not in used:
            continue
        file = folder.find(captions.media.get(clip.id, []))
        if file is None:
            failures.append(Failure(clip.id, "", MISSING))
        else:
            found.append((clip, file))
    return found, failures


def _decode_ahead(
    ffmpeg: str, todo: Sequence[tuple[Clip, ClipMedia]], audio: bool, workers: int
) -> Iterator[_Decoded | Failure]:
    """Decodes the sound of clips in parallel, a few clips ahead; yields them in order."""

    def decode(clip: Clip, media: ClipMedia) -> _Decoded | Failure:
        try:
            kinds = streams(ffmpeg, media.path)
            if not kinds:
                raise MediaError("neither sound nor pictures in the file")
            samples = None
            if audio and "audio" in kinds:
                samples = decode_audio(ffmpeg, media.path, media.start_seconds, media.end_seconds)
            return _Decoded(clip, media, kinds, samples)
        except MediaError as error:
            return Failure(clip.id, str(media.path), str(error))

    waiting: deque[Future[_Decoded | Failure]] = deque()
    with ThreadPoolExecutor(max(1, workers)) as pool:
        try:
            for clip, media in todo:
                waiting.append(pool.submit(decode, clip, media))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _features(ffmpeg: str, part: _Decoded, listeners: Sequence[Listener]) -> dict[str, np.ndarray | None]:
    """What every expert makes of a clip. Raises MediaError where none perceives anything."""
    features: dict[str, np.ndarray | None] = {each.name: None for each in listeners}
    passes: dict[tuple[float, int, int], list[VisualListener]] = {}
    for each in listeners:
        if isinstance(each, AudioListener) and part.samples is not None:
            features[each.name] = each.hear(part.samples)
        elif isinstance(each, VisualListener) and "video" in part.kinds:
            passes.setdefault(each.stream, []).append(each)
    for stream, watching in passes.items():
        looks = {each.name: each.look() for each in watching}
        file = part.media
        for frame in decode_frames(ffmpeg, file.path, *stream, file.start_seconds, file.end_seconds):
            for look in looks.values():
                look.add(frame)
        features.update({name: look.result() for name, look in looks.items()})
    if all(array is None for array in features.values()):
        kinds = " and ".join(sorted(part.kinds))
        raise MediaError(f"no expert perceives anything: the file has {kinds}, or the clip is too short")
    return features
