"""`earshot-training starter train | evaluate | export`: the pack that ships, from data to files."""

import argparse
import dataclasses
import json
from pathlib import Path

from earshot_training.places import REPOSITORY, find_shared
from earshot_training.starter.config import StarterConfig
from earshot_training.starter.evaluate import report
from earshot_training.starter.export import export_pack, pack_bytes
from earshot_training.starter.picture import draw_figures
from earshot_training.starter.recipe import RESULT_FILE, Recipe, train
from earshot_training.starter.warm_start import check_licence
from earshot_training.word_vectors import ensure_vocabulary

SETTINGS_FILE = "settings.json"
SETTINGS = ("strict_licence", "seed", "expert_minutes", "scenes", "continue_from")  # fields of StarterConfig


def add_command(commands: argparse._SubParsersAction) -> None:
    starter = commands.add_parser("starter", help="train, measure and export the starter model pack")
    steps = starter.add_subparsers(dest="step", required=True, metavar="STEP")
    for name, run, text in (
        ("train", run_train, "train experts and retrieval model; goes on where it stopped"),
        ("evaluate", run_evaluate, "measure a trained run on split test and fit the calibration on val"),
        ("export", run_export, "measure if need be, and write the model pack of a trained run"),
    ):
        step = steps.add_parser(name, help=text, description=text)
        add_arguments(step)
        if name == "evaluate":
            step.add_argument("--picture", type=Path, metavar="FILE", help="draw mAP as bars, a PNG")
        if name == "export":
            step.add_argument("--output", type=Path, default=REPOSITORY / "models" / "starter")
            step.add_argument("--version", default="1.0.0", help="version of the pack (default: %(default)s)")
            step.add_argument(
                "--moments",
                type=Path,
                metavar="FILE",
                help="lines of `npm run bench -- moments`, one for each pack, to be shown in the model card",
            )
        step.set_defaults(run=run)


def add_arguments(step: argparse.ArgumentParser) -> None:
    """What all steps take: where things are, and the settings of the run."""
    default = StarterConfig()
    step.add_argument(
        "--data",
        type=Path,
        help="folder with sounds/, captions/ and teacher/ (default: data/ of the shared data)",
    )
    step.add_argument(
        "--work",
        type=Path,
        default=REPOSITORY / default.work,
        help="folder of the run (default: %(default)s)",
    )
    group = step.add_argument_group("settings", "given once: a run keeps them, and refuses others")
    group.add_argument(
        "--strict-licence",
        action="store_const",
        const=True,
        help="train only on clips with licence_class = permissive",
    )
    group.add_argument("--seed", type=int, help=f"default: {default.seed}")
    group.add_argument(
        "--minutes",
        type=float,
        help=f"wall-clock minutes for each expert (default: {default.expert_minutes:g})",
    )
    group.add_argument("--scenes", type=int, help=f"training scenes (default: {default.scenes})")
    group.add_argument(
        "--continue-from",
        type=Path,
        metavar="PACK",
        help="train the experts of this starter pack further (default: begin with random weights)",
    )


def run_settings(arguments: argparse.Namespace, work: Path) -> dict:
    """The settings of the run in `work`, which keeps those it was started with.

    Otherwise the results of one run would be taken for those of another, with another licence say. Raises
    SystemExit where an argument differs from the run's.
    """
    asked = {
        "strict_licence": arguments.strict_licence,
        "seed": arguments.seed,
        "expert_minutes": arguments.minutes,
        "scenes": arguments.scenes,
        "continue_from": arguments.continue_from and str(arguments.continue_from),
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    path = work / SETTINGS_FILE
    if not path.exists():
        kept = {name: getattr(StarterConfig, name) for name in SETTINGS} | asked
        path.write_text(json.dumps(kept, indent=2) + "\n")
    kept = json.loads(path.read_text())
    for name, value in asked.items():
        if kept.get(name) != value:
            raise SystemExit(
                f"the run in {work} has {name} = {kept.get(name)}, not {value}:"
                " name another folder with --work"
            )
    return kept


def open_recipe(arguments: argparse.Namespace) -> Recipe:
    """The run that the arguments speak of. Raises SystemExit where there is no data."""
    shared = find_shared()
    data = arguments.data or (shared / "data" if shared else None)
    if data is None or not (data / "sounds" / "manifest.csv").is_file():
        raise SystemExit("no data: name its folder with --data, or set EARSHOT_SHARED")
    work = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    settings = run_settings(arguments, work)
    pack = settings.get("continue_from")
    settings["continue_from"] = Path(pack) if pack else None
    config = dataclasses.replace(StarterConfig(), data=data, work=work, **settings)
    if config.continue_from:
        check_licence(config.continue_from, config.strict_licence)
    return Recipe(config, ensure_vocabulary(work / "vocabulary", data, config.vocabulary_size))


def open_trained(arguments: argparse.Namespace) -> Recipe:
    """The same for a run that is trained. Raises SystemExit where it is not."""
    if not (arguments.work / RESULT_FILE).exists():
        raise SystemExit(f"no trained run in {arguments.work}: `earshot-training starter train` makes one")
    return open_recipe(arguments)


def run_train(arguments: argparse.Namespace) -> int:
    train(open_recipe(arguments))
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    found = open_trained(arguments).evaluate()
    print(report(found))
    if arguments.picture:
        draw_figures(found, arguments.picture)
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    recipe = open_trained(arguments)
    moments = arguments.moments and [json.loads(line) for line in arguments.moments.read_text().splitlines()]
    manifest = export_pack(recipe, arguments.output, arguments.version, recipe.evaluate(), moments)
    size = pack_bytes(arguments.output) / 1e6
    print(f"{manifest['name']} {manifest['version']} in {arguments.output}, {size:.1f} MB")
    return 0
