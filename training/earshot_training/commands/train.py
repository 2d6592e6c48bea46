"""`earshot-training train`: one configuration on one data set, with one or several seeds."""

import argparse
import dataclasses
from pathlib import Path

from earshot_training.datasets import DatasetError, open_dataset
from earshot_training.paper.config import ConfigError, load_config
from earshot_training.paper.inputs import Inputs
from earshot_training.paper.options import add_settings, overrides
from earshot_training.paper.seeds import train_seeds
from earshot_training.paper.summary import summarise, summary_table
from earshot_training.paper.words import add_words, text_vectors


def add_command(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "train",
        help="train a retrieval model as the paper does, or go on where a training stopped",
        description="Train a configuration (see `earshot-training configs`) on a data set. Given again,"
        " the same command goes on after the last whole epoch.",
    )
    command.add_argument("--config", default="folder/ce", help="name or JSON file (default: %(default)s)")
    command.add_argument("--data", type=Path, required=True, help="folder with dataset.json")
    command.add_argument("--output", type=Path, required=True, help="folder for seed-0, seed-1, ...")
    command.add_argument("--experts", metavar="NAME,NAME,...", help="only these experts")
    command.add_argument(
        "--fine-tune",
        type=Path,
        metavar="RUN",
        help="start from this run (its folder, or a trained_model.pth): weights, optimiser and learning rate",
    )
    add_words(command)
    add_settings(command)
    command.set_defaults(run=run, stopped="stopped; the same command goes on after the last whole epoch")


def run(arguments: argparse.Namespace) -> int:
    config = overrides(arguments).apply(load_config(arguments.config))
    if arguments.experts is not None:
        config = dataclasses.replace(config, experts=tuple(arguments.experts.split(",")))
    if config.pretraining and arguments.fine_tune is None:
        raise ConfigError(
            f"{arguments.config} starts from a run of {config.pretraining}: train that one first,"
            " and name its folder with --fine-tune"
        )
    dataset = open_dataset(arguments.data)
    if config.dataset not in (None, dataset.name):
        raise DatasetError(f"{arguments.data}: expected the data set {config.dataset}, found {dataset.name}")
    vectors = text_vectors(arguments)
    inputs = Inputs(dataset, config, vectors)
    results = train_seeds(config, inputs, arguments.output, arguments.fine_tune)
    clips = results[0]["dataset"]["clips"]["test"]
    print(f"\n{config.title}, {clips:,} clips of {dataset.name}'s {config.test}")
    print(summary_table(summarise(results)))
    return 0
