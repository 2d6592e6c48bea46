"""The two trainings and the whole recipe on made data: that they run, go on where they stopped, and end."""

import csv
import dataclasses
import importlib.util
import json

import numpy as np
import pytest
import soundfile
import torch
from small_starter import CONFIG, KINDS, make_sources, make_vocabulary, write_captions

from earshot_training.starter.batches import Example
from earshot_training.starter.captions import Captions
from earshot_training.starter.pool import build_pool
from earshot_training.starter.recipe import Recipe, train
from earshot_training.starter.scenes import SINGLE, SceneMaker
from earshot_training.starter.segments import Segments
from earshot_training.starter.teacher import (
    CLASSES,
    CLASSES_FILE,
    FEATURES,
    FEATURES_FILE,
    PROBABILITIES_FILE,
    Teacher,
    open_teaching,
    prepare_teaching,
    teach,
)
from earshot_training.starter.train_experts import train_expert
from earshot_training.starter.train_retrieval import clip_scores, train_retrieval

SOURCES = make_sources()
CLIP_KINDS = {source.id: source.kind for source in SOURCES}
WINDOWS = CONFIG.windows_per_scene


def teach_nonsense(folder, scenes):
    """Random outputs of a teacher that has finished."""
    rng = np.random.default_rng(0)
    rng.integers(0, 256, (scenes, WINDOWS, CLASSES), np.uint8).tofile(folder / PROBABILITIES_FILE)
    rng.integers(0, 256, (scenes, WINDOWS, FEATURES), np.uint8).tofile(folder / FEATURES_FILE)
    for part in (0, 1):
        (folder / f"teacher_done_{part}_of_2").write_text(str(scenes))


# --- the teacher ---


def test_the_teacher_s_files_are_made_once_and_made_anew_for_another_pool(tmp_path):
    teach_nonsense(tmp_path, 2)
    prepare_teaching(tmp_path, 2, WINDOWS)
    assert open_teaching(tmp_path, WINDOWS)[0].any() and (tmp_path / "teacher_done_0_of_2").exists()
    prepare_teaching(tmp_path, 3, WINDOWS)
    probabilities, features = open_teaching(tmp_path, WINDOWS)
    assert probabilities.shape == (3, WINDOWS, CLASSES) and features.shape == (3, WINDOWS, FEATURES)
    assert not probabilities.any() and not list(tmp_path.glob("teacher_done_*"))


def test_a_finished_teacher_is_not_started_again(tmp_path):
    teach_nonsense(tmp_path, 3)
    waves = np.zeros((3, CONFIG.scene_samples), np.int16)
    teach(tmp_path / "no-such-model", waves, CONFIG.vggish_hop, WINDOWS, tmp_path, (0, 2))


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_without_tensorflow_the_teacher_says_what_to_install(tmp_path):
    with pytest.raises(ImportError, match=r"training\[teacher\]"):
        Teacher(tmp_path / "yamnet.tflite")


# --- experts ---


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    build_pool(SOURCES, CONFIG, folder, 4, processes=1)
    teach_nonsense(folder, 4)
    return folder


@pytest.mark.parametrize("name", ["vggish", "vggsound"])
def test_an_expert_s_training_ends_with_the_time_and_goes_on_from_its_checkpoint(pool, name):
    def train_for(seconds):
        config = dataclasses.replace(CONFIG, expert_minutes=seconds / 60)
        result = train_expert(name, sorted(KINDS), CLIP_KINDS, config, pool)
        return result, torch.load(result, weights_only=True)

    result, first = train_for(1e-6)
    assert first["step"] == 1
    spent = torch.load(pool / f"{name}.checkpoint.pt", weights_only=True)["spent"]
    assert train_for(1e9)[1]["step"] == 1  # it is there
    result.unlink()
    _, second = train_for(spent + 1e-6)
    assert second["step"] == 2
    assert all(torch.isfinite(weights).all() for weights in second["expert"].values())
    moved = [not torch.equal(a, second["expert"][key]) for key, a in first["expert"].items()]
    assert any(moved)


# --- the retrieval model ---


def random_segments(clip):
    count = len(clip)
    return Segments(
        torch.randn(count, 4, CONFIG.vggish_dim),
        torch.randn(count, 12, 32),
        torch.ones(count, 2),
        np.array(clip),
    )


class Stopped(Exception):
    pass


@pytest.fixture
def retrieval(tmp_path):
    """A training on random features: called with the figures that its validations will give."""
    write_captions(tmp_path)
    maker = SceneMaker(SOURCES, CONFIG)
    scenes = [maker.make(number) for number in range(10)]
    examples = [
        Example(s.form, [SOURCES[part].kind for part in s.parts], [SOURCES[part].id for part in s.parts])
        for s in scenes
    ]
    features = torch.randn(10, 4, CONFIG.vggish_dim), torch.randn(10, 12, 32)
    segments = random_segments([0, 0, 1, 3])  # clip 2 is silent
    clips = [Example(SINGLE, [source.kind], [source.id]) for source in SOURCES[:4]]
    captions = Captions(tmp_path / "captions.csv", list(KINDS), {})

    def run(figures, **settings):
        figures = iter(figures)

        def validation(model):
            model.eval()
            figure = next(figures, None)
            if figure is None:
                raise Stopped
            return figure

        arguments = (examples, features, segments, clips, captions, make_vocabulary(), set(KINDS), CONFIG)
        settings = {"epochs": 3, "batch": 4} | settings
        return train_retrieval(*arguments, validation, tmp_path, **settings)

    return run, tmp_path


def log_of(folder):
    return [json.loads(line) for line in (folder / "retrieval.log.jsonl").read_text().splitlines()]


def same_weights(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


@pytest.mark.parametrize("optimiser", ["adamw", "ranger"])
def test_the_retrieval_model_with_the_best_figure_is_kept(retrieval, optimiser):
    run, folder = retrieval
    model, best = run([0.2, 0.5, 0.4], optimiser_name=optimiser)
    assert best == 0.5
    losses = [row["loss"] for row in log_of(folder)]
    assert len(losses) == 3 and np.isfinite(losses).all() and min(losses) > 0
    last, _ = run([0.2, 0.5, 0.6], optimiser_name=optimiser)
    assert not same_weights(model.state_dict(), last.state_dict())


def test_a_stopped_retrieval_training_goes_on_as_if_it_had_not_been_stopped(retrieval):
    run, folder = retrieval
    whole, _ = run([0.2, 0.5, 0.4])
    with pytest.raises(Stopped):
        run([0.2, 0.5])
    assert (folder / "retrieval.checkpoint.pt").exists()
    torch.manual_seed(1)
    resumed, best = run([0.4])
    assert best == 0.5 and same_weights(whole.state_dict(), resumed.state_dict())
    logged = log_of(folder)
    assert [row["epoch"] for row in logged] == [0, 1, 2, 0, 1, 2] and logged[2] == logged[5]
    assert not (folder / "retrieval.checkpoint.pt").exists()


def test_a_checkpoint_of_other_settings_is_not_gone_on_from(retrieval):
    run, folder = retrieval
    with pytest.raises(Stopped):
        run([0.2])
    run([0.1, 0.1, 0.3], lr=1e-4)
    assert [row["epoch"] for row in log_of(folder)] == [0, 0, 1, 2]


def test_a_clip_scores_as_its_best_segment_and_below_all_others_without_one():
    queries, vectors = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.3, 1.0], [0.7, 0.0], [-0.2, 0.0]])
    scores = clip_scores(queries, vectors, np.array([0, 0, 2]), clips=3)
    torch.testing.assert_close(scores, torch.tensor([[0.7, -1.0, -0.2]]))


# --- the whole recipe ---


@pytest.fixture
def data(tmp_path):
    """A data set of 24 clips: half for training, a quarter each for val and test."""
    sounds = tmp_path / "data" / "sounds"
    sounds.mkdir(parents=True)
    write_captions(sounds)
    columns = (
        "id captions labels licence source_licence licence_class author category origin source_title group"
        " fold split file source duration_s"
    ).split()
    with (sounds / "manifest.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        rows.writeheader()
        for split, sources in (("train", SOURCES), ("val", SOURCES[:8]), ("test", SOURCES)):
            for source in sources:
                name = f"{split}-{source.id}"
                soundfile.write(sounds / f"{name}.wav", source.samples[:40_000], 16_000, subtype="PCM_16")
                licence = {"licence": "CC0-1.0", "licence_class": "permissive"}
                place = {"split": split, "file": f"{name}.wav", "duration_s": "2.5"}
                rows.writerow({"id": name, "labels": source.kind, **licence, **place})
    teacher = tmp_path / "data" / "teacher"
    teacher.mkdir()
    (teacher / CLASSES_FILE).write_text(
        "index,mid,display_name\n" + "".join(f"0,m,{kind}\n" for kind in KINDS)
    )
    return tmp_path / "data"


def test_the_recipe_runs_from_clips_to_figures_and_a_second_time_finds_all_done(data, tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    config = dataclasses.replace(
        CONFIG, data=data, work=work, expert_minutes=1e-6, retrieval_epochs=1, retrieval_batch=6
    )
    make_vocabulary().save(tmp_path / "vocabulary")
    recipe = Recipe(config, tmp_path / "vocabulary")
    recipe.make_scenes()
    teach_nonsense(work, config.scenes)  # stands in for YAMNet, which needs TensorFlow
    np.save(work / "yamnet.test.npy", np.random.default_rng(0).random((12, len(KINDS))))
    train(recipe)
    found = recipe.evaluate()
    assert found["pack"]["kinds"] == 4 and found["data"]["clips"] == 12
    for measured in (found["pack"], found["teacher"]):
        assert all(0 <= share <= 1 for share in measured["averaged"].values())
    assert np.isfinite(found["calibration"]["slope"]) and found["calibration"]["pairs"] == 3 * 4 * 8

    written = {path.name: path.stat().st_mtime_ns for path in work.iterdir()}
    again = Recipe(config, tmp_path / "vocabulary")
    train(again)
    assert again.evaluate() == found
    assert {path.name: path.stat().st_mtime_ns for path in work.iterdir()} == written
