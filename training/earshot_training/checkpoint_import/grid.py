"""Where a pack's segments start and how long they are, from the clips its model was trained on.

A model hears a segment of a recording as it heard a whole clip in training. Both lengths are whole numbers of
VGGish examples, so that every expert's windows fit.
"""

from dataclasses import dataclass

from earshot_training.checkpoint_import.errors import UnknownSettingError
from earshot_training.frontend import SAMPLE_RATE, VGGishLogMel

UNIT = VGGishLogMel.EXAMPLE_FRAMES * VGGishLogMel.HOP  # samples from one VGGish example to the next: 0.96 s

# Seconds of a clip, by the data set's name without signs.
CLIP_SECONDS = {
    "audiocaps": 10.0,
    "clotho": 30.0,  # the longest; the token limits 31 and 95 are those of 30 s
    "activitynet": 27.84,  # minutes long, but its models hear the first 29 VGGish examples only
    "queryd": 480.0,  # whole videos, of which a model hears up to 500 VGGish examples
    "querydsegments": 10.0,  # of any length, most of them a few seconds; our choice
    "sounddescs": 30.0,  # of any length, up to minutes; our choice
}


@dataclass(frozen=True)
class Grid:
    """Segments of `length` samples that start every `hop` samples."""

    length: int
    hop: int


def plain_name(dataset: str) -> str:
    """A data set's name without signs and capitals: "activity-net" and "ActivityNet" are one."""
    return "".join(character for character in dataset.lower() if character.isalnum())


def make_grid(dataset: str | None, segment_seconds: float | None, hop_seconds: float | None) -> Grid:
    """The grid of a data set, or of lengths in seconds, which are rounded to VGGish examples.

    By default segments overlap by half, so that a sound on the edge of one is in the middle of the next.
    Raises UnknownSettingError where neither the data set nor a length is known.
    """
    seconds = segment_seconds
    if seconds is None:
        seconds = CLIP_SECONDS.get(plain_name(dataset or ""))
    if seconds is None:
        raise UnknownSettingError(
            f"expected a data set of {', '.join(CLIP_SECONDS)} to tell how long segments are,"
            f" found {dataset!r}; use --dataset or --segment-seconds"
        )
    windows = max(1, _windows(seconds))
    hops = max(1, windows // 2 if hop_seconds is None else _windows(hop_seconds))
    if hops > windows:
        raise UnknownSettingError(
            f"expected segments to start at most {windows * UNIT / SAMPLE_RATE:.2f} s apart, their length,"
            f" found {hop_seconds} s"
        )
    return Grid(windows * UNIT, hops * UNIT)


def _windows(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / UNIT)
