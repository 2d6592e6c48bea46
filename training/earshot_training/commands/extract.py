"""`earshot-training extract`: the features of a data set's media, by the project's own experts."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from earshot_training.datasets.raw import CaptionSet, read_raw
from earshot_training.experts.build import NETWORKS
from earshot_training.extraction import ExtractionError, Report, extract
from earshot_training.extraction.listeners import Listener
from earshot_training.extraction.loading import exported_names, open_exported, open_weights
from earshot_training.paper.config import Config
from earshot_training.paper.trainer import choose_device
from earshot_training.paper.words import add_words, text_vectors


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "extract",
        help="make a data set of media: features by the project's experts",
        description="Reads captions, finds and decodes the media, and writes a data set. Given again, the"
        " same command goes on after the last clip.",
    )
    command.add_argument(
        "--dataset", type=Path, required=True,
        help="a manifest (CSV: file, caption, split), or the folder of a public or a converted data set",
    )  # fmt: skip
    command.add_argument("--media", type=Path, required=True, help="folder of sounds and videos")
    command.add_argument("--output", type=Path, required=True, help="folder for the data set; must not exist")

    experts = command.add_argument_group("experts")
    experts.add_argument(
        "--experts", metavar="NAME,NAME,...", help="default: all of --experts-dir and --weights"
    )
    experts.add_argument(
        "--experts-dir", type=Path, metavar="FOLDER",
        help="exported experts, or a model pack; they hear windows, as the runtime does",
    )  # fmt: skip
    experts.add_argument(
        "--weights", type=_named, action="append", default=[], metavar="NAME=FILE",
        help="public weights; an audio expert hears a clip as a whole, as in the paper; may be repeated",
    )  # fmt: skip
    experts.add_argument("--pca", type=Path, help="VGGish's PCA parameters")
    experts.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME.KEY=VALUE",
        help="a setting of an expert with --weights, such as vggish.relu=true; may be repeated",
    )  # fmt: skip
    experts.add_argument(
        "--device", default="cpu", help="for --weights: cpu, cuda, cuda:1, ... (default: cpu)"
    )

    add_words(command)

    result = command.add_argument_group("the data set")
    result.add_argument("--limit", type=_count, metavar="N", help="only the first N clips of each split")
    result.add_argument(
        "--max-tokens", type=_limit, action="append", default=[], metavar="NAME=N",
        help="tokens of an expert (default: the data set's; else those of the longest clip); may be repeated",
    )  # fmt: skip
    result.add_argument(
        "--text-tokens", type=_count, metavar="N", help="words of a text (default: the data set's)"
    )
    result.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    result.add_argument("--format", choices=("npy", "safetensors"), default="npy")
    result.add_argument(
        "--workers", type=_count, default=2, metavar="N", help="clips worked on at once (default: 2)"
    )
    result.add_argument("--keep-features", action="store_true", help="keep the features of each clip, too")
    command.set_defaults(run=run, stopped="stopped; the same command goes on after the last clip")


def _named(text: str) -> tuple[str, Path]:
    name, _, file = text.partition("=")
    if name not in NETWORKS or not file:
        raise argparse.ArgumentTypeError(
            f"expected NAME=FILE with NAME of {', '.join(NETWORKS)}, found {text!r}"
        )
    return name, Path(file)


def _setting(text: str) -> tuple[str, str, Any]:
    where, _, value = text.partition("=")
    name, _, key = where.partition(".")
    if not key or not value:
        raise argparse.ArgumentTypeError(f"expected NAME.KEY=VALUE, found {text!r}")
    try:
        return name, key, json.loads(value)
    except ValueError:
        return name, key, value


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    return name, _count(number)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, found {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.media.is_dir():
        raise ExtractionError(f"{arguments.media} is no folder of media")
    captions = read_raw(arguments.dataset)
    if arguments.limit:
        captions = first_clips(captions, arguments.limit)
    vectors = text_vectors(arguments)
    report = extract(
        captions,
        arguments.media,
        open_listeners(arguments),
        arguments.output,
        words=(vectors.dim, vectors.vectors) if vectors else None,
        max_tokens=dict(arguments.max_tokens),
        text_tokens=arguments.text_tokens,
        workers=arguments.workers,
        dtype=arguments.dtype,
        file_format=arguments.format,
        keep_features=arguments.keep_features,
    )
    print(summary(captions, report))
    return 0


def open_listeners(arguments: argparse.Namespace) -> list[Listener]:
    """The experts that the options name. Raises ExtractionError where one has no weights and no export."""
    weights, folder = dict(arguments.weights), arguments.experts_dir
    exported = exported_names(folder) if folder else []
    names = (
        arguments.experts.split(",")
        if arguments.experts
        else [*weights, *(n for n in exported if n not in weights)]
    )
    if not names:
        raise ExtractionError("no experts: name --experts-dir or --weights")
    stray = {name for name, _, _ in arguments.set} - set(weights)
    if stray:
        raise ExtractionError(f"--set of {', '.join(sorted(stray))}, which has no --weights")
    device, listeners = choose_device(Config(device=arguments.device)), []
    for name in names:
        if name in weights:
            settings = {key: value for of, key, value in arguments.set if of == name}
            pca = arguments.pca if name == "vggish" else None
            listeners.append(open_weights(name, weights[name], device, pca, **settings))
        elif name in exported:
            listeners += open_exported(folder, [name])
        else:
            raise ExtractionError(f"no --weights {name}=FILE, and no {name} in --experts-dir")
    return listeners


def first_clips(captions: CaptionSet, count: int) -> CaptionSet:
    """The same with the first clips of each split only."""
    return dataclasses.replace(captions, splits={name: ids[:count] for name, ids in captions.splits.items()})


def summary(captions: CaptionSet, report: Report) -> str:
    """What a run did, in a few lines."""
    dataset = report.dataset
    splits = ", ".join(f"{name} {len(rows):,}" for name, rows in dataset.splits.items())
    failed = len(report.failures) - report.without_media
    lines = [
        f"{dataset.name}: {report.done:,} clips in {dataset.folder} ({splits})",
        f"{report.new:,} made now, {report.without_media:,} without media, {failed:,} failed",
    ]
    if report.failures:
        lines[-1] += f": see {dataset.folder / 'failures.csv'}"
    return "\n".join(lines + [f"note: {note}" for note in captions.notes])
