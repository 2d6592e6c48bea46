"""`earshot-training speech`: gives a data set the expert "speech", from transcripts."""

import argparse
from pathlib import Path

from earshot_training.datasets import open_dataset
from earshot_training.paper.speech import EXPERT, add_speech
from earshot_training.paper.transcripts import read_transcripts
from earshot_training.paper.words import add_words, text_vectors


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "speech",
        help="add the expert speech to a data set: word vectors of what is said",
        description="Add the expert speech to a data set, so that the paper's experiment can be repeated:"
        " `earshot-training reproduce --speech`.",
    )
    command.add_argument("data", type=Path, help="folder with dataset.json")
    command.add_argument(
        "--transcripts",
        type=Path,
        required=True,
        help="JSON (clip id to text), CSV (columns id and text), or a folder of WebVTT files",
    )
    add_words(command, required=True)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    clips = open_dataset(arguments.data).clips
    transcripts = read_transcripts(arguments.transcripts, clips)
    dataset = add_speech(arguments.data, transcripts, text_vectors(arguments))
    expert = dataset.experts[EXPERT]
    words = sum(expert.tokens(row) for row in range(len(dataset)))
    speaking = int(expert.availability.sum())
    print(f"{dataset.name}: {speaking:,} of {len(dataset):,} clips have speech, {words:,} words")
    strangers = len(set(transcripts) - set(dataset.ids))
    if strangers:
        print(f"note: {strangers:,} of {len(transcripts):,} transcripts are of no clip of {dataset.name}")
    return 0
