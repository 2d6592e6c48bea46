"""ffmpeg as a child process: sound as 16-bit samples, pictures as RGB frames.

Files are foreign data: ffmpeg gets an argument list and no standard input, and opens one local file, never a
playlist or another format that names further files.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earshot_training.extraction.errors import ExtractionError, MediaError
from earshot_training.frontend import SAMPLE_RATE
from earshot_training.places import REPOSITORY

MOST_PIXELS = 8192 * 4608  # of a picture: 8K
LONGEST_SIDE = 8  # how much longer than a frame a scaled picture may be; narrower ones are stretched
TIMEOUT = 3600  # seconds that decoding the sound of one clip may take
STALLED = 300  # seconds that decoding one picture may take
# Containers that may be opened, the same as in the runtime (src/media/input.ts).
_CONTAINERS = "mov,matroska,avi,flv,mpegts,mpeg,ogg,asf,mxf,wav,w64,flac,mp3,aac,ac3,eac3,aiff,caf,amr,au"
_SAFE = ("-nostdin", "-hide_banner")
_QUIET = (*_SAFE, "-v", "error")
_STREAM = re.compile(r"Stream #0:\d+.*?: (Audio|Video): (.*)")


def find_ffmpeg() -> str:
    """The program: FFMPEG_PATH, else `ffmpeg` of the PATH, else the one that npm installed in this
    repository.

    Raises ExtractionError where there is none.
    """
    named = os.environ.get("FFMPEG_PATH")
    if named:
        if not shutil.which(named):
            raise ExtractionError(f"FFMPEG_PATH names {named}, which is no program that can be run")
        return named
    found = shutil.which("ffmpeg")
    if found:
        return found
    installed = sorted((REPOSITORY / "node_modules" / "@ffmpeg-installer").glob("*/ffmpeg*"))
    usable = [str(path) for path in installed if shutil.which(path)]
    if usable:
        return usable[0]
    raise ExtractionError(
        "no ffmpeg: install it, set FFMPEG_PATH, or run `npm install` in the repository, which brings one"
    )


def streams(ffmpeg: str, path: Path) -> set[str]:
    """Which of "audio" and "video" a file has; a cover picture is none. Raises MediaError for other files."""
    if not path.is_file():
        raise MediaError("the file is missing")
    # Without an output ffmpeg describes the input and fails.
    command = [ffmpeg, *_SAFE, *_input(path)]
    told = _run(command).stderr.decode("utf-8", "replace")
    if "Input #0" not in told:
        raise MediaError(f"no media file: {_last_line(told)}")
    return {kind.lower() for kind, rest in _STREAM.findall(told) if "attached pic" not in rest}


def decode_audio(ffmpeg: str, path: Path, start: float | None = None, end: float | None = None) -> np.ndarray:
    """The first track as int16 samples [n], 16 kHz, channels averaged, from `start` to `end` seconds.

    The cut is made by samples, after decoding from the beginning: it does not depend on where packets lie.
    Raises MediaError where nothing can be decoded.
    """
    limit = ["-t", f"{end + 1:.3f}"] if end is not None else []
    command = [
        *(ffmpeg, *_QUIET, *_input(path), "-map", "0:a:0", "-vn", "-sn", "-dn"),
        # On the timeline of the file: the time before a late start, and gaps, are silence.
        *("-af", f"aresample={SAMPLE_RATE}:async=1:first_pts=0", "-ac", "1", "-ar", str(SAMPLE_RATE)),
        *(*limit, "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"),
    ]
    done = _run(command)
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 2 * 2], "<i2")
    first = round((start or 0) * SAMPLE_RATE)
    cut = samples[first : None if end is None else round(end * SAMPLE_RATE)]
    if not len(samples):
        raise MediaError(f"no sound could be decoded: {_last_line(done.stderr.decode('utf-8', 'replace'))}")
    if not len(cut):
        raise MediaError(
            f"the sound ends after {len(samples) / SAMPLE_RATE:.2f} s, before the clip at {start:g} s"
        )
    return cut


def decode_frames(
    ffmpeg: str,
    path: Path,
    frames_per_second: float,
    width: int,
    height: int,
    start: float | None = None,
    end: float | None = None,
) -> Iterator[np.ndarray]:
    """The pictures one by one, uint8 [height, width, 3], RGB, at a constant rate, from `start` to `end`
    seconds.

    Each is turned as the file says, scaled to cover the size, and cut to it around its centre. Raises
    MediaError where none can be decoded.
    """
    rate = f"{frames_per_second:g}"
    # As the runtime does (src/media/decode-frames.ts). `dar`: width / height as it is shown.
    cover = [f"clip(round({height}*dar),{width},{LONGEST_SIDE * width})"]
    cover.append(f"clip(round({width}/dar),{height},{LONGEST_SIDE * height})")
    filters = [
        f"fps=fps={rate}:eof_action=pass",
        "setpts=N",
        f"scale=w='{cover[0]}':h='{cover[1]}'",
        "format=rgb24",
        f"crop={width}:{height}",
    ]
    command = [
        *(ffmpeg, *_QUIET, "-threads", "2", "-max_pixels", str(MOST_PIXELS), "-reinit_filter", "0"),
        *(*_input(path), "-map", "0:v:0", "-an", "-sn", "-dn", "-vf", ",".join(filters), "-r", rate),
        *("-c:v", "rawvideo", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"),
    ]
    first = round((start or 0) * frames_per_second)
    last = None if end is None else round(end * frames_per_second)
    length, number = width * height * 3, 0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        output = _Output(process)
        try:
            while last is None or number < last:
                data = output.read(length)
                if len(data) < length:
                    break
                if number >= first:
                    yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
                number += 1
        finally:
            output.close()
            process.kill()
            process.stdout.close()
            process.wait()
        if number <= first:
            errors.seek(0)
            told = errors.read().decode("utf-8", "replace")
            raise MediaError(f"no pictures could be decoded from {start or 0:g} s on: {_last_line(told)}")


class _Output:
    """The output of a program that may stand still: only the wait for it counts, not what its reader does
    between, as an expert may well take hours over a clip."""

    def __init__(self, process: subprocess.Popen[bytes]):
        self._process, self._waits_since, self._stalled = process, None, False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def read(self, length: int) -> bytes:
        """The next bytes, fewer at the end. Raises MediaError where none come for too long."""
        self._waits_since = time.monotonic()
        data = self._process.stdout.read(length)
        self._waits_since = None
        if self._stalled:
            raise MediaError(f"decoding stands still: no picture came within {STALLED} s")
        return data

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(min(1.0, STALLED / 4)):
            since = self._waits_since
            if since is not None and time.monotonic() - since > STALLED:
                self._stalled = True
                self._process.kill()
                return


def _input(path: Path) -> list[str]:
    """Arguments that open one file; with its prefix no name is taken for an option or another protocol."""
    allowed = ["-protocol_whitelist", "file,pipe", "-format_whitelist", _CONTAINERS]
    return [*allowed, "-i", f"file:{path.resolve()}"]


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise MediaError(f"decoding took longer than {TIMEOUT} s") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "ffmpeg says nothing"
