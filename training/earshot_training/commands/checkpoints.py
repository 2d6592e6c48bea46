"""`earshot-training checkpoints`: the retrieval models that the paper's authors publish."""

import argparse
from pathlib import Path

from tqdm import tqdm

from earshot_training.checkpoint.published import (
    BASE_URL,
    RELEASES,
    SEEDS,
    find_published,
    published,
)
from earshot_training.downloads import fetch


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("checkpoints", help="list or download the paper's published models")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="experiments, seeds and their addresses")
    listing.add_argument("text", nargs="?", default="", help="show only experiments whose name holds this")
    listing.add_argument("--release", choices=RELEASES, help="ar: the paper; arb: its follow-up")
    listing.add_argument("--urls", action="store_true", help="show the addresses of all files")
    listing.set_defaults(run=show)

    download = actions.add_parser("download", help="fetch trained_model.pth and config.json")
    download.add_argument("experiment", help="such as audiocaps-train-vggish-vggsound")
    download.add_argument("--release", choices=RELEASES, help="default: ar where both have the experiment")
    download.add_argument("--seed", type=int, choices=SEEDS, default=0)
    download.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the two files (default: ./EXPERIMENT-seed-SEED)",
    )
    download.add_argument(
        "--base-url", default=BASE_URL, metavar="URL", help="another place of the same tree, such as a mirror"
    )
    download.set_defaults(run=run_download, stopped="stopped; the same command goes on from here")


def show(arguments: argparse.Namespace) -> int:
    found = [
        entry
        for entry in published()
        if arguments.text in entry.experiment and arguments.release in (None, entry.release)
    ]
    if not found:
        print(f"error: no published experiment has {arguments.text!r} in its name")
        return 1
    for entry in found:
        if arguments.urls:
            for seed in SEEDS:
                print(*entry.urls(seed).values(), sep="\n")
        else:
            print(f"{entry.release:4} {entry.experiment:56} {entry.group}  {'  '.join(entry.timestamps)}")
    return 0


def run_download(arguments: argparse.Namespace) -> int:
    entry = find_published(arguments.experiment, arguments.release)
    folder = arguments.output or Path(f"{entry.experiment}-seed-{arguments.seed}")
    for name, url in entry.urls(arguments.seed, arguments.base_url).items():
        path = _fetch(url, folder / name)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def _fetch(url: str, path: Path) -> Path:
    """Downloads with a bar where there is a terminal."""
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, desc=path.name, leave=False, disable=None) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return fetch(url, path, progress=show)
