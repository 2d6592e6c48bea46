"""What people would write about a scene: captions of its kinds of sound, joined by how the sounds meet.

Sources of wording, all read at training time: the three written captions of every kind
(`sounds/captions.csv`), the phrases of `synonyms.csv` beside this file, the clip's own description by
its source, the kind's name in templates, AudioSet's class names, and sentences of AudioCaps' training
captions that speak of exactly the kinds in a scene. `paraphrases.csv` is for measuring only and none of its
words that carry meaning may be learnt as a name of its kind; a test checks that.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from .scenes import FOLLOWED, SINGLE

TEMPLATES = ("{0}", "{0}", "the sound of {0}", "a recording of {0}", "{0} sound", "i hear {0}", "{0} noise", "sounds of {0}", "{0} in the background")
AT_ONCE = (
    "{0} while {1}", "{0} while {1}", "{0} and {1}", "{0} with {1} in the background", "{0} as {1}", "{0} over {1}",
    "{0} during {1}", "{0} together with {1}", "{0}, {1}",
)  # fmt: skip
IN_TURN = ("{0} followed by {1}", "{0} followed by {1}", "{0} then {1}", "{0} and then {1}", "{0} before {1}", "first {0} and then {1}")
OVER = ("after {0} {1}", "after {0}, {1}")

# Words by which a sentence of AudioCaps tells that a kind is heard. A word matches a stem it starts with;
# stems of up to three letters, and those marked "=", match whole words only.
MENTIONS: dict[str, str] = {
    "airplane": "airplane aeroplane aircraft plane jet", "bees": "bee bees", "bell": "bell= bells", "breathing": "breath",
    "burp": "burp belch", "camera_shutter": "camera shutter", "car_horn": "honk horn= horns", "cat": "cat meow kitten mew",
    "chainsaw": "chainsaw", "children_playing": "child children kid kids", "chirping_birds": "bird chirp tweet",
    "church_bells": "church", "clapping": "clap", "applause": "applau", "clock_tick": "tick clock",
    "coughing": "cough", "cow": "cow moo cattle", "crackling_fire": "fire crackl", "crickets": "cricket",
    "crow": "crow= crows caw", "crowd": "crowd cheer", "crumpling": "crumpl crinkl", "crying_baby": "baby infant",
    "dishes": "dish plate silverware", "dog": "dog bark puppy growl", "door_slam": "slam", "door_knock": "knock",
    "door_creak": "creak", "drilling": "drill", "duck": "duck quack", "eating": "chew eat crunch",
    "engine": "engine motor rev accelerat", "engine_idling": "idl", "explosion": "explo", "fireworks": "firework",
    "footsteps": "footstep walk", "frog": "frog croak", "glass_breaking": "shatter", "goat": "goat",
    "goose": "goose geese", "guitar": "guitar strum", "gun_shot": "gun gunshot gunfire", "hammering": "hammer",
    "hand_saw": "sawing", "helicopter": "helicopter", "hen": "chicken hen cluck", "horse": "horse neigh whinn",
    "horse_gallop": "gallop trot hoove clop", "insects": "insect fly flies buzz mosquito", "keyboard_typing": "typing typ keyboard",
    "laughing": "laugh giggl chuckl", "metal_clang": "clang clank metal", "motorcycle": "motorcycle", "music": "music orchestra song",
    "mouse_click": "mouse", "piano": "piano", "pig": "pig oink", "pigeon": "pigeon coo", "pouring_water": "pour",
    "printer": "printer", "rain": "rain", "rooster": "rooster", "scraping": "scrap", "screaming": "scream", "sea_waves": "wave waves ocean",
    "sheep": "sheep bleat lamb baa", "singing": "sing singing sings", "siren": "siren ambulance", "sneezing": "sneez", "snoring": "snor",
    "speech": "speak speaks speaking speech talk talks talking man woman", "spitting": "spit", "squeak": "squeak", "stream": "stream river waterfall",
    "telephone_ring": "telephone phone", "thunderstorm": "thunder lightning", "toilet_flush": "toilet flush", "train": "train railroad",
    "tire_squeal": "squeal skid tire", "vacuum_cleaner": "vacuum", "water_drops": "drip drop", "water_splash": "splash", "water_tap": "faucet tap sink",
    "whistle": "whistl", "wind": "wind", "wolf": "wolf howl", "wood_chopping": "chop axe", "clock_alarm": "alarm beep", "swoosh": "whoosh",
    "drum": "drum", "crowd_chatter": "chatter", "street_traffic": "traffic", "owl": "owl hoot", "zipper": "zip",
}  # fmt: skip


def _stems() -> list[tuple[str, str]]:
    return [(stem, kind) for kind, stems in MENTIONS.items() for stem in stems.split()]


def kinds_mentioned(sentence: str, known: set[str]) -> frozenset[str]:
    """The kinds whose stems occur in the sentence, of those known."""
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
        return {row[key]: [part.strip() for part in row[value].split("|") if part.strip()] for row in csv.DictReader(file)}


class Captions:
    """Draws a caption for a scene; every draw is decided by the generator it is given."""

    def __init__(self, written: Path, kinds: list[str], described: dict[str, list[str]], audiocaps: Path | None = None, banned: set[str] = frozenset()):
        self.written = read_phrases(written, "label", "captions")
        self.synonyms = read_phrases(Path(__file__).with_name("synonyms.csv"), "kind", "phrases")
        self.described = described
        self.sentences: dict[frozenset[str], list[str]] = defaultdict(list)
        known = set(kinds)
        if audiocaps is not None and audiocaps.exists():
            with audiocaps.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    caption = row["caption"].strip()
                    if banned & set(re.findall(r"[a-z]+", caption.lower())):
                        continue
                    mentioned = kinds_mentioned(caption, known)
                    if 1 <= len(mentioned) <= 3:
                        self.sentences[mentioned].append(caption)

    def name(self, kind: str) -> str:
        return kind.replace("_", " ")

    def phrase(self, kind: str, clip: str | None, rng: np.random.Generator) -> str:
        """One sound in words."""
        draw = rng.random()
        own = self.described.get(clip or "", [])
        if own and draw < 0.12:
            return own[int(rng.integers(len(own)))]
        synonyms = self.synonyms.get(kind, [])
        if synonyms and draw < 0.42:
            return synonyms[int(rng.integers(len(synonyms)))]
        if draw < 0.55:
            return TEMPLATES[int(rng.integers(len(TEMPLATES)))].format(self.name(kind))
        sentences = self.sentences.get(frozenset([kind]), [])
        if sentences and draw < 0.7:
            return sentences[int(rng.integers(len(sentences)))]
        written = self.written.get(kind) or [self.name(kind)]
        return written[int(rng.integers(len(written)))]

    def draw(self, form: str, kinds: list[str], clips: list[str], rng: np.random.Generator) -> tuple[str, frozenset[str]]:
        """A caption and the kinds it speaks of (all of the scene's, or one of them)."""
        if form == SINGLE or rng.random() < 0.3:
            pick = int(rng.integers(len(kinds)))
            return self.phrase(kinds[pick], clips[pick], rng), frozenset([kinds[pick]])
        named = frozenset(kinds)
        sentences = self.sentences.get(named, [])
        if form != FOLLOWED and sentences and rng.random() < 0.3:
            return sentences[int(rng.integers(len(sentences)))], named
        words = [self.phrase(kind, clip, rng) for kind, clip in zip(kinds, clips)]
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
