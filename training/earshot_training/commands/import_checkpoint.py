"""`earshot-training import-checkpoint`: makes a model pack of a checkpoint of the reference."""

import argparse
from pathlib import Path

from earshot_training.checkpoint_import import (
    Calibration,
    ImportOrder,
    WordChoice,
    import_checkpoint,
)
from earshot_training.checkpoint_import.grid import CLIP_SECONDS
from earshot_training.paper.words import add_tables, read_tables


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("import-checkpoint", help="make a model pack of a published checkpoint")
    command.add_argument("checkpoint", type=Path, help="trained_model.pth")
    command.add_argument(
        "--experts",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of `earshot-training experts export`",
    )
    command.add_argument(
        "--word2vec", type=Path, required=True, metavar="FILE", help="word vectors: .bin, .bin.gz or text"
    )
    command.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for the pack; must not exist"
    )
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="config.json to count instead of the one in the checkpoint",
    )

    words = command.add_argument_group("words")
    words.add_argument(
        "--words", type=Path, nargs="+", default=(), metavar="LIST",
        help="take every word of these lists or captions (CSV, JSON or text)",
    )  # fmt: skip
    words.add_argument("--most-frequent", type=_count, metavar="N", help="take the first N words of the file")
    words.add_argument(
        "--vectors",
        choices=("float32", "float16"),
        default="float32",
        help="how the pack stores word vectors",
    )
    add_tables(words)

    model = command.add_argument_group("what a configuration may leave out")
    model.add_argument(
        "--names", type=_names, default=(), metavar="A,B", help="experts, e.g. vggish,vggsound"
    )
    model.add_argument(
        "--max-tokens", type=_limit, action="append", default=[], metavar="NAME=N",
        help="rows of an expert's features, or words of a text (text=N); may be repeated",
    )  # fmt: skip
    model.add_argument("--dataset", choices=CLIP_SECONDS, help="whose clips tell how long a segment is")
    model.add_argument(
        "--segment-seconds", type=_seconds, metavar="S", help="rounded to 0.96 s, a VGGish example"
    )
    model.add_argument(
        "--hop-seconds",
        type=_seconds,
        metavar="S",
        help="from one segment to the next (default: half a segment)",
    )
    model.add_argument(
        "--calibration", type=_calibration, metavar="SLOPE,INTERCEPT",
        help="relevance = 1 / (1 + exp(-(SLOPE * score + INTERCEPT))) (default: by the loss's margin)",
    )  # fmt: skip

    pack = command.add_argument_group("the pack")
    pack.add_argument("--name", help="default: the experiment's")
    pack.add_argument("--version", default="1.0.0")
    pack.add_argument("--licence", help="default: what is known of the parts")
    pack.add_argument("--half", action="store_true", help="store the encoders' weights as float16")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    manifest = import_checkpoint(_order(arguments), print)
    segment, size = manifest["segment"], sum(file["bytes"] for file in manifest["files"].values()) / 1e6
    print(
        f"{arguments.output}: {manifest['name']} {manifest['version']}, {size:.1f} MB, segments of"
        f" {segment['lengthSamples'] / manifest['sampleRate']:.2f} s every"
        f" {segment['hopSamples'] / manifest['sampleRate']:.2f} s"
    )
    return 0


def _order(arguments: argparse.Namespace) -> ImportOrder:
    return ImportOrder(
        checkpoint=arguments.checkpoint,
        experts=arguments.experts,
        words=_words(arguments),
        output=arguments.output,
        config=arguments.config,
        names=arguments.names,
        token_limits=dict(arguments.max_tokens),
        dataset=arguments.dataset,
        segment_seconds=arguments.segment_seconds,
        hop_seconds=arguments.hop_seconds,
        calibration=arguments.calibration,
        name=arguments.name,
        version=arguments.version,
        licence=arguments.licence,
        half=arguments.half,
    )


def _words(arguments: argparse.Namespace) -> WordChoice:
    lemmas, spelling = read_tables(arguments)
    return WordChoice(
        arguments.word2vec,
        tuple(arguments.words),
        arguments.most_frequent,
        arguments.vectors,
        lemmas,
        spelling,
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    return name, _count(number)


def _calibration(text: str) -> Calibration:
    slope, intercept = map(_finite, text.split(","))
    return Calibration(slope, intercept, "given by hand")


def _finite(text: str) -> float:
    value = float(text)
    if not abs(value) < float("inf"):
        raise ValueError
    return value
