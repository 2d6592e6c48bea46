import json

import pytest

from earshot_training.cli import build_parser, main
from earshot_training.commands.starter import run_settings


def settings(work, *options):
    return run_settings(build_parser().parse_args(["starter", "train", *options]), work)


@pytest.mark.parametrize("step", ["train", "evaluate", "export"])
def test_every_step_explains_itself(step, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["starter", step, "--help"])
    assert stop.value.code == 0 and "--strict-licence" in capsys.readouterr().out


def test_a_run_keeps_the_settings_it_was_started_with(tmp_path):
    started = settings(tmp_path, "--strict-licence", "--scenes", "500")
    assert started == {
        "strict_licence": True, "seed": 0, "expert_minutes": 66.0, "scenes": 500, "continue_from": None,
    }  # fmt: skip
    assert settings(tmp_path) == settings(tmp_path, "--scenes", "500") == started
    assert json.loads((tmp_path / "settings.json").read_text()) == started


def test_a_run_started_without_the_strict_licence_is_not_gone_on_with_it(tmp_path):
    settings(tmp_path)
    with pytest.raises(SystemExit, match="strict_licence = False, not True"):
        settings(tmp_path, "--strict-licence")


def test_a_run_that_is_not_trained_cannot_be_measured_or_exported(tmp_path):
    for step in ("evaluate", "export"):
        with pytest.raises(SystemExit, match="no trained run"):
            main(["starter", step, "--work", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_training_without_data_says_what_to_name(tmp_path):
    with pytest.raises(SystemExit, match="--data"):
        main(["starter", "train", "--data", str(tmp_path), "--work", str(tmp_path / "run")])
