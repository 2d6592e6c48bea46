"""`earshot-training verify`: checks a model pack."""

import argparse
from pathlib import Path

from earshot_training.pack import verify_pack


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("verify", help="check a model pack's files, and that its graphs run")
    command.add_argument("directory", type=Path)
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    manifest = verify_pack(arguments.directory)
    files = manifest["files"]
    size = sum(file["bytes"] for file in files.values()) / 1e6
    print(f"{manifest['name']} {manifest['version']}: {len(files)} files, {size:.1f} MB, all right")
    return 0
