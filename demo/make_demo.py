#!/usr/bin/env python3
"""Makes the demo videos, manifest.json and LICENCES.md of this folder from Debian packages.

Needs Debian 12 or a derivative with apt-get and dpkg-deb, ffmpeg 5 or later, and Python 3.11;
fetches about 1.8 GB of packages into the cache folder the first time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from array import array
from pathlib import Path

from maker.encode import encode
from maker.licences import licences_page
from maker.packages import FONT
from maker.recipe import VIDEOS
from maker.sound import Placed, audible_span, decode, faded, joined, levelled, limited, room_tone
from maker.sources import DemoError, Library
from maker.timeline import Clip, Sound, Video

HERE = Path(__file__).resolve().parent
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "earshot-demo"
# Every clip is brought to this level before its own gain, so that gains compare.
CLIP_LEVEL_DB = -20.0
MAX_TOTAL_BYTES = 4_000_000


def clip_samples(clip: Clip, library: Library, known: dict[Clip, array]) -> array:
    """The samples of a clip, cut, faded and levelled. Clips that differ in place alone are read once."""
    key = Clip(
        clip.source, 0.0, clip.start, clip.end, clip.gain_db, clip.fade_in, clip.fade_out, clip.filters
    )
    if key not in known:
        samples = decode(library.file(clip.source), clip.start, clip.end, clip.filters)
        known[key] = levelled(faded(samples, clip.fade_in, clip.fade_out), CLIP_LEVEL_DB + clip.gain_db)
    return known[key]


def sound_samples(sound: Sound, library: Library, known: dict[Clip, array]) -> array:
    clips = [Placed(clip.offset, clip_samples(clip, library, known)) for clip in sound.clips]
    return levelled(joined(clips), sound.level_db)


def mixed(video: Video, library: Library) -> tuple[array, list[dict[str, object]]]:
    """The sound track of a video and its events, earliest first."""
    known: dict[Clip, array] = {}
    # The seed is the title, so that no two videos share their noise.
    parts = [Placed(0.0, room_tone(video.seconds, video.room_tone_db, sum(video.title.encode())))]
    events: list[dict[str, object]] = []
    for sound in video.sounds:
        samples = sound_samples(sound, library, known)
        parts.append(Placed(sound.at, samples))
        first, last = audible_span(samples)
        events.append(event(sound.label, sound.at + first, min(sound.at + last, video.seconds)))
        events += [event(heard.label, sound.at + heard.start, sound.at + heard.end) for heard in sound.heard]
    length = round(video.seconds * 48_000)
    track = joined(parts)[:length]
    return limited(track), sorted(events, key=lambda entry: entry["startSeconds"])


def event(label: str, start: float, end: float) -> dict[str, object]:
    return {"label": label, "startSeconds": round(start, 1), "endSeconds": round(end, 1)}


def manifest(events_of: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """The content of manifest.json; times are seconds from the beginning of the video."""
    queries = []
    for video in VIDEOS:
        for query in video.queries:
            answers = [entry for entry in events_of[video.file] if entry["label"] in query.labels]
            if len(answers) != len(query.labels):
                raise DemoError(f"{video.file} has no event for every label of the query {query.text!r}")
            queries.append(
                {
                    "text": query.text,
                    "video": video.file,
                    "startSeconds": min(entry["startSeconds"] for entry in answers),
                    "endSeconds": max(entry["endSeconds"] for entry in answers),
                }
            )
    return {
        "videos": [
            {"file": video.file, "title": video.title, "events": events_of[video.file]} for video in VIDEOS
        ],
        "queries": queries,
    }


def make(cache: Path, target: Path) -> None:
    library = Library(cache)
    font = library.file(FONT)
    events_of: dict[str, list[dict[str, object]]] = {}
    total = 0
    for number, video in enumerate(VIDEOS, start=1):
        track, events_of[video.file] = mixed(video, library)
        encode(video, track, font, target / video.file)
        size = (target / video.file).stat().st_size
        total += size
        print(
            f"[{number:2}/{len(VIDEOS)}] {video.file:24} {video.seconds:4.0f} s {size / 1000:6.0f} kB",
            flush=True,
        )
    if total > MAX_TOTAL_BYTES:
        raise DemoError(f"the videos take {total} bytes, more than {MAX_TOTAL_BYTES}")
    text = json.dumps(manifest(events_of), indent=2, ensure_ascii=False)
    (target / "manifest.json").write_text(text + "\n", encoding="utf-8")
    (target / "LICENCES.md").write_text(licences_page(VIDEOS), encoding="utf-8")
    print(f"{len(VIDEOS)} videos, {total / 1e6:.2f} MB in all")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="folder for the packages (%(default)s)"
    )
    parser.add_argument(
        "--target", type=Path, default=HERE, help="folder to write to (the folder of this script)"
    )
    arguments = parser.parse_args()
    try:
        make(arguments.cache.resolve(), arguments.target.resolve())
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {error.cmd[0]} ended with exit code {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
