"""What the commands that train take alike: settings laid over a configuration's."""

import argparse
import json
from dataclasses import dataclass
from typing import Any

from earshot_training.paper.config import Config, ConfigError, from_json


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that change a configuration."""
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, help="one seed")
    seeds.add_argument("--seeds", metavar="N,N,...", help="several (default: the configuration's, 0,1,2)")
    parser.add_argument("--limit-epochs", type=int, metavar="N", help="stop after N epochs, for a trial")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1, ... (default: auto)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting, its value as in JSON, such as batch_size=64; may be repeated",
    )


@dataclass(frozen=True)
class Overrides:
    """Settings laid over those of every configuration of a command."""

    settings: dict[str, Any]
    limit_epochs: int | None

    def apply(self, config: Config) -> Config:
        """Raises ConfigError where a setting does not exist or makes no sense."""
        settings = dict(self.settings)
        if self.limit_epochs is not None:
            settings["epochs"] = min(self.limit_epochs, settings.get("epochs", config.epochs))
        return from_json(settings, config)


def overrides(arguments: argparse.Namespace) -> Overrides:
    """What the options say. Raises ConfigError."""
    settings: dict[str, Any] = {}
    for assignment in arguments.set:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set expects NAME=VALUE, found {assignment!r}")
        settings[name.strip()] = _value(value.strip())
    if arguments.device is not None:
        settings["device"] = arguments.device
    if arguments.seed is not None:
        settings["seeds"] = [arguments.seed]
    elif arguments.seeds is not None:
        settings["seeds"] = _numbers(arguments.seeds)
    return Overrides(settings, arguments.limit_epochs)


def _value(text: str) -> Any:
    """A value in JSON; what is none is a text, so that a name needs no quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds expects numbers such as 0,1,2, found {text!r}") from None
