import json

import pytest
import torch

from earshot_training.cli import main
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.experts.catalogue import EXPERTS, in_model_order
from earshot_training.model import CENet, ExpertInput
from earshot_training.paper.config import (
    Config,
    ConfigError,
    config_names,
    from_json,
    load_config,
    run_name,
    to_json,
)
from earshot_training.paper.network import variant
from earshot_training.paper.published import published, split_sizes
from earshot_training.paper.reproduce import rows_of

PARTS = ("table1", "table2", "table3", "table4", "figure2")
ROWS = [name for part in PARTS for name in rows_of(part)]


def test_every_row_of_the_paper_has_a_configuration():
    assert [len(rows_of(part)) for part in PARTS] == [4, 12, 6, 8, 5]


@pytest.mark.parametrize("name", config_names())
def test_a_configuration_trains_as_the_paper_does(name):
    config = load_config(name)
    assert (config.batch_size, config.epochs, config.lr, config.weight_decay) == (128, 20, 0.01, 0.001)
    assert (config.gamma, config.margin, config.seeds, config.text_clusters) == (0.95, 0.2, (0, 1, 2), 20)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_a_data_set_experts_and_a_title_and_has_published_figures(name):
    config = load_config(name)
    assert config.title and config.dataset in PUBLISHED and set(config.experts) <= set(EXPERTS)
    figures = published(name)
    known = figures.repository if name.startswith("figure2") else figures.paper
    assert set(known) == {"t2a", "a2t"} and {"R1", "R10"} <= set(known["t2a"]) & set(known["a2t"])


@pytest.mark.parametrize(
    ("name", "tokens", "fused", "test_captions", "flaky"),
    [
        ("table1/1-audiocaps", {"text": 20, "vggish": 29}, False, 5, {"vggish"}),
        ("table1/2-clotho", {"text": 20, "vggish": 29}, False, 5, set()),
        ("table1/3-activitynet", {"text": 20, "vggish": 29}, True, 1, {"vggish"}),
        ("table1/4-queryd", {"text": 70, "vggish": 500}, False, 1, {"vggish"}),
        ("table4/4-clotho-ce-z1", {"text": 21, "vggish": 31, "vggsound": 95}, False, 5, set()),
        ("table4/2-clotho-ce-z0", {"text": 20, "vggish": 29, "vggsound": 29}, False, 5, set()),
    ],
)
def test_data_sets_are_fed_as_reference_fact_1_2_says(name, tokens, fused, test_captions, flaky):
    config = load_config(name)
    assert {key: config.tokens[key] for key in tokens} == tokens
    assert (config.fuse_captions, config.test_captions) == (fused, test_captions)
    assert set(config.flaky) & set(config.experts) == flaky


def test_pre_trained_rows_start_from_the_audiocaps_run_of_the_same_model():
    for name in rows_of("table3") + rows_of("table4"):
        config = load_config(name)
        assert (config.pretraining is not None) == name.endswith("pretrained")
        if config.pretraining:
            before = load_config(config.pretraining)
            assert (before.dataset, before.model, before.experts) == (
                "audiocaps",
                config.model,
                config.experts,
            )
            assert before.tokens["vggsound"] == 29  # AudioCaps' own, whatever CLOTHO's are


def test_smaller_training_lists_come_with_smaller_validation_lists():
    lists = [(load_config(name).train, load_config(name).val) for name in rows_of("figure2")]
    shares = (10, 25, 50, 75)
    assert lists == [(f"train_{share}", f"val_{share}") for share in shares] + [("train", "val")]


def test_rows_that_are_the_same_training_share_a_run_and_others_do_not():
    names = {}
    for name in config_names():
        config = load_config(name)
        names.setdefault(run_name(config), set()).add(json.dumps(config.outcome(), sort_keys=True))
    assert all(len(outcomes) == 1 for outcomes in names.values())
    shared = [
        ("table1/1-audiocaps", "table2/07-vggish"),
        ("table2/09-vggish-vggsound", "table3/2-audiocaps-ce"),
        ("table3/2-audiocaps-ce", "figure2/5-train-100"),
        ("table3/5-clotho-moee-pretrained", "table4/5-clotho-moee-z0-pretrained"),
    ]
    for first, second in shared:
        assert run_name(load_config(first)) == run_name(load_config(second))
    assert len(names) == len({name for names in names.values() for name in names})


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("table2/01-scene", 7_507_879),
        ("table2/02-r2p1d", 6_205_351),
        ("table2/03-inst", 7_384_999),
        ("table2/04-scene-r2p1d", 16_068_632),
        ("table2/05-scene-inst", 17_248_280),
        ("table2/06-r2p1d-inst", 15_945_752),
        ("table2/07-vggish", 7_389_127),
        ("table2/08-vggsound", 12_120_007),
        ("table2/09-vggish-vggsound", 21_864_536),
        ("table2/10-visual-vggish", 23_324_073),
        ("table2/11-visual-vggsound", 28_054_953),
        ("table2/12-visual-audio", 35_433_274),
        ("table3/1-audiocaps-moee", 8_903_512),
    ],
)
def test_a_row_s_model_has_the_published_parameter_count(name, parameters):
    config = load_config(name)
    facts = {expert: EXPERTS[expert] for expert in in_model_order(config.experts)}
    sizes = {x.reference_name: ExpertInput(x.dim, x.clusters, x.ghosts) for x in facts.values()}
    with torch.device("meta"):
        model = CENet(sizes, variant(config, list(config.experts)))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_published_figures_are_the_paper_s():
    vggsound = published("table2/08-vggsound")
    assert vggsound.paper["t2a"] == {"R1": (20.5, 0.5), "R10": (67.0, 0.8)}
    assert vggsound.paper["a2t"] == {"R1": (24.6, 0.7), "R10": (70.4, 0.3)}
    assert vggsound.repository["t2a"]["R10"] == (67.0, 1.0) and vggsound.repository["a2t"]["MedR"] == (
        4.3,
        0.6,
    )
    assert published("table4/8-clotho-ce-z1-pretrained").paper["t2a"] == {
        "R1": (9.5, 0.4),
        "R10": (40.3, 1.3),
    }
    assert published("table3/3-clotho-moee").paper == published("table4/1-clotho-moee-z0").paper
    assert published("figure2/1-train-10").repository["a2t"]["R5"] == (42.2, 2.9)
    assert published("folder/ce").paper == {} and split_sizes("audiocaps")["train"] == 49_291


def test_settings_survive_their_file():
    config = load_config("table4/8-clotho-ce-z1-pretrained")
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": 1}, "there is no setting 'learning_rate'"),
        ({"model": "transformer"}, 'model must be "ce" or "moee", not "transformer"'),
        ({"experts": []}, "experts must be one or more different names"),
        ({"experts": ["vggish", "vggish"]}, "different names"),
        ({"tokens": {"vggish": 0}}, "tokens of vggish must be from 1 to 10000, not 0"),
        ({"tokens": {"text": 10_001}}, "tokens of text must be from 1 to 10000, not 10001"),
        ({"seeds": [-1]}, "seeds must be one or more numbers from 0 to 4294967295"),
        (
            {"tokens": {"vggish": "many"}},
            "tokens must be an object with a whole number for each name",
        ),
        ({"batch_size": 1}, "batch_size must be 2 or more"),
        ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
        ({"epochs": True}, "epochs must be a whole number, not true"),
        ({"lr": 0}, "lr must be more than 0"),
        ({"seeds": [0, "one"]}, "seeds must be a list of whole numbers"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        from_json(settings)


def test_a_configuration_that_is_not_there_or_no_json_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"found none called 'table5/vggish'.*table2/07-vggish"):
        load_config("table5/vggish")
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        load_config(tmp_path / "mine.json")
    (tmp_path / "mine.json").write_text("[1]")
    with pytest.raises(ConfigError, match="must hold an object of settings, not list"):
        load_config(tmp_path / "mine.json")
    (tmp_path / "mine.json").write_text('{"epochs": 3}')
    assert load_config(tmp_path / "mine.json") == Config(epochs=3)


def test_configurations_are_listed_and_shown(capsys):
    assert main(["configs"]) == 0
    text = capsys.readouterr().out
    assert all(f"| {name} |" in text for name in config_names())
    assert "| table2/08-vggsound | CE - VGGSound | audiocaps | vggsound | ce | 20.5 | 24.6 |" in text
    assert main(["configs", "table4/4-clotho-ce-z1"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"]["vggsound"] == 95
    assert main(["configs", "table9"]) == 1
    assert capsys.readouterr().out.startswith("error: expected a configuration")
