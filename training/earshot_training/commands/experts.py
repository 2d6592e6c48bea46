"""`earshot-training experts`: the paper's experts listed, their public weights downloaded, ONNX exported."""

import argparse
import sys
from pathlib import Path
from typing import Any

from earshot_training.experts.build import NETWORKS
from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.errors import WeightsError
from earshot_training.experts.expert import Expert
from earshot_training.experts.export import write_expert
from earshot_training.experts.random_weights import random_expert
from earshot_training.experts.sources import (
    SOURCES,
    WeightsSource,
    download,
    local_files,
    source_for,
    source_of_file,
    weights_folder,
)
from earshot_training.experts.table import ROWS, markdown, measure
from earshot_training.experts.weights import load_expert
from earshot_training.places import file_sha256


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("experts", help="list, download and export the paper's experts")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    action = actions.add_parser("list", help="experts, their public weights, licences, what is downloaded")
    action.set_defaults(run=run_list)

    action = actions.add_parser("download", help="download public weights; goes on where it stopped")
    action.add_argument("names", nargs="+", metavar="NAME", help=f"one of {', '.join(SOURCES)}")
    action.add_argument("--folder", type=Path, help="where to (default: the cache)")
    action.set_defaults(run=run_download, stopped="stopped; the same command goes on from here")

    action = actions.add_parser("export", help="write NAME.onnx and NAME.json")
    action.add_argument("name", choices=NETWORKS)
    action.add_argument("--output", type=Path, required=True, metavar="DIR")
    action.add_argument("--weights", type=Path, metavar="FILE", help="default: as downloaded")
    action.add_argument("--random-weights", type=int, metavar="SEED", help="made-up ones, for trying out")
    action.add_argument("--half", action="store_true", help="keep weights as float16: half the size")
    audio = action.add_argument_group("VGGish")
    audio.add_argument("--relu", action="store_true", default=None, help="activation after the last layer")
    audio.add_argument("--pca", action="store_true", default=None, help="whiten by the published PCA")
    audio.add_argument("--pca-file", type=Path, metavar="FILE", help="default: as downloaded")
    audio.add_argument("--quantise", action="store_true", default=None, help="with --pca: to 0 .. 255")
    audio = action.add_argument_group("VGGSound")
    audio.add_argument("--window-samples", type=int, metavar="N", help="default 160000: 10 s")
    audio.add_argument("--hop-samples", type=int, metavar="N", help="default 76800: 4.8 s")
    visual = action.add_argument_group("visual experts")
    visual.add_argument("--frames-per-second", type=float, metavar="N", help="default 25; 30 for r2p1d")
    visual.add_argument("--hop-frames", type=int, metavar="N", help="default 1; 32 for r2p1d")
    visual.add_argument("--frame-size", type=int, metavar="PIXELS", help="default 256")
    visual.add_argument("--frames", type=int, choices=(8, 32), help="a clip's length, for r2p1d: default 8")
    action.set_defaults(run=run_export)

    action = actions.add_parser("table", help="parameters, MACs and measured speed, as Markdown")
    action.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    action.add_argument("--no-speed", action="store_true", help="measure nothing")
    action.set_defaults(run=run_table)


def run_list(arguments: argparse.Namespace) -> int:
    for source in SOURCES.values():
        facts = EXPERTS[source.expert]
        print(
            f"{source.key}: {facts.dim} features, {facts.modality}; licence of the weights: {source.licence}"
        )
        for url, path in zip(source.urls, local_files(source), strict=True):
            print(f"    {url}{'  (downloaded)' if path.exists() else ''}")
    print(f"downloads go to {weights_folder()}")
    return 0


def run_download(arguments: argparse.Namespace) -> int:
    for name in arguments.names:
        if name not in SOURCES:
            print(f"error: expected names of {', '.join(SOURCES)} but found {name!r}")
            return 1
    for name in arguments.names:
        for path in download(SOURCES[name], arguments.folder, _show_progress):
            print(f"{path}  {path.stat().st_size:,} bytes, sha256 {file_sha256(path)}")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    names = (
        "relu", "pca", "quantise", "window_samples", "hop_samples",
        "frames_per_second", "hop_frames", "frame_size", "frames",
    )  # fmt: skip
    given = {name: getattr(arguments, name) for name in names}
    settings = {name: value for name, value in given.items() if value is not None}
    expert, licence, weights = _expert(arguments, settings)
    description, difference = write_expert(expert, arguments.output, licence, weights, arguments.half)
    for name, file in description.files.items():
        print(f"{arguments.output / name}  {file['bytes']:,} bytes")
    print(f"ONNX Runtime and PyTorch differ by {difference:.1e} at most")
    return 0


def run_table(arguments: argparse.Namespace) -> int:
    rows = [measure(name, timed=not arguments.no_speed) for name in arguments.names or ROWS]
    print(markdown(rows))
    return 0


def _expert(
    arguments: argparse.Namespace, settings: dict[str, Any]
) -> tuple[Expert, str, dict[str, Any] | None]:
    """The expert to export, its licence, and where its weights come from."""
    if arguments.random_weights is not None:
        expert = random_expert(arguments.name, arguments.random_weights, **settings)
        return expert, "none: made-up weights", None
    source = source_for(arguments.name, settings)
    weights = arguments.weights or _downloaded(source, 0)
    pca_file = arguments.pca_file
    if settings.get("pca") and not pca_file:
        pca_file = _downloaded(source, 1)
    expert = load_expert(arguments.name, weights, pca_file, **settings)
    known = source_of_file(weights)
    origin = {"file": weights.name, "sha256": file_sha256(weights) if weights.is_file() else None}
    origin["source"] = known and next(url for url in known.urls if url.endswith("/" + weights.name))
    return expert, source.licence, origin


def _downloaded(source: WeightsSource, number: int) -> Path:
    path = local_files(source)[number]
    if not path.exists():
        raise WeightsError(
            f"{path} is not there; fetch it with `earshot-training experts download {source.key}`,"
            " or name a file with --weights"
        )
    return path


def _show_progress(received: int, total: int | None) -> None:
    if sys.stderr.isatty():
        of = f" of {total / 1e6:,.0f}" if total else ""
        end = "\n" if received == total else ""
        print(f"\r{received / 1e6:,.0f}{of} MB", end=end, file=sys.stderr, flush=True)
