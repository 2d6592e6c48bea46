"""`earshot-training configs`: the paper's configurations, or all settings of one."""

import argparse
import json

from earshot_training.paper.config import config_names, load_config, to_json
from earshot_training.paper.published import published


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("configs", help="list the paper's configurations, or show one in full")
    command.add_argument("name", nargs="?", help="name or JSON file of the one to show")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.name is not None:
        print(json.dumps(to_json(load_config(arguments.name)), indent=2))
        return 0
    print("| Configuration | Row | Data set | Experts | Model | t2a R@1 | a2t R@1 |")
    print("|---" * 7 + "|")
    for name in config_names():
        config, figures = load_config(name), published(name)
        known = figures.paper or figures.repository
        recall = [f"{known[side]['R1'][0]:.1f}" if known else "" for side in ("t2a", "a2t")]
        experts = ", ".join(config.experts) if config.experts else "all"
        cells = [name, config.title, config.dataset or "any", experts, config.model, *recall]
        print("| " + " | ".join(cells) + " |")
    return 0
