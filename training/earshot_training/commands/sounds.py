"""`earshot-training sounds`: counts the clips that may be learnt from, and writes their attributions."""

import argparse
from collections import Counter
from pathlib import Path

from earshot_training.places import find_shared
from earshot_training.sounds import read_sounds, training_sounds, write_attributions


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("sounds", help="count the training clips and write their attributions")
    command.add_argument(
        "--folder", type=Path, help="the data set (default: data/sounds of the shared folder)"
    )
    command.add_argument("--strict", action="store_true", help="only clips with licence_class = permissive")
    command.add_argument("--attributions", type=Path, metavar="FILE", help="write them as .csv or .md")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    shared = find_shared()
    folder = arguments.folder or (shared / "data" / "sounds" if shared else None)
    if folder is None:
        print("error: no data set; name it with --folder or set EARSHOT_SHARED")
        return 1
    chosen = training_sounds(read_sounds(folder), arguments.strict)
    print(f"{len(chosen)} training clips of {len({sound.kind for sound in chosen})} kinds")
    for licence, count in Counter(sound.recording_licence for sound in chosen).most_common():
        print(f"{count:6d}  {licence}")
    if arguments.attributions:
        write_attributions(chosen, arguments.attributions)
        print(f"attributions in {arguments.attributions}")
    return 0
