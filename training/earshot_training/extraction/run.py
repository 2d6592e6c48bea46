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


Found = tuple[Clip, ClipMedia]  # a clip and its file
Features = dict[str, np.ndarray | None]  # of one clip by expert, None where it perceives nothing


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
    set's own; a sequence without one gets that of its longest clip. `workers`: clips that are worked
    on at once.

    Raises ExtractionError where nothing can be extracted.
    """
    if output.exists():
        raise ExtractionError(f"{output} exists; remove it or name another folder")
    ffmpeg = find_ffmpeg()
    store = FeatureStore(output.with_name(output.name + ".features"), listeners)
    found, failures = _find_media(captions, MediaFolder(media))
    todo = [(clip, file) for clip, file in found if store.read(clip.id, file) is None]
    with tqdm(total=len(found), initial=len(found) - len(todo), unit="clip", disable=quiet) as bar:
        for (clip, file), result in _work_ahead(ffmpeg, todo, listeners, workers):
            bar.update()
            if isinstance(result, MediaError):
                failures.append(Failure(clip.id, str(file.path), str(result)))
            else:
                store.write(clip.id, file, result)
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


def _find_media(captions: CaptionSet, folder: MediaFolder) -> tuple[list[Found], list[Failure]]:
    """The clips of any split with their files, and those without."""
    used = {id for ids in captions.splits.values() for id in ids}
    found: list[Found] = []
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


def _work_ahead(
    ffmpeg: str, todo: Sequence[Found], listeners: Sequence[Listener], workers: int
) -> Iterator[tuple[Found, Features | MediaError]]:
    """Works on several clips at once, a few ahead; yields them in order."""

    def work(file: ClipMedia) -> Features | MediaError:
        try:
            return _features(ffmpeg, file, listeners)
        except MediaError as error:
            return error

    waiting: deque[tuple[Found, Future[Features | MediaError]]] = deque()
    with ThreadPoolExecutor(max(1, workers)) as pool:
        try:
            for found in todo:
                waiting.append((found, pool.submit(work, found[1])))
                if len(waiting) > 2 * workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _features(ffmpeg: str, file: ClipMedia, listeners: Sequence[Listener]) -> Features:
    """What every expert makes of a clip. Raises MediaError where none perceives anything."""
    kinds = streams(ffmpeg, file.path)
    features: Features = {each.name: None for each in listeners}
    hearing = [each for each in listeners if isinstance(each, AudioListener)]
    if hearing and "audio" in kinds:
        samples = decode_audio(ffmpeg, file.path, file.start_seconds, file.end_seconds)
        features.update({each.name: each.hear(samples) for each in hearing})
    passes: dict[tuple[float, int, int], list[VisualListener]] = {}
    for each in listeners:
        if isinstance(each, VisualListener) and "video" in kinds:
            passes.setdefault(each.stream, []).append(each)
    for stream, watching in passes.items():
        looks = {each.name: each.look() for each in watching}
        for frame in decode_frames(ffmpeg, file.path, *stream, file.start_seconds, file.end_seconds):
            for look in looks.values():
                look.add(frame)
        features.update({name: look.result() for name, look in looks.items()})
    for name, array in features.items():
        if array is not None and not np.isfinite(array).all():
            raise MediaError(f"{name} gives NaN or infinity")
    if all(array is None for array in features.values()):
        found = " and ".join(sorted(kinds)) or "neither audio nor video"
        raise MediaError(f"no expert perceives anything: the file has {found}, or the clip is too short")
    return features
