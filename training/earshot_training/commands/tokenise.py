"""`earshot-training tokenise`: the tokens of texts, one JSON object a line."""

import argparse
import json
from pathlib import Path

from earshot_training.text import TOKENISERS, WORD2VEC_ENGLISH
from earshot_training.word_vectors import read_texts


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "tokenise", help='print the tokens of captions or other texts as lines {"text", "tokens"}'
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="captions (CSV, JSON or text)")
    command.add_argument("--tokeniser", choices=TOKENISERS, default=WORD2VEC_ENGLISH)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    tokenise = TOKENISERS[arguments.tokeniser]
    for path in arguments.files:
        try:
            texts = read_texts(path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            print(f"error: {path} cannot be read: {error}")
            return 1
        for text in texts:
            print(json.dumps({"text": text, "tokens": tokenise(text)}, ensure_ascii=False))
    return 0
