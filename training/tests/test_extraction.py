"""Features of media: decoding, windows, whole runs that go on after a stop."""

import csv
import time

import numpy as np
import pytest
import torch
from conftest import SHARED, needs_shared
from small_media import (
    DIM,
    FFMPEG,
    FRAMES,
    HOP,
    HOP_FRAMES,
    RATE,
    SIZE,
    WINDOW,
    colours,
    ear,
    eye,
    needs_ffmpeg,
    noise,
    write_experts,
    write_sound,
    write_video,
)

from earshot_training.cli import main
from earshot_training.datasets import DatasetError, open_dataset
from earshot_training.datasets.raw import MediaName, read_raw
from earshot_training.experts.build import build_expert
from earshot_training.experts.errors import DescriptionError
from earshot_training.experts.expert import VisualExpert
from earshot_training.experts.vggsound import token_count
from earshot_training.experts.windows import FrameWindows
from earshot_training.extraction import ExtractionError, MediaError, extract, ffmpeg, listeners
from earshot_training.extraction import run as extraction_run
from earshot_training.extraction.ffmpeg import decode_audio, decode_frames, find_ffmpeg, streams
from earshot_training.extraction.listeners import AveragingListener
from earshot_training.extraction.loading import exported_names, open_exported, open_weights
from earshot_training.extraction.media import MediaFolder
from earshot_training.extraction.store import FeatureStore
from earshot_training.places import REPOSITORY

CPU = torch.device("cpu")


# --- decoding ---


@needs_ffmpeg
def test_sound_at_16_khz_is_decoded_to_the_very_samples(tmp_path):
    samples = noise(20_000)
    path = write_sound(tmp_path / "a.wav", samples)
    np.testing.assert_array_equal(decode_audio(FFMPEG, path), samples)
    np.testing.assert_array_equal(decode_audio(FFMPEG, path, 0.25, 1.0), samples[4000:16_000])
    np.testing.assert_array_equal(decode_audio(FFMPEG, path, 1.0, 9.0), samples[16_000:])


@needs_ffmpeg
def test_channels_are_averaged_and_other_rates_resampled(tmp_path):
    time = np.arange(44_100) / 44_100
    left = (20_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    path = write_sound(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), 44_100)
    found = decode_audio(FFMPEG, path)
    expected = 10_000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert abs(len(found) - 16_000) <= 1
    np.testing.assert_allclose(found[200:15_000], expected[200:15_000], atol=40)


@needs_ffmpeg
def test_frames_have_the_rate_and_size_that_are_asked_for(tmp_path):
    pictures = colours(10)
    path = write_video(tmp_path / "a.mkv", pictures, 10)
    np.testing.assert_array_equal(list(decode_frames(FFMPEG, path, 10, SIZE, SIZE)), pictures)
    assert len(list(decode_frames(FFMPEG, path, 5, SIZE, SIZE))) == 5
    part = list(decode_frames(FFMPEG, path, 10, SIZE, SIZE, 0.2, 0.5))
    np.testing.assert_array_equal(part, pictures[2:5])


@needs_ffmpeg
def test_frames_cover_the_size_and_keep_their_centre(tmp_path):
    wide = colours(2, SIZE, 3 * SIZE)
    wide[:, :, :SIZE], wide[:, :, 2 * SIZE :] = 0, 255  # black and white at the sides
    path = write_video(tmp_path / "a.mkv", wide, 5)
    for found, expected in zip(decode_frames(FFMPEG, path, 5, SIZE, SIZE), colours(2), strict=True):
        np.testing.assert_array_equal(found, expected)


@needs_ffmpeg
def test_files_that_cannot_be_decoded_say_why(tmp_path):
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(MediaError, match="no media file"):
        streams(FFMPEG, tmp_path / "text.wav")
    path = write_sound(tmp_path / "a.wav", noise(16_000))
    assert streams(FFMPEG, path) == {"audio"}
    with pytest.raises(MediaError, match=r"ends after 1\.00 s, before the clip at 5 s"):
        decode_audio(FFMPEG, path, 5.0, 6.0)
    video = write_video(tmp_path / "a.mkv", colours(5), 5)
    assert streams(FFMPEG, video) == {"video"}
    with pytest.raises(MediaError, match="no sound could be decoded"):
        decode_audio(FFMPEG, video)
    with pytest.raises(MediaError, match="no pictures could be decoded from 3 s on"):
        list(decode_frames(FFMPEG, video, 5, SIZE, SIZE, 3.0))


@needs_ffmpeg
def test_a_playlist_that_names_other_files_is_not_opened(tmp_path):
    write_sound(tmp_path / "secret.wav", noise(16_000))
    playlist = tmp_path / "list.wav"
    playlist.write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(MediaError, match="no media file"):
        streams(FFMPEG, playlist)


def test_ffmpeg_is_looked_for_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("FFMPEG_PATH", str(tmp_path / "absent"))
    with pytest.raises(ExtractionError, match=r"FFMPEG_PATH names .*absent, which is no program"):
        find_ffmpeg()
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("FFMPEG_PATH", str(program))
    assert find_ffmpeg() == str(program)
    monkeypatch.delenv("FFMPEG_PATH")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == str(program)


def frames_of_a_program(tmp_path, script):
    """What `decode_frames` makes of the pictures of 64 x 64 x 3 bytes that a script gives."""
    program = tmp_path / "decoder"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return decode_frames(str(program), tmp_path / "a.mkv", 25, 64, 64)


def test_an_expert_may_take_longer_over_a_clip_than_its_decoder_may(tmp_path, monkeypatch):
    monkeypatch.setattr(ffmpeg, "STALLED", 0.5)
    frames = frames_of_a_program(tmp_path, "head -c 368640 /dev/zero")  # more than it can write ahead
    next(frames)
    time.sleep(1)
    assert sum(1 for _ in frames) == 29


def test_a_decoder_that_stands_still_fails_its_clip_and_does_not_shorten_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ffmpeg, "STALLED", 0.3)
    frames = frames_of_a_program(tmp_path, "head -c 12288 /dev/zero; exec sleep 60")
    assert next(frames).shape == (64, 64, 3)
    with pytest.raises(MediaError, match=r"stands still: no picture came within 0\.3 s"):
        next(frames)


# --- windows ---


def windows_of(count, length, hop):
    """Numbers of the frames in each window of a stream of `count` frames."""
    windows, found = FrameWindows(length, hop), []
    for number in range(count):
        window = windows.add(np.full((1, 1, 1), number))
        if window is not None:
            found.append(window)
    return [window[:, 0, 0, 0].tolist() for window in [*found, *windows.finish()]]


def test_windows_start_every_hop_and_the_last_repeats_its_last_frame():
    assert windows_of(6, 4, 2) == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 5, 5]]
    assert windows_of(5, 4, 2) == [[0, 1, 2, 3], [2, 3, 4, 4]]  # the third would have one real frame of four
    assert windows_of(3, 1, 1) == [[0], [1], [2]]
    assert windows_of(8, 2, 5) == [[0, 1], [5, 6]]
    assert windows_of(6, 2, 5) == [[0, 1], [5, 5]]
    assert windows_of(1, 4, 2) == [[0, 0, 0, 0]]  # the first counts always
    assert windows_of(0, 4, 2) == []


# --- experts ---


def test_an_exported_expert_hears_windows_as_the_runtime_does(tmp_path):
    listener = open_exported(write_experts(tmp_path / "experts"), ["ear"])[0]
    samples = noise(2 * HOP + HOP // 4)  # the third window hears just a quarter of a hop
    padded = np.zeros(2 * HOP + WINDOW, np.float32)
    padded[: len(samples)] = samples / 32768
    expected = np.concatenate([ear(padded[None, i * HOP : i * HOP + WINDOW])[0] for i in range(3)])
    np.testing.assert_allclose(listener.hear(samples), expected, atol=1e-6)
    assert listener.hear(samples[:-1]).shape == (4, DIM)


def test_many_windows_are_heard_in_batches_with_the_same_result(tmp_path, monkeypatch):
    listener = open_exported(write_experts(tmp_path / "experts"), ["ear"])[0]
    whole = listener.hear(noise(20 * HOP))
    monkeypatch.setattr(listeners, "BATCH", 3)
    np.testing.assert_array_equal(listener.hear(noise(20 * HOP)), whole)


def test_a_visual_expert_may_be_a_sequence_or_an_average(tmp_path):
    pictures = colours(6)
    tokens = np.concatenate([eye(pictures[None, i : i + FRAMES])[0] for i in (0, HOP_FRAMES)])
    last = eye(pictures[None, [4, 5, 5, 5]])[0]
    expected = np.concatenate([tokens, last])
    for aggregation, wanted in (("sequence", expected), ("average", expected.mean(axis=0))):
        look = open_exported(write_experts(tmp_path / aggregation, aggregation), ["eye"])[0].look()
        for picture in pictures:
            look.add(picture)
        np.testing.assert_allclose(look.result(), wanted, rtol=1e-6)


def test_an_expert_that_gives_other_sizes_than_it_says_is_refused(tmp_path):
    listener = open_exported(write_experts(tmp_path / "experts", ear_dim=6), ["ear"])[0]
    with pytest.raises(ExtractionError, match="expected features of 2 x 6 for each window, found 2 x 3"):
        listener.hear(noise(HOP))


def test_experts_that_are_not_there_or_were_altered_are_refused(tmp_path):
    folder = write_experts(tmp_path / "experts")
    assert exported_names(folder) == ["ear", "eye"]
    with pytest.raises(ExtractionError, match=r"expected nose\.json or manifest\.json, found neither"):
        open_exported(folder, ["nose"])
    (folder / "ear.onnx").write_bytes((folder / "ear.onnx").read_bytes() + b" ")
    with pytest.raises(DescriptionError, match=r"ear\.onnx should have"):
        open_exported(folder, ["ear"])


def test_the_experts_of_a_model_pack_are_found_by_its_manifest():
    folder = REPOSITORY / "models" / "starter"
    assert exported_names(folder) == ["vggish", "vggsound"]
    found = open_exported(folder, ["vggish"])[0].hear(noise(32_000))
    assert found.shape == (2, 128) and np.isfinite(found).all()
    with pytest.raises(ExtractionError, match="expected an expert scene, found vggish, vggsound"):
        open_exported(folder, ["scene"])


def test_vggsound_with_weights_hears_a_clip_at_its_own_length(tmp_path):
    expert = build_expert("vggsound")
    torch.save({"state_dict": expert.network.state_dict()}, tmp_path / "vggsound.pth")
    listener = open_weights("vggsound", tmp_path / "vggsound.pth", CPU)
    samples = noise(24_000)
    found = listener.hear(samples)
    assert found.shape == (token_count(24_000), 512) == (5, 512)
    with torch.inference_mode():
        expected = expert(torch.from_numpy(samples / np.float32(32768))[None])[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert listener.hear(samples[:400]) is None


class Redness(VisualExpert):
    """Takes the place of R2P1D: clips of 8 frames every 32, and how red they are as all 512 features."""

    name = "r2p1d"
    frames_per_second, frame_size, frames_per_window, hop_frames = 30.0, SIZE, 8, 32

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, frames):
        return frames[..., 0].float().mean(dim=(1, 2, 3))[:, None, None] * self.scale.expand(512)


def test_a_visual_expert_with_weights_gives_the_mean_over_a_clip():
    listener = AveragingListener(Redness(), name="r2p1d", aggregation="average", dim=512, identity={})
    assert listener.stream == (30.0, SIZE, SIZE)
    look, pictures = listener.look(), colours(40)
    assert listener.look().result() is None
    for picture in pictures:
        look.add(picture)
    expected = np.mean([pictures[start : start + 8, ..., 0].mean() for start in (0, 32)])
    np.testing.assert_allclose(look.result(), np.full(512, expected), rtol=1e-5)


# --- runs ---


@pytest.fixture
def folder(tmp_path):
    """Media and a manifest: three sounds, a film, a silent film, a broken file, and one that is not there."""
    media = tmp_path / "media"
    write_sound(media / "deep" / "rain.wav", noise(4 * HOP, 1))
    write_sound(media / "dog.wav", noise(16_000, 2))
    write_video(media / "film.mkv", colours(10), RATE, write_sound(tmp_path / "film.wav", noise(32_000, 3)))
    write_video(media / "silent.mkv", colours(3, seed=4), RATE)
    (media / "broken.mp4").write_bytes(b"\0" * 100)
    (tmp_path / "mine.csv").write_text(
        "file,caption,split,start,end\ndeep/rain.wav,rain falls,train,,\ndog.wav,a dog barks,train,,\n"
        "dog.wav,a part of a bark,test,0.5,0.75\nfilm.mkv,a film,val,,\nsilent.mkv,no sound,test,,\n"
        "broken.mp4,broken,test,,\nabsent.wav,nothing,test,,\n"
    )
    write_experts(tmp_path / "experts")
    return tmp_path


def run(folder, **options):
    found = open_exported(folder / "experts", options.pop("experts", ["ear", "eye"]))
    return extract(
        read_raw(folder / "mine.csv"), folder / "media", found, folder / "set", quiet=True, **options
    )


@needs_ffmpeg
def test_a_folder_of_media_becomes_a_data_set(folder):
    report = run(folder, words=(2, lambda text: np.ones((len(text.split()), 2), np.float32)))
    dataset = open_dataset(folder / "set")
    dataset.verify()
    assert dataset.ids == ["deep/rain", "dog", "dog_500", "film", "silent"]
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {"train": 2, "test": 2, "val": 1}
    assert dataset.experts["ear"].availability.tolist() == [True] * 4 + [False]
    assert dataset.experts["eye"].availability.tolist() == [False] * 3 + [True] * 2
    first = np.zeros(3 * HOP + WINDOW, np.float32)
    first[: 4 * HOP] = noise(4 * HOP, 1) / np.float32(32768)
    np.testing.assert_allclose(dataset.experts["ear"].get(0)[:2], ear(first[None, :WINDOW])[0], atol=1e-6)
    assert dataset.experts["ear"].tokens(2) == 2 * 5  # 4,000 samples of 0.25 s
    np.testing.assert_allclose(dataset.experts["eye"].get(3)[:FRAMES], eye(colours(10)[None, :FRAMES])[0])
    assert dataset.words.get(0, 0).shape == (2, 2)
    clip = dataset.clips[2]
    assert (clip.media, clip.start_seconds, clip.end_seconds) == ("dog.wav", 0.5, 0.75)
    assert (report.done, report.new, report.without_media, len(report.failures)) == (5, 5, 1, 2)
    assert dataset.provenance["clips"] == 5 and dataset.provenance["withoutMedia"] == 1
    assert sorted(path.name for path in folder.iterdir() if "set" in path.name) == ["set"]


@needs_ffmpeg
def test_clips_without_features_are_listed_with_the_reason(folder):
    run(folder)
    with (folder / "set" / "failures.csv").open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["absent"]["reason"] == "no media file" and rows["absent"]["media"] == ""
    assert "no media file:" in rows["broken"]["reason"] and rows["broken"]["media"].endswith("broken.mp4")


@needs_ffmpeg
def test_the_protocol_has_a_limit_for_every_sequence_and_names_experts_with_gaps(folder):
    protocol = run(folder, max_tokens={"eye": 7}).dataset.protocol
    assert protocol.max_tokens == {"ear": 2 * 40, "eye": 7}  # 2 s of film
    assert protocol.flaky == ("eye",)  # which no training clip has


@needs_ffmpeg
def test_a_run_that_was_stopped_does_no_clip_twice(folder, monkeypatch):
    write, written = FeatureStore.write, []

    def stop_after_two(self, id, media, features):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(id)
        write(self, id, media, features)

    monkeypatch.setattr(FeatureStore, "write", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    assert written == ["deep/rain", "dog"] and not (folder / "set").exists()
    monkeypatch.setattr(FeatureStore, "write", write)
    decoded, decode = [], extraction_run.decode_audio
    monkeypatch.setattr(
        extraction_run,
        "decode_audio",
        lambda ffmpeg, path, *cut: decoded.append(path.name) or decode(ffmpeg, path, *cut),
    )
    report = run(folder)
    assert sorted(decoded) == ["dog.wav", "film.mkv"]  # the part of dog.wav is a clip of its own
    assert (report.done, report.new) == (5, 3)
    report.dataset.verify()


@needs_ffmpeg
def test_what_was_made_by_other_experts_is_not_taken_up(folder, monkeypatch):
    monkeypatch.setattr(extraction_run, "write_features", None)
    with pytest.raises(TypeError):
        run(folder, experts=["ear"])
    with pytest.raises(ExtractionError, match="has features of other experts or settings"):
        run(folder)


@needs_ffmpeg
def test_a_folder_that_no_run_left_is_not_removed(folder):
    (folder / "set.features").mkdir()
    with pytest.raises(ExtractionError, match="exists and was left by no run; remove it"):
        run(folder)


@needs_ffmpeg
def test_a_clip_of_which_an_expert_makes_nan_is_a_failure(folder, monkeypatch):
    hear = listeners.AudioListener.hear

    def of_dogs(self, samples):
        found = hear(self, samples)
        return found * np.nan if len(samples) == 16_000 else found

    monkeypatch.setattr(listeners.AudioListener, "hear", of_dogs)
    report = run(folder, experts=["ear"])
    assert {f.id: f.reason for f in report.failures}["dog"] == "ear gives NaN or infinity"
    assert "dog" not in report.dataset.ids


@needs_ffmpeg
def test_nothing_at_all_is_an_error_with_the_first_reason(folder):
    (folder / "mine.csv").write_text("file,caption,split\nabsent.wav,x,test\n")
    with pytest.raises(
        ExtractionError, match="no features of any of 1 clips; the first, absent: no media file"
    ):
        run(folder)


@needs_ffmpeg
def test_features_are_extracted_anew_from_a_data_set_that_knows_its_media(folder):
    run(folder, experts=["ear"])
    again = extract(
        read_raw(folder / "set"),
        folder / "media",
        open_exported(folder / "experts", ["eye"]),
        folder / "again",
        quiet=True,
    )
    assert again.dataset.ids == ["film"] and list(again.dataset.experts) == ["eye"]
    assert [failure.reason[:33] for failure in again.failures] == ["no expert perceives anything: the"] * 3


def test_media_are_found_by_name_and_never_outside_their_folder(tmp_path):
    for name in ("media/a/one.wav", "media/b/one.mp4", "media/two.txt", "outside.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "media" / "link.wav").symlink_to(tmp_path / "outside.wav")
    found = MediaFolder(tmp_path / "media")
    assert (
        found.find([MediaName("none"), MediaName("one", 1.0, 2.0)]).path
        == tmp_path / "media" / "a" / "one.wav"
    )
    assert found.find([MediaName("two")]) is None and found.find([MediaName("link")]) is None
    assert found.find([MediaName("../outside.wav", exact=True)]) is None
    assert found.find([MediaName("two.txt", exact=True)]).path.name == "two.txt"


@needs_ffmpeg
def test_the_command_extracts_and_tells_what_it_did(folder, capsys):
    command = ["extract", "--dataset", folder / "mine.csv", "--media", folder / "media", "--experts-dir"]
    command += [
        folder / "experts",
        "--output",
        folder / "set",
        "--vocabulary",
        REPOSITORY / "models" / "starter",
    ]
    assert main(list(map(str, [*command, "--experts", "ear", "--limit", 1]))) == 0
    out = capsys.readouterr().out
    assert f"mine: 3 clips in {folder / 'set'} (train 1, test 1, val 1)" in out
    assert "3 made now, 0 without media, 0 failed" in out
    assert open_dataset(folder / "set").words.dim == 100
    assert main(list(map(str, command))) == 1
    assert "error: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--experts", "nose"], "no --weights nose=FILE, and no nose in --experts-dir"),
        (["--set", "vggish.relu=true"], "--set of vggish, which has no --weights"),
        (["--weights", "vggsound=absent.pth"], "absent.pth"),
        (["--device", "abacus"], "expected a device such as auto, cpu or cuda, found 'abacus'"),
    ],
)
def test_the_command_names_what_is_missing(tmp_path, capsys, options, message):
    (tmp_path / "m.csv").write_text("file,caption,split\na.wav,x,test\n")
    experts = write_experts(tmp_path / "experts")
    command = ["extract", "--dataset", tmp_path / "m.csv", "--media", tmp_path, "--output", tmp_path / "set"]
    assert main(list(map(str, [*command, "--experts-dir", experts, *options]))) == 1
    out = capsys.readouterr().out
    assert out.startswith("error: ") and message in out


@needs_shared
@needs_ffmpeg
def test_real_sounds_become_a_data_set_by_the_starter_packs_experts(tmp_path):
    sounds = SHARED / "data" / "sounds"
    captions = read_raw(sounds)
    captions.splits = {name: ids[:7] for name, ids in captions.splits.items()}
    found = open_exported(REPOSITORY / "models" / "starter", ["vggish", "vggsound"])
    report = extract(captions, sounds, found, tmp_path / "set", quiet=True)
    report.dataset.verify()
    assert report.done == 21 and not report.failures
    assert {name: expert.dim for name, expert in report.dataset.experts.items()} == {
        "vggish": 128,
        "vggsound": 256,
    }
    with pytest.raises(DatasetError, match="expected a split called"):
        report.dataset.split("dev")
