"""`earshot-training reproduce`: a table or figure of the paper, as far as the data at hand allow."""

import argparse
from pathlib import Path

from earshot_training.paper.figure import draw_figure
from earshot_training.paper.options import add_settings, overrides
from earshot_training.paper.report import as_json, markdown
from earshot_training.paper.reproduce import Reproduction, rows_of
from earshot_training.paper.requirements import DataFolder
from earshot_training.paper.run import write_json, write_text
from earshot_training.paper.words import add_words, text_vectors


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "reproduce",
        help="train the rows of a table or figure of the paper and set them beside its figures",
        description="Train what the data at hand allow, say what the other rows lack, and write a report."
        " Given again, the same command goes on where it stopped.",
    )
    part = command.add_mutually_exclusive_group(required=True)
    part.add_argument("--table", type=int, choices=(1, 2, 3, 4))
    part.add_argument("--figure", type=int, choices=(2,))
    part.add_argument("--speech", action="store_true", help="the experiment with speech as a further expert")
    command.add_argument(
        "--data", type=Path, required=True, help="folder whose subfolders are data sets (dataset.json)"
    )
    command.add_argument("--output", type=Path, required=True, help="folder for the report and runs/")
    command.add_argument("--list", action="store_true", help="only say what can run and what is lacking")
    add_words(command)
    add_settings(command)
    command.set_defaults(run=run, stopped="stopped; the same command goes on after the last whole epoch")


def run(arguments: argparse.Namespace) -> int:
    part = f"table{arguments.table}" if arguments.table else "speech" if arguments.speech else "figure2"
    reproduction = Reproduction(
        rows_of(part),
        DataFolder(arguments.data),
        arguments.output,
        text_vectors(arguments),
        overrides(arguments),
    )
    if not arguments.list:
        arguments.output.mkdir(parents=True, exist_ok=True)
        reproduction.carry_out(lambda: _write(part, reproduction, arguments.output))
        _write(part, reproduction, arguments.output)
    print(f"\n{markdown(part, reproduction)}")
    return 0


def _write(part: str, reproduction: Reproduction, output: Path) -> None:
    write_text(output / f"{part}.md", markdown(part, reproduction))
    write_json(output / f"{part}.json", as_json(part, reproduction))
    if part == "figure2":
        draw_figure(reproduction, output / "figure2.png")
