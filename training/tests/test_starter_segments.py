import dataclasses

import numpy as np
import pytest
import torch
from small_starter import CONFIG, noise

from earshot_training.starter.segments import encode_recordings, segment_count, window_count
from earshot_training.starter.train_experts import front_end, make_expert


def spelled_out_windows(samples, hop):
    """docs/model-packs.md, word by word: windows that start inside and hear a quarter of a hop, or one."""
    if samples == 0:
        return []
    starts = [i * hop for i in range(samples // hop + 2)]
    return [start for start in starts if start < samples and (samples - start) * 4 >= hop] or [0]


def spelled_out_segments(samples, config):
    """Always segment 0; a further one when the one before does not reach the end, and an expert hears it."""
    if samples == 0:
        return 0
    windows = [spelled_out_windows(samples, hop) for hop in (config.vggish_hop, config.vggsound_hop)]
    k = 1
    while True:
        before_ends = (k - 1) * config.segment_hop + config.segment
        heard = any(k * config.segment_hop in starts for starts in windows)
        if before_ends >= samples or not heard:
            return k
        k += 1


def grid(segment, segment_hop, vggish_hop, vggsound_hop):
    return dataclasses.replace(
        CONFIG, segment=segment, segment_hop=segment_hop, vggish_hop=vggish_hop, vggsound_hop=vggsound_hop
    )


@pytest.mark.parametrize("hop", [3, 4, 5, 7, 16])
def test_the_number_of_windows_follows_the_rule_at_every_length(hop):
    for samples in range(5 * hop + 4):
        assert window_count(samples, hop) == len(spelled_out_windows(samples, hop)), samples


@pytest.mark.parametrize(
    "config", [grid(16, 8, 4, 8), grid(20, 10, 5, 10), grid(16, 16, 4, 16), grid(24, 8, 8, 4)]
)
def test_the_number_of_segments_follows_the_rule_at_every_length(config):
    for samples in range(6 * config.segment):
        assert segment_count(samples, config) == spelled_out_segments(samples, config), samples


def test_the_rules_hold_around_every_boundary_of_the_starter_s_own_lengths():
    hops = (CONFIG.vggish_hop, CONFIG.vggsound_hop)
    edges = {i * hop + quarter * hop // 4 for i in range(8) for hop in hops for quarter in (0, 1)}
    for samples in {max(0, edge + off) for edge in edges for off in (-1, 0, 1)}:
        for hop in hops:
            assert window_count(samples, hop) == len(spelled_out_windows(samples, hop)), (samples, hop)
        assert segment_count(samples, CONFIG) == spelled_out_segments(samples, CONFIG), samples


@pytest.mark.parametrize(
    ("samples", "windows", "segments"),
    [  # the cases of test/unit/encoding/segments.test.ts
        (0, 0, 0),
        (1, 1, 1),
        (3_200, 1, 1),
        (15_360 + 3_839, 1, 1),
        (15_360 + 3_840, 2, 1),
        (61_440, 4, 1),
        (61_441, 4, 2),
        (92_160, 6, 2),
        (92_161, 6, 3),
        (160_000, 11, 5),
    ],
)
def test_the_runtime_s_cases_hold_here_too(samples, windows, segments):
    assert window_count(samples, CONFIG.vggish_hop) == windows
    assert segment_count(samples, CONFIG) == segments


@pytest.fixture(scope="module")
def experts():
    torch.manual_seed(0)
    return {name: make_expert(name, CONFIG).eval() for name in ("vggish", "vggsound")}


def features_of(experts, name, samples):
    with torch.no_grad():
        return experts[name](front_end(name)(torch.from_numpy(samples.astype(np.float32) / 32768)[None]))[0]


def test_a_short_recording_has_its_tokens_first_and_zeros_after_them(experts):
    recording = noise(17_000)
    found = encode_recordings([recording], experts, CONFIG)
    assert found.vggish.shape == (1, 4, 12) and found.vggsound.shape == (1, 12, 32)
    torch.testing.assert_close(found.vggish[0, :1], features_of(experts, "vggish", recording[:15_600]))
    filled = np.pad(recording, (0, 30_893 - 17_000))
    torch.testing.assert_close(found.vggsound[0, :6], features_of(experts, "vggsound", filled))
    assert not found.vggish[0, 1:].any() and not found.vggsound[0, 6:].any()


def test_segments_share_the_windows_they_both_cover(experts):
    found = encode_recordings([noise(92_160)], experts, CONFIG)
    assert len(found.clip) == 2
    torch.testing.assert_close(found.vggish[0, 2:], found.vggish[1, :2], rtol=0, atol=0)
    torch.testing.assert_close(found.vggsound[0, 6:], found.vggsound[1, :6], rtol=0, atol=0)


def test_silent_segments_are_left_out_and_the_others_know_their_recording(experts):
    silence = np.full(61_440, 3, np.int16)  # 3 / 32768 is below 1e-4, 4 / 32768 is not
    late = np.concatenate([silence, noise(30_720)])
    found = encode_recordings([silence, late, silence + 1, noise(100)], experts, CONFIG)
    assert found.clip.tolist() == [1, 2, 3]
    assert len(encode_recordings([silence], experts, CONFIG).clip) == 0


def test_an_expert_without_a_window_in_a_segment_is_marked_missing(experts):
    # Segments that do not overlap: the second has 5,000 samples, enough for VGGish's quarter hop only.
    apart = dataclasses.replace(CONFIG, segment_hop=61_440)
    found = encode_recordings([noise(61_440 + 5_000)], experts, apart)
    assert found.availability.tolist() == [[1, 1], [1, 0]]
    assert found.vggish[1, 0].any() and not found.vggsound[1].any()
