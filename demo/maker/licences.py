"""LICENCES.md: where every sound comes from, by whom, under which licence, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable

from .sources import Package, Source
from .timeline import Video

LICENCE_LINKS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-SA-3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
}

_INTRODUCTION = """# Licences of the demo videos

Written by `make_demo.py`; change the recipe, not this file.

The sounds of the videos in this folder come from Debian packages with free licences. The pictures
were drawn for Earshot. Each video as a whole, picture and sound, is passed on under the licence
named in the first table: [CC BY-SA 4.0]({by_sa_4}) where it holds a sound under CC BY-SA 3.0, whose
section 4(b) allows adaptations under a later version with the same terms, else [CC0 1.0]({cc0}).
The programs in this folder are under the licence of the repository, Apache-2.0.

**Changes made to the sounds.** Cut to the seconds named in `maker/recipe.py`, faded at both ends,
repeated or joined with others, mixed down to mono, brought to a common level, mixed with faint
generated noise, and encoded as AAC or Opus; the rain is equalised, too.

**How to give credit.** "Demo videos of Earshot, with sounds by" and the authors named for the
video, with a link to this file. Sounds from 0 A.D. ask for the name Wildfire Games, a link to
<https://www.wildfiregames.com/>, and a link to [the licence]({by_sa_3}).
"""


def sources_of(video: Video) -> list[Source]:
    """The sources of a video, each once, in the order they are heard."""
    return list(dict.fromkeys(clip.source for sound in video.sounds for clip in sound.clips))


def licence_of(video: Video) -> str:
    """Licence of the finished video."""
    return "CC0-1.0" if all(s.licence == "CC0-1.0" for s in sources_of(video)) else "CC-BY-SA-4.0"


def licences_page(videos: Iterable[Video]) -> str:
    """The text of LICENCES.md."""
    videos = list(videos)
    used: dict[Source, list[str]] = {}
    for video in videos:
        for source in sources_of(video):
            used.setdefault(source, []).append(video.file)
    parts = [
        _INTRODUCTION.format(
            by_sa_4=LICENCE_LINKS["CC-BY-SA-4.0"],
            by_sa_3=LICENCE_LINKS["CC-BY-SA-3.0"],
            cc0=LICENCE_LINKS["CC0-1.0"],
        ),
        "## The videos\n",
        _table(
            ("video", "title", "licence", "sounds by"),
            (
                (
                    video.file,
                    video.title,
                    licence_of(video),
                    "; ".join(dict.fromkeys(source.author for source in sources_of(video))),
                )
                for video in videos
            ),
        ),
        "## The sounds\n",
    ]
    packages = list(dict.fromkeys(source.package for source in used))
    for package in packages:
        sources = [source for source in used if source.package == package]
        parts.append(_package_part(package, sources, used))
    return "\n".join(parts)


def _package_part(package: Package, sources: list[Source], used: dict[Source, list[str]]) -> str:
    root = sources[0].path_in_package.removesuffix(sources[0].path)
    rows = (
        (
            f"`{source.path}`",
            _title(source),
            source.author,
            f"[{source.licence}]({LICENCE_LINKS[source.licence]})",
            ", ".join(used[source]),
        )
        for source in sources
    )
    quotes: dict[str, list[str]] = {}
    for index in sorted({source.evidence for source in sources}):
        evidence = package.evidence[index]
        quotes.setdefault(evidence.path, []).append("\n".join(evidence.lines))
    # Further statements of the package which hold for all of its files.
    if package.archive is not None:
        for evidence in package.evidence[1:]:
            quotes.setdefault(evidence.path, []).append("\n".join(evidence.lines))
    text = [
        f"### {package.name} {package.version}\n",
        f"<{package.homepage}>; paths are below `{root}`.\n",
        _table(("path", "title or page", "author", "licence", "video"), rows),
        "The package says:\n",
    ]
    for path, quoted in quotes.items():
        where = f"`/{package.root}/{package.archive}`, `{path.removeprefix('archive!')}`"
        text.append(f"- {where if path.startswith('archive!') else f'`/{path}`'}\n")
        body = "\n\n".join(quoted)
        text.append("\n".join(f"      {line}".rstrip() for line in body.splitlines()) + "\n")
    return "\n".join(text)


def _title(source: Source) -> str:
    if source.title.startswith("http"):
        return f"<{source.title}>"
    return source.title or "none given"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    printed = []
    for number, line in enumerate(lines):
        fill = "-" if number == 1 else " "
        printed.append(
            "| "
            + " | ".join(cell.ljust(width, fill) for cell, width in zip(line, widths, strict=True))
            + " |"
        )
    return "\n".join(printed) + "\n"
