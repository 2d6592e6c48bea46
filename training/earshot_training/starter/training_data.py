"""What a run of the starter's recipe reads: clips, licences, audio, words and captions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from earshot_training.sounds import Sound, load_audio, read_kind_captions, read_sounds, training_sounds
from earshot_training.starter.captions import Captions, held_out_words, read_phrases
from earshot_training.starter.config import StarterConfig
from earshot_training.vocabulary import Vocabulary, tokenise

PARAPHRASES = Path(__file__).with_name("paraphrases.csv")


@dataclass
class TrainingData:
    """The data of one run. Properties are read or computed when first used."""

    config: StarterConfig
    vocabulary_folder: Path

    @cached_property
    def sounds(self) -> list[Sound]:
        """All clips of the data set."""
        return read_sounds(self.config.sounds)

    @cached_property
    def audio(self) -> dict[str, np.ndarray]:
        """Clip id -> int16 samples."""
        return load_audio(self.config.sounds)

    @cached_property
    def training(self) -> list[Sound]:
        """The clips that may be learnt from."""
        return training_sounds(self.sounds, self.config.strict_licence)

    @cached_property
    def kinds(self) -> list[str]:
        """The main labels of the training clips, sorted."""
        return sorted({sound.kind for sound in self.training})

    @cached_property
    def clip_kinds(self) -> dict[str, str]:
        """Training clip id -> its main label."""
        return {sound.id: sound.kind for sound in self.training}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words the pack will know."""
        return Vocabulary.load(self.vocabulary_folder)

    @cached_property
    def written(self) -> dict[str, tuple[str, ...]]:
        """The three written captions of each kind."""
        return read_kind_captions(self.config.sounds)

    @cached_property
    def paraphrases(self) -> dict[str, list[str]]:
        """The held-out paraphrase of some kinds, for measuring only."""
        return read_phrases(PARAPHRASES, "kind", "paraphrase")

    def of_split(self, split: str) -> list[Sound]:
        """The clips of split train, val or test, whatever their licence."""
        return [sound for sound in self.sounds if sound.split == split]

    @cached_property
    def held_out(self) -> set[str]:
        """Words of the paraphrases that training must not see."""
        return held_out_words(self.paraphrases, self.config.sounds / "captions.csv")

    @cached_property
    def sound_words(self) -> set[str]:
        """Words by which the kinds are named and described."""
        phrases = [*self.written, *(phrase for phrases in self.written.values() for phrase in phrases)]
        return {token for phrase in phrases for token in tokenise(phrase.replace("_", " "))}

    @cached_property
    def captions(self) -> Captions:
        """Captions for scenes and clips, in training's words."""
        return Captions(
            self.config.sounds / "captions.csv",
            self.kinds,
            {sound.id: list(sound.captions) for sound in self.training},
            self.config.audiocaps,
            banned=self.held_out,
        )
