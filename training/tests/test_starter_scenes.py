import json

import numpy as np
import pytest
from small_starter import CONFIG, make_sources

from earshot_training.starter.pool import build_pool, open_entries, open_waves
from earshot_training.starter.scenes import SOUNDS_IN, SceneMaker

SOURCES = make_sources()
KIND = [source.kind for source in SOURCES]


def test_a_scene_is_decided_by_seed_and_number_alone():
    maker, other = SceneMaker(SOURCES, CONFIG), SceneMaker(SOURCES, CONFIG)
    other.make(3)
    for number in (5, 0):
        first, second = maker.make(number), other.make(number)
        np.testing.assert_array_equal(first.samples, second.samples)
        assert (first.form, first.parts) == (second.form, second.parts)
    assert not np.array_equal(maker.make(0).samples, maker.make(1).samples)
    assert not np.array_equal(maker.make(0).samples, SceneMaker(SOURCES, CONFIG, 1).make(0).samples)


def test_a_scene_has_the_length_of_a_segment_s_windows_and_as_many_kinds_as_its_form_says():
    maker = SceneMaker(SOURCES, CONFIG)
    scenes = [maker.make(number) for number in range(40)]
    assert CONFIG.scene_samples == max(3 * 15_360 + 15_600, 30_720 + 30_893)
    for scene in scenes:
        assert scene.samples.shape == (CONFIG.scene_samples,) and scene.samples.dtype == np.int16
        assert len({KIND[part] for part in scene.parts}) == len(scene.parts) == SOUNDS_IN[scene.form]
        assert scene.samples.any()
    assert {scene.form for scene in scenes} == set(SOUNDS_IN)


def test_kinds_with_more_clips_are_drawn_more_often_but_not_in_proportion():
    many = [SOURCES[0]] * 16 + SOURCES[1:4]
    np.testing.assert_allclose(SceneMaker(many, CONFIG).kind_weights.max(), 4 / 7)


@pytest.fixture
def pool(tmp_path):
    build_pool(SOURCES, CONFIG, tmp_path, 5, processes=1)
    return tmp_path


def test_a_pool_holds_the_scenes_and_what_they_are_made_of(pool):
    maker, waves = SceneMaker(SOURCES, CONFIG), open_waves(CONFIG, pool)
    for number, entry in enumerate(open_entries(pool)):
        scene = maker.make(number)
        np.testing.assert_array_equal(waves[number], scene.samples)
        assert entry == {"form": scene.form, "clips": [SOURCES[part].id for part in scene.parts]}
    assert sorted(path.name for path in pool.iterdir()) == ["scenes.i16", "scenes.json"]


def test_a_whole_pool_is_not_made_again(pool):
    written = (pool / "scenes.i16").stat().st_mtime_ns
    build_pool(SOURCES, CONFIG, pool, 5, processes=1)
    assert (pool / "scenes.i16").stat().st_mtime_ns == written


def test_a_pool_that_was_stopped_goes_on_after_its_last_whole_scene(pool):
    made, entries = open_waves(CONFIG, pool).copy(), open_entries(pool)
    waves = np.memmap(pool / "scenes.i16", np.int16, "r+").reshape(made.shape)
    waves[0] = 7  # shows that this scene is not made again
    waves[2:] = 0
    waves.flush()
    lines = [json.dumps(entry) + "\n" for entry in entries]
    (pool / "scenes.partial.jsonl").write_text("".join(lines[:2]) + lines[2][:9])
    (pool / "scenes.json").unlink()
    build_pool(SOURCES, CONFIG, pool, 5, processes=1)
    found = open_waves(CONFIG, pool)
    assert (found[0] == 7).all()
    np.testing.assert_array_equal(found[1:], made[1:])
    assert open_entries(pool) == entries and not (pool / "scenes.partial.jsonl").exists()
