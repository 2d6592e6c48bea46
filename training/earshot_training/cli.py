"""The command line: `earshot-training COMMAND ...`.

A command is a module with `add_command(commands)`, which adds its parser to argparse's subparsers and sets
`run`, a function from the parsed arguments to the exit code. To add a command, add its module to COMMANDS.

What a person can mend ends a command with one line, `error: ...`, and exit code 1. A command that goes on
where it stopped sets `stopped`, which is printed when Ctrl-C ends it.
"""

import argparse
import os
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
from earshot_training.errors import MendableError

INTERRUPTED = 130  # the exit code of what Ctrl-C ended

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
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MendableError as error:
        print(f"error: {error}")
        return 1
    except OSError as error:
        print(f"error: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        print(getattr(arguments, "stopped", "stopped"))
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
