"""The command line: `earshot-training COMMAND ...`.

A command is a module with `add_command(commands)`, which adds its parser to argparse's subparsers and sets
`run`, a function from the parsed arguments to the exit code. To add a command, add its module to COMMANDS.
"""

import argparse
import sys
from collections.abc import Sequence

from earshot_training.commands import (
    checkpoints,
    configs,
    dataset,
    experts,
    extract,
    import_checkpoint,
    reproduce,
    sounds,
    speech,
    starter,
    tokenise,
    train,
    verify,
    vocabulary,
)

COMMANDS = (
    sounds,
    starter,
    verify,
    vocabulary,
    configs,
    train,
    reproduce,
    speech,
    checkpoints,
    import_checkpoint,
    dataset,
    extract,
    experts,
    tokenise,
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="earshot-training", description="Train, check and export Earshot's models."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
