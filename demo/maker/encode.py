"""Turns a sound track and a scene into a video file: picture, title, waveform, moving play mark."""

from __future__ import annotations

import subprocess
import tempfile
from array import array
from pathlib import Path

from .canvas import HEIGHT, WIDTH, Canvas
from .scenes import SCENES
from .sound import RATE
from .timeline import Video

PICTURES_PER_SECOND = 10
PANEL_TOP = 130
WAVE_LEFT, WAVE_WIDTH = 10, 300
WAVE_MIDDLE, WAVE_HALF_HEIGHT = 163.5, 12
PANEL, INK, WAVE = "17202b", "f4f1ea", "6cc5b0"

# By file name extension. Bit exact and on one thread, so that the same sound gives the same file.
_H264 = [
    "-c:v",
    "libx264",
    "-profile:v",
    "baseline",
    "-preset",
    "veryslow",
    "-tune",
    "stillimage",
    "-crf",
    "27",
]
_AAC = ["-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"]
CODECS = {
    ".mp4": [*_H264, *_AAC, "-ar", "48000"],
    ".mov": [*_H264, *_AAC, "-ar", "44100"],
    ".webm": [
        "-c:v",
        "libvpx-vp9",
        "-b:v",
        "0",
        "-crf",
        "40",
        "-c:a",
        "libopus",
        "-b:a",
        "56k",
        "-ar",
        "48000",
    ],
}


def encode(video: Video, track: array, font: Path, target: Path) -> None:
    """Writes `target`; the container and codecs follow from its name."""
    with tempfile.TemporaryDirectory() as folder:
        picture, sound, title = (Path(folder) / name for name in ("picture.ppm", "sound.f32", "title.txt"))
        _paint(video, track).save(picture)
        sound.write_bytes(track.tobytes())
        title.write_text(video.title, encoding="utf-8")
        mark = f"x='{WAVE_LEFT}+{WAVE_WIDTH}*t/{video.seconds}':y={PANEL_TOP + 20}"
        graph = (
            f"[0:v]scale={WIDTH}:{HEIGHT}:flags=area,"
            f"drawtext=fontfile={font}:textfile={title}:expansion=none"
            f":fontsize=13:fontcolor=0x{INK}:x={WAVE_LEFT}:y={PANEL_TOP + 5}[picture];"
            f"color=c=0xffd45e:s=2x27:r={PICTURES_PER_SECOND}[mark];"
            f"[picture][mark]overlay={mark}:eval=frame,format=yuv420p[video]"
        )
        command = [
            "ffmpeg", "-v", "error", "-nostdin", "-y",
            "-loop", "1", "-framerate", str(PICTURES_PER_SECOND), "-i", str(picture),
            "-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", str(sound),
            "-filter_complex", graph, "-map", "[video]", "-map", "1:a",
            *CODECS[target.suffix], "-g", "100", "-threads", "1",
            "-map_metadata", "-1", "-metadata", f"title={video.title}",
            "-metadata", "comment=Sources and licence: LICENCES.md",
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
            "-t", str(video.seconds), str(target),
        ]  # fmt: skip
        subprocess.run(command, check=True)


def _paint(video: Video, track: array) -> Canvas:
    canvas = Canvas()
    SCENES[video.scene](canvas)
    canvas.gradient(PANEL_TOP, HEIGHT, PANEL, PANEL)
    for column in range(WAVE_WIDTH // 2):
        start = column * 2 * len(track) // WAVE_WIDTH
        piece = track[start : (column + 1) * 2 * len(track) // WAVE_WIDTH]
        # The square root lifts quiet sounds, which would be invisible at this size.
        height = max(0.5, WAVE_HALF_HEIGHT * max(max(piece), -min(piece)) ** 0.5)
        canvas.rectangle(WAVE_LEFT + 2 * column, WAVE_MIDDLE - height, 1.34, 2 * height, WAVE)
    return canvas
