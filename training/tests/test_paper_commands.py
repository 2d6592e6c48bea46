import json

import numpy as np
import pytest
from conftest import golden, needs_shared
from toy_dataset import WORD_DIM, toy_dataset, word_vectors

from earshot_training.cli import main
from earshot_training.paper.summary import summarise, summary_table

SMALL = "--set shared_dim=16 --set text_clusters=4 --set batch_size=16"
TRIAL = f"--limit-epochs 1 {SMALL}"


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """A folder of two data sets: AudioCaps with both audio experts and two small lists, and CLOTHO."""
    folder = tmp_path_factory.mktemp("toys")
    toy_dataset(folder / "audiocaps", splits=("train_25", "val_25"))
    toy_dataset(folder / "clotho-1", "clotho", train=40, captions=5, seed=2, flaky=())
    return folder


@pytest.fixture(scope="module")
def reproduced(toys, tmp_path_factory):
    """Table 2 on them, two seeds, one epoch."""
    output = tmp_path_factory.mktemp("reproduced")
    assert run(f"reproduce --table 2 --data {toys} --output {output} --seeds 0,1 {TRIAL}") == 0
    return output


def run(line):
    """The exit code of a command."""
    return main(line.split())


def json_of(path):
    return json.loads(path.read_text())


# --- train ---


def test_three_seeds_are_trained_and_summed_up_with_both_deviations(toys, tmp_path, capsys):
    data, output = toys / "audiocaps", tmp_path / "run"
    assert run(f"train --config folder/ce --data {data} --output {output} --limit-epochs 2 {SMALL}") == 0
    out = capsys.readouterr().out
    seeds = [tmp_path / "run" / f"seed-{seed}" for seed in range(3)]
    values = [json_of(seed / "metrics.json")["test"]["t2a"]["R5"] for seed in seeds]
    found = json_of(tmp_path / "run" / "summary.json")
    spread = found["test"]["t2a"]["R5"]
    assert found["seeds"] == [0, 1, 2] and spread["values"] == values
    assert spread["mean"] == pytest.approx(np.mean(values))
    assert spread["population_std"] == pytest.approx(np.std(values))
    assert spread["sample_std"] == pytest.approx(np.std(values) * (3 / 2) ** 0.5)
    table = (tmp_path / "run" / "summary.md").read_text()
    assert "| t2a |" in table and "| a2t |" in out and "16 clips of audiocaps's test" in out


def test_the_experts_of_a_run_can_be_chosen(toys, tmp_path):
    data = toys / "audiocaps"
    assert run(f"train --data {data} --output {tmp_path} --experts vggsound --seed 5 {TRIAL}") == 0
    settings = json_of(tmp_path / "seed-5" / "config.json")
    assert settings["experts"]["modalities"] == ["vggsound"]
    assert settings["arch"]["args"]["mimic_ce_dims"] == 1


def test_a_run_is_fine_tuned_from_the_command_line(toys, tmp_path, capsys):
    before, after = tmp_path / "before", tmp_path / "after"
    first = f"train --config table3/2-audiocaps-ce --data {toys / 'audiocaps'} --output {before}"
    assert run(f"{first} --seed 0 {TRIAL}") == 0
    second = f"train --config table4/8-clotho-ce-z1-pretrained --data {toys / 'clotho-1'} --output {after}"
    assert run(f"{second} --seed 0 {TRIAL}") == 1
    assert "starts from a run of table3/2-audiocaps-ce" in capsys.readouterr().out
    assert run(f"{second} --seed 0 {TRIAL} --fine-tune {before}") == 0
    log = json_of(after / "seed-0" / "log.jsonl")
    assert log["lr"] == pytest.approx(0.0095)
    settings = json_of(after / "seed-0" / "config.json")
    assert settings["data_loader"]["args"]["max_tokens"] == {"text": 21, "audio": 31, "vggsound": 95}


def test_captions_without_word_vectors_are_read_with_a_word2vec_file(tmp_path, capsys):
    folder = toy_dataset(tmp_path / "data", words=False).folder
    command = f"train --data {folder} --output {tmp_path / 'run'} --seed 0 {TRIAL}"
    assert run(command) == 1
    assert "has no word vectors" in capsys.readouterr().out
    vectors = word_vectors()
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in vectors.items()]
    file = tmp_path / "vectors.txt"
    file.write_text("\n".join([f"{len(vectors)} {WORD_DIM}", *lines]) + "\n")
    assert run(f"{command} --word2vec {file} --no-tables") == 0
    words = json_of(tmp_path / "run" / "seed-0" / "metrics.json")["dataset"]["words"]
    assert words == "vectors.txt, 20 words, suffix rules only (12 numbers)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--config table9", "expected a configuration, found none called 'table9'"),
        ("--config table1/2-clotho", "expected the data set clotho, found audiocaps"),
        ("--experts vggish,pann", "pann"),
        ("--set epochs", "--set expects NAME=VALUE, found 'epochs'"),
        ("--set epoch=3", "there is no setting 'epoch'"),
        ("--set model=mixture", 'model must be "ce" or "moee", not "mixture"'),
        ("--seeds 0,x", "--seeds expects numbers such as 0,1,2, found '0,x'"),
        ("--fine-tune nowhere", "expected trained_model.pth there or in its seed-0"),
        ("--vocabulary nowhere", "nowhere"),
        ("--device abacus", "expected a device such as auto, cpu or cuda"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(toys, tmp_path, capsys, arguments, message):
    data, output = toys / "audiocaps", tmp_path / "run"
    assert run(f"train --data {data} --output {output} {SMALL} {arguments}") == 1
    out = capsys.readouterr().out.strip().splitlines()
    assert out[-1].startswith("error: ") and message in out[-1]


def test_a_folder_that_is_no_data_set_is_refused(tmp_path, capsys):
    assert run(f"train --data {tmp_path} --output {tmp_path / 'run'}") == 1
    assert "no data set" in capsys.readouterr().out


def test_ctrl_c_leaves_a_run_that_can_go_on(toys, tmp_path, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    command = f"train --data {toys / 'audiocaps'} --output {tmp_path} --seed 0 {TRIAL}"
    with monkeypatch.context() as patch:
        patch.setattr("earshot_training.paper.run.evaluate", stop)
        assert run(command) == 130
    assert "the same command goes on" in capsys.readouterr().out
    assert run(command) == 0


def test_the_sample_deviation_of_one_seed_is_not_there():
    run = {"seed": 4, "test": {"t2a": {"R1": 10.0}, "a2t": {"R1": 20.0}}}
    summary = summarise([run])
    assert summary["test"]["t2a"]["R1"]["sample_std"] is None
    assert "| t2a | 10.0 (0.0 / -) |" in summary_table(summary) and "seed 4" in summary_table(summary)


# --- reproduce ---


def test_rows_that_can_run_stand_beside_the_paper_s(reproduced):
    rows = {row["config"]: row for row in json_of(reproduced / "table2.json")["rows"]}
    done = {name for name, row in rows.items() if row["state"] == "done"}
    assert done == {"table2/07-vggish", "table2/08-vggsound", "table2/09-vggish-vggsound"}
    vggish = rows["table2/07-vggish"]
    assert vggish["paper"]["t2a"]["R1"] == [18.4, 0.7] and vggish["ours"]["seeds"] == [0, 1]
    mean = vggish["ours"]["test"]["t2a"]["R1"]["mean"]
    assert vggish["difference"]["t2a"]["R1"] == pytest.approx(mean - 18.4, abs=1e-3)
    text = (reproduced / "table2.md").read_text()
    ours = vggish["ours"]["test"]["t2a"]["R1"]
    assert f"| CE - VGGish | 0, 1 | ours | {ours['mean']:.1f} ± {ours['population_std']:.1f} |" in text
    assert "|  |  | paper | 18.4 ± 0.7 | 61.9 ± 0.5 | 20.8 ± 0.7 | 63.4 ± 0.5 |" in text
    assert f"|  |  | difference | {mean - 18.4:+.1f} |" in text


def test_rows_that_cannot_run_say_which_file_they_lack(reproduced, toys):
    rows = {row["config"]: row for row in json_of(reproduced / "table2.json")["rows"]}
    assert rows["table2/01-scene"]["state"] == "lacking"
    archive = f"{toys / 'audiocaps'} has vggish, vggsound; AudioCaps-experts-audio-only.tar.gz holds it as"
    r2p1d = "aggregated_r2p1d_30fps_256px_stride32_offset0_inner_stride1/r2p1d-ig65m-avg.pickle"
    inst = "aggregated_imagenet_25fps_256px_stride1_offset0/resnext101_32x48d-avg.pickle"
    lacks = [f"expert r2p1d: {archive} {r2p1d}", f"expert inst: {archive} {inst}"]
    assert rows["table2/12-visual-audio"]["lacks"] == lacks
    text = (reproduced / "table2.md").read_text()
    assert "- table2/01-scene, table2/04-scene-r2p1d, table2/05-scene-inst: expert scene:" in text


@needs_shared
def test_rows_are_reproduced_from_an_archive_in_the_published_form(tmp_path, capsys):
    archive = golden("dataset/AudioCaps-experts-audio-only.tar.gz")
    data = tmp_path / "data"
    data.mkdir()
    assert run(f"dataset convert {archive} --name audiocaps --output {data / 'audiocaps'}") == 0
    assert run(f"reproduce --table 3 --data {data} --output {tmp_path / 'out'} --seed 0 {TRIAL}") == 0
    out = capsys.readouterr().out
    assert "| AudioCaps, CE | 0 | ours |" in out
    assert "train 6 (49,291), val 4 (428), test 5 (816)" in out
    assert "`dataset convert` make it of http" in out and "CLOTHO-experts-audio-only.tar.gz" in out


def test_figures_of_other_lists_than_the_paper_s_are_marked(reproduced):
    note = "audiocaps has other lists than the paper's, so its figures cannot be compared: train 60 (49,291)"
    assert note in (reproduced / "table2.md").read_text()


def test_other_settings_than_the_paper_s_are_marked(reproduced):
    text = (reproduced / "table2.md").read_text()
    found = "shared_dim 16 (768), text_clusters 4 (20), epochs 1 (20), batch_size 16 (128)"
    assert f"Note: trained with other settings than the paper's: {found}." in text


def test_rows_of_two_tables_that_are_the_same_training_train_once(reproduced, toys, capsys, monkeypatch):
    runs = sorted(path.name for path in (reproduced / "runs").iterdir())
    assert run(f"reproduce --table 1 --data {toys} --output {reproduced} --seeds 0,1 {TRIAL}") == 0
    out = capsys.readouterr().out
    assert f"{reproduced}/runs/audiocaps_ce_vggish_20-29/seed-1: done before" in out
    now = sorted(path.name for path in (reproduced / "runs").iterdir())
    assert now == sorted([*runs, "clotho_ce_vggish_20-29"])
    assert "data set activity-net: no folder below" in out
    assert "features-v2/activity-net-experts-audio-only.tar.gz" in out


def test_a_pre_trained_row_trains_what_it_starts_from_first(toys, tmp_path, capsys):
    assert run(f"reproduce --table 4 --data {toys} --output {tmp_path} --seed 0 {TRIAL}") == 0
    runs = {path.name for path in (tmp_path / "runs").iterdir()}
    tuned = "clotho_ce_vggish+vggsound_21-31-95_from-audiocaps"
    assert {"audiocaps_ce_vggish+vggsound_20-29-29", tuned} <= runs and len(runs) == 10
    result = json_of(tmp_path / "runs" / tuned / "seed-0" / "metrics.json")
    start = "runs/audiocaps_ce_vggish+vggsound_20-29-29/seed-0/trained_model.pth"
    assert result["fine_tuned_from"].endswith(start)
    assert all(row["state"] == "done" for row in json_of(tmp_path / "table4.json")["rows"])


def test_a_pre_trained_row_lacks_what_its_pre_training_lacks(tmp_path, capsys):
    toy_dataset(tmp_path / "data" / "clotho", "clotho", flaky=())
    command = f"reproduce --table 4 --data {tmp_path / 'data'} --output {tmp_path / 'out'}"
    assert run(command + " --list") == 0
    out = capsys.readouterr().out
    assert "- table4/1-clotho-moee-z0 (CLOTHO, MoEE, z0): not yet run" in out
    assert "for its pre-training (table3/2-audiocaps-ce), data set audiocaps: no folder below" in out
    assert not (tmp_path / "out").exists()


def test_figure_2_trains_on_the_lists_there_are_and_is_drawn(toys, tmp_path, capsys):
    assert run(f"reproduce --figure 2 --data {toys} --output {tmp_path} --seed 0 {TRIAL}") == 0
    out = capsys.readouterr().out
    rows = {row["config"]: row for row in json_of(tmp_path / "figure2.json")["rows"]}
    done = [name for name, row in rows.items() if row["state"] == "done"]
    assert done == ["figure2/2-train-25", "figure2/5-train-100"]
    assert "|  |  | recorded | 18.1 ± 0.3 |" in out
    assert "list val_10:" in out and "filtered_val_list_10.txt of the authors" in out
    folder = tmp_path / "runs" / "audiocaps_ce_vggish+vggsound_20-29-29_train_25" / "seed-0"
    assert json_of(folder / "metrics.json")["dataset"]["clips"] == {"train": 15, "val": 4, "test": 16}
    assert (tmp_path / "figure2.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_whose_data_do_not_fit_says_why_and_the_others_go_on(tmp_path, capsys):
    toy_dataset(tmp_path / "data" / "clotho", "clotho", missing={(3, "vggish")}, flaky=())
    toy_dataset(tmp_path / "data" / "audiocaps")
    command = f"reproduce --table 1 --data {tmp_path / 'data'} --output {tmp_path / 'out'} --seed 0 {TRIAL}"
    assert run(command) == 0
    rows = {row["config"]: row for row in json_of(tmp_path / "out" / "table1.json")["rows"]}
    assert rows["table1/1-audiocaps"]["state"] == "done"
    assert "none for 1 of 60: clip_003" in " ".join(rows["table1/2-clotho"]["lacks"])
    assert "- table1/2-clotho: clotho: expected at least one of vggish" in capsys.readouterr().out


def test_a_data_set_that_cannot_be_read_is_named_where_it_is_lacking(tmp_path, capsys):
    (tmp_path / "data" / "broken").mkdir(parents=True)
    (tmp_path / "data" / "broken" / "dataset.json").write_text("{")
    command = f"reproduce --table 1 --data {tmp_path / 'data'} --output {tmp_path / 'out'}"
    assert run(command) == 0
    assert "broken/dataset.json is no JSON" in capsys.readouterr().out


def test_a_folder_of_data_sets_that_is_not_there_is_refused(tmp_path, capsys):
    command = f"reproduce --table 1 --data {tmp_path / 'none'} --output {tmp_path / 'out'}"
    assert run(command) == 1
    assert "expected a folder of data sets, found none" in capsys.readouterr().out
