"""`earshot-training dataset download | convert | info`: data sets, published and made."""

import argparse
from pathlib import Path

from tqdm import tqdm

from earshot_training.datasets import Dataset, open_dataset
from earshot_training.datasets.published import PUBLISHED, convert, published_set
from earshot_training.datasets.published.catalogue import ARCHIVES
from earshot_training.downloads import fetch


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("dataset", help="download, convert and inspect data sets")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    names = tuple(PUBLISHED)

    download = actions.add_parser("download", help="fetch a published archive of features; it resumes")
    download.add_argument("name", choices=names)
    download.add_argument(
        "--output", type=Path, default=Path(), help="folder for the archive (default: here)"
    )
    download.add_argument(
        "--base-url", default=ARCHIVES, help="another place of the archives, such as a mirror"
    )
    download.set_defaults(run=run_download, stopped="stopped; the same command goes on from here")

    conversion = actions.add_parser(
        "convert", help="make a data set of a published archive", description="Goes on where it was stopped."
    )
    conversion.add_argument("source", type=Path, help="the archive (.tar.gz), or the folder it unpacks to")
    conversion.add_argument("--name", choices=names, required=True)
    conversion.add_argument(
        "--output", type=Path, required=True, help="folder for the data set; must not exist"
    )
    conversion.add_argument("--experts", metavar="NAME,NAME,...", help="default: all that are found")
    conversion.add_argument(
        "--dtype",
        choices=("float32", "float16"),
        help="default: as each file has it; float16 halves the size",
    )
    conversion.add_argument("--format", choices=("npy", "safetensors"), default="npy")
    conversion.add_argument("--keep-unpacked", action="store_true", help="keep the unpacked files")
    conversion.set_defaults(run=run_convert, stopped="stopped; the same command goes on from here")

    info = actions.add_parser("info", help="say what is in a data set")
    info.add_argument("folder", type=Path)
    info.add_argument("--verify", action="store_true", help="read every number, and refuse NaN")
    info.set_defaults(run=run_info)


def run_download(arguments: argparse.Namespace) -> int:
    found = published_set(arguments.name)
    url = f"{arguments.base_url.rstrip('/')}/{found.archive_file}"
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, desc=found.archive_file) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        path = fetch(url, arguments.output / found.archive_file, progress=show)
    print(f"{path}, {path.stat().st_size:,} bytes; neither its size nor a hash is published")
    return 0


def run_convert(arguments: argparse.Namespace) -> int:
    experts = arguments.experts.split(",") if arguments.experts else None
    found = convert(
        arguments.source,
        published_set(arguments.name),
        arguments.output,
        experts,
        arguments.dtype,
        arguments.format,
        arguments.keep_unpacked,
    )
    print(describe(found.dataset))
    for note in found.notes:
        print(f"note: {note}")
    return 0


def run_info(arguments: argparse.Namespace) -> int:
    dataset = open_dataset(arguments.folder)
    if arguments.verify:
        dataset.verify()
    print(describe(dataset))
    if arguments.verify:
        print("verified: every number is finite, every clip of a split has a caption and an expert")
    return 0


def describe(dataset: Dataset) -> str:
    """A data set in a table: its splits, its experts with what they lack, its words, its protocol."""
    captions = sum(len(clip.captions) for clip in dataset.clips)
    size = sum(path.stat().st_size for path in dataset.folder.iterdir())
    lines = [f"{dataset.name}: {len(dataset):,} clips, {captions:,} captions, {size / 1e6:,.1f} MB", ""]
    lines.append(f"{'split':12} {'clips':>8} {'captions':>9}")
    for name, rows in dataset.splits.items():
        count = sum(len(dataset.clips[row].captions) for row in rows)
        lines.append(f"{name:12} {len(rows):8,} {count:9,}")
    lines += [
        "",
        f"{'expert':12} {'dim':>5} {'kind':9} {'stored':8} {'missing':>8} {'tokens':>14} {'limit':>6}",
    ]
    for name, expert in dataset.experts.items():
        tokens = [expert.tokens(row) for row in range(len(dataset)) if expert.available(row)]
        span = f"{min(tokens)} to {max(tokens)}" if tokens and expert.aggregation == "sequence" else ""
        limit = dataset.protocol.max_tokens.get(name, "") if expert.aggregation == "sequence" else ""
        lines.append(
            f"{name:12} {expert.dim:5} {expert.aggregation:9} {expert.dtype.name:8} "
            f"{int((~expert.availability).sum()):8,} {span:>14} {limit:>6}"
        )
    words = f"word vectors of {dataset.words.dim}" if dataset.words else "no word vectors"
    protocol = dataset.protocol
    facts = [
        words,
        f"{protocol.text_tokens} words a text",
        *(["captions of a clip fused"] if protocol.fuse_captions else []),
        f"captions a clip: {protocol.validation_captions} in validation, {protocol.test_captions} in test",
        *([f"flaky: {', '.join(protocol.flaky)}"] if protocol.flaky else []),
    ]
    return "\n".join([*lines, "", "; ".join(facts)])
