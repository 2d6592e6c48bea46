"""What people would write about a scene: captions of its kinds of sound, joined by how the sounds meet.

Sources of wording, all read at training time: the three written captions of every kind
(`sounds/captions.csv`), the phrases of `synonyms.csv` beside this file, the clip's own description by
its source, the kind's name in templates, and sentences of AudioCaps' training captions that speak of exactly
the kinds in a scene (`mentions.csv` tells which). `paraphrases.csv` is for measuring only and none of its
words that carry meaning may be learnt as a name of its kind; a test checks that.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Set
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from earshot_training.starter.scenes import FOLLOWED, SINGLE

HERE = Path(__file__).parent

# Words of paraphrases that name no sound; sentences with them may be learnt from.
ORDINARY_WORDS = frozenset(
    "a an and at being for goes gives in into is must needs noisy of off on or out person room somebody"
    " someone the to turns with urgent".split()
)

TEMPLATES = (
    "{0}",
    "{0}",
    "the sound of {0}",
    "a recording of {0}",
    "{0} sound",
    "i hear {0}",
    "{0} noise",
    "sounds of {0}",
    "{0} in the background",
)
AT_ONCE = (
    "{0} while {1}",
    "{0} while {1}",
    "{0} and {1}",
    "{0} with {1} in the background",
    "{0} as {1}",
    "{0} over {1}",
    "{0} during {1}",
    "{0} together with {1}",
    "{0}, {1}",
)
IN_TURN = (
    "{0} followed by {1}",
    "{0} followed by {1}",
    "{0} then {1}",
    "{0} and then {1}",
    "{0} before {1}",
    "first {0} and then {1}",
)
OVER = ("after {0} {1}", "after {0}, {1}")


@cache
def _stems() -> tuple[tuple[str, str], ...]:
    """`mentions.csv`: stems by which a sentence tells that a kind is heard, each with its kind."""
    mentions = read_phrases(HERE / "mentions.csv", "kind", "stems")
    return tuple((stem, kind) for kind, stems in mentions.items() for stem in stems)


def kinds_mentioned(sentence: str, known: set[str]) -> frozenset[str]:
    """The kinds whose stems occur in the sentence, of those known.

    A stem matches every word that starts with it; one of up to three letters, or marked "=", matches whole
    words only.
    """
    words = re.findall(r"[a-z']+", sentence.lower())
    found = set()
    for stem, kind in _stems():
        whole = stem.endswith("=") or len(stem) <= 3
        stem = stem.rstrip("=")
        if kind in known and any(word == stem if whole else word.startswith(stem) for word in words):
            found.add(kind)
    return frozenset(found)


def read_phrases(path: Path, key: str, value: str) -> dict[str, list[str]]:
    """A CSV of `key` and `|`-separated phrases -> kind: phrases."""
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row[key]: [part.strip() for part in row[value].split("|") if part.strip()]
            for row in csv.DictReader(file)
        }


def words_of(phrases: Iterable[str]) -> set[str]:
    """The words of some phrases, in lower case, without digits and signs."""
    return {word for phrase in phrases for word in re.findall(r"[a-z]+", phrase.lower())}


def held_out_words(paraphrases: dict[str, list[str]], written: Path) -> set[str]:
    """Words of the paraphrases that no written caption uses: nothing else with them may be learnt from."""
    learnt = words_of(chain.from_iterable(read_phrases(written, "label", "captions").values()))
    return words_of(chain.from_iterable(paraphrases.values())) - learnt - ORDINARY_WORDS


def _without(banned: Set[str], phrases: dict[str, list[str]]) -> dict[str, list[str]]:
    """Leaves out every phrase with a banned word."""
    return {key: [text for text in texts if not banned & words_of([text])] for key, texts in phrases.items()}


class Captions:
    """Draws a caption for a scene; every draw is decided by the generator it is given."""

    def __init__(
        self,
        written: Path,
        kinds: list[str],
        described: dict[str, list[str]],
        audiocaps: Path | None = None,
        banned: Set[str] = frozenset(),
    ):
        """`written`: captions.csv; `kinds`: those of the training clips; `described`: clip id to its source's
        descriptions; `audiocaps`: a CSV with a column `caption`; `banned`: words that must not be drawn, see
        `held_out_words`."""
        self.written = read_phrases(written, "label", "captions")
        self.synonyms = _without(banned, read_phrases(HERE / "synonyms.csv", "kind", "phrases"))
        self.described = _without(banned, described)
        self.sentences: dict[frozenset[str], list[str]] = defaultdict(list)
        if audiocaps is not None and audiocaps.exists():
            self._read_sentences(audiocaps, set(kinds), banned)

    def _read_sentences(self, audiocaps: Path, known: set[str], banned: Set[str]) -> None:
        with audiocaps.open(newline="", encoding="utf-8") as file:
            captions = [row["caption"].strip() for row in csv.DictReader(file)]
        for caption in captions:
            mentioned = kinds_mentioned(caption, known)
            if 1 <= len(mentioned) <= 3 and not banned & words_of([caption]):
                self.sentences[mentioned].append(caption)

    def phrase(self, kind: str, clip: str, rng: np.random.Generator) -> str:
        """One sound in words."""
        draw = rng.random()
        name = kind.replace("_", " ")
        own = self.described.get(clip, [])
        if own and draw < 0.12:
            return own[int(rng.integers(len(own)))]
        synonyms = self.synonyms.get(kind, [])
        if synonyms and draw < 0.42:
            return synonyms[int(rng.integers(len(synonyms)))]
        if draw < 0.55:
            return TEMPLATES[int(rng.integers(len(TEMPLATES)))].format(name)
        sentences = self.sentences.get(frozenset([kind]), [])
        if sentences and draw < 0.7:
            return sentences[int(rng.integers(len(sentences)))]
        written = self.written.get(kind) or [name]
        return written[int(rng.integers(len(written)))]

    def draw(
        self, form: str, kinds: list[str], clips: list[str], rng: np.random.Generator
    ) -> tuple[str, frozenset[str]]:
        """A caption and the kinds it speaks of (all of the scene's, or one of them)."""
        if form == SINGLE or rng.random() < 0.3:
            pick = int(rng.integers(len(kinds)))
            return self.phrase(kinds[pick], clips[pick], rng), frozenset([kinds[pick]])
        named = frozenset(kinds)
        sentences = self.sentences.get(named, [])
        if form != FOLLOWED and sentences and rng.random() < 0.3:
            return sentences[int(rng.integers(len(sentences)))], named
        words = [self.phrase(kind, clip, rng) for kind, clip in zip(kinds, clips, strict=True)]
        if form == FOLLOWED:
            if rng.random() < 0.15:
                return OVER[int(rng.integers(len(OVER)))].format(*words), named
            return IN_TURN[int(rng.integers(len(IN_TURN)))].format(*words), named
        order = rng.permutation(len(words))
        words = [words[i] for i in order]
        if len(words) == 3:
            if rng.random() < 0.5:
                return f"{words[0]}, {words[1]} and {words[2]}", named
            words, named = words[:2], frozenset(kinds[i] for i in order[:2])
        return AT_ONCE[int(rng.integers(len(AT_ONCE)))].format(*words), named
