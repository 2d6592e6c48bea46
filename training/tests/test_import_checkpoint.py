import json
import shutil
from dataclasses import replace
from pathlib import Path

import make_imported_pack
import numpy as np
import pytest
import torch
from conftest import needs_shared
from import_golden import STEMS, import_golden, write_words
from make_imported_pack import CAPTIONS, EXPERTS, NAMES, SHARED, TEXT, write_sources
from numpy_model import Pooled, compute, made_up_weights
from pack_similarity import pack_similarity
from reference_files import settings_of, write_checkpoint
from stand_in_experts import write_stand_in

from earshot_training.checkpoint_import.calibration import neutral
from earshot_training.checkpoint_import.card import model_card
from earshot_training.checkpoint_import.errors import OutputExistsError
from earshot_training.checkpoint_import.grid import CLIP_SECONDS, make_grid
from earshot_training.checkpoint_import.output import new_folder
from earshot_training.checkpoint_import.words import spellings
from earshot_training.cli import main
from earshot_training.model import CENet, ExpertInput
from earshot_training.pack import PackVocabulary, verify_pack
from earshot_training.text import Lemmas, Reader, Spelling

COMMITTED = make_imported_pack.FOLDER


def committed_similarities():
    return json.loads((COMMITTED / "similarities.json").read_text())


# --- the committed pack, which the runtime's tests use as well ---


def test_the_committed_pack_gives_the_similarities_of_an_independent_computation():
    content = committed_similarities()
    similarity = pack_similarity(COMMITTED, content)
    np.testing.assert_allclose(similarity, content["similarities"], atol=1e-5)


def test_the_committed_similarities_tell_a_wrong_model():
    content = make_imported_pack.similarities()
    right = np.array(content["similarities"])
    there = np.array([[clip[name] is not None for name in NAMES] for clip in content["clips"]], np.float32)
    features = {
        reference: np.stack([full(clip[name], expert) for clip in content["clips"]])
        for name, (reference, expert) in zip(NAMES, EXPERTS.items(), strict=True)
    }
    words = np.stack([full(text["words"], Pooled(TEXT.dim, 1), 20) for text in content["texts"]])
    weights = made_up_weights("ce", EXPERTS, TEXT, SHARED)

    def off_by(**changes):
        inputs = {"features": features, "there": there, "words": words, **changes}
        return np.abs(compute("ce", weights, EXPERTS, **inputs).similarity - right).max()

    assert off_by() < 1e-6
    assert off_by(there=np.ones_like(there)) > 1e-2
    unpadded = {name: rows[:, :10] if rows.ndim == 3 else rows for name, rows in features.items()}
    assert off_by(features=unpadded) > 1e-2
    assert off_by(words=words[:, :8]) > 1e-3


def full(rows, expert, tokens=29):
    """Rows of similarities.json with their zeros."""
    out = np.zeros((tokens, expert.dim) if expert.clusters else expert.dim, np.float32)
    if rows is not None:
        out[: len(rows)] = rows
    return out


def test_the_captions_of_the_committed_pack_are_read_as_their_words():
    vocabulary = PackVocabulary.of_manifest(
        json.loads((COMMITTED / "manifest.json").read_text())["textEncoder"]
    )
    words = vocabulary.load(COMMITTED)
    reader = Reader(words, Lemmas.read(COMMITTED / "lemmas.txt"), Spelling.read(COMMITTED / "spelling.txt"))
    for text in committed_similarities()["texts"]:
        vectors = reader.vectors(text["caption"])[:20]
        np.testing.assert_allclose(vectors, text["words"], atol=1e-6, err_msg=text["caption"])
        assert reader.read(text["caption"]).words[:20] == CAPTIONS[text["caption"]]


def test_the_committed_pack_is_what_its_script_makes(tmp_path):
    made = make_imported_pack.make(tmp_path / "pack")
    assert {path.name for path in (tmp_path / "pack").iterdir()} == {
        path.name for path in COMMITTED.iterdir()
    }
    for path in COMMITTED.iterdir():
        if path.suffix != ".onnx" and path.name not in ("manifest.json", "MODEL_CARD.md"):
            assert path.read_bytes() == (tmp_path / "pack" / path.name).read_bytes(), path.name
    committed = json.loads((COMMITTED / "manifest.json").read_text())
    for manifest in (made, committed):  # versions of PyTorch write the same graph in different bytes
        del manifest["files"], manifest["provenance"]["checkpoint"]["sha256"]
        del manifest["provenance"]["checkpoint"]["bytes"]
    assert made == committed
    content = committed_similarities()
    np.testing.assert_allclose(
        pack_similarity(tmp_path / "pack", content), content["similarities"], atol=1e-5
    )


def test_a_manifest_tells_where_its_pack_comes_from():
    manifest = verify_pack(COMMITTED)
    assert [expert["name"] for expert in manifest["experts"]] == list(NAMES)
    assert [expert["maxTokens"] for expert in manifest["experts"]] == [29, 1, 1, 29]
    origin = manifest["provenance"]
    assert origin["checkpoint"]["epoch"] == 7 and origin["checkpoint"]["monitorBest"] == 42.25
    assert origin["configuration"]["experts"] == list(EXPERTS)
    assert "not fitted" in origin["calibration"]
    card = (COMMITTED / "MODEL_CARD.md").read_text()
    assert origin["checkpoint"]["sha256"] in card and "| vggsound | audio | 5 | sequence, 29 |" in card


def test_a_card_names_the_published_checkpoint():
    manifest = json.loads((COMMITTED / "manifest.json").read_text())
    assert "It is not one of the published" in model_card(manifest)
    manifest["provenance"]["checkpoint"]["published"] = "clotho-train/1a2b3c4d/seed-0/2021-06-10_14-45-51"
    assert "published `clotho-train/1a2b3c4d/seed-0/2021-06-10_14-45-51`" in model_card(manifest)


# --- the reference's own files ---


@needs_shared
@pytest.mark.parametrize("stem", STEMS)
def test_golden_checkpoints_become_packs_with_the_reference_s_similarities(stem, tmp_path):
    content = import_golden(stem, tmp_path)
    similarity = pack_similarity(tmp_path / stem, content)
    np.testing.assert_allclose(similarity, content["similarities"], atol=1e-4)


# --- the command ---


def small_single(folder):
    """A single-expert checkpoint without a configuration, its expert and word vectors."""
    folder.mkdir()
    model = CENet({"vggsound": ExpertInput(3, 2)}, "single", 6, 2, 1, 4)
    torch.save({"arch": "CENet", "epoch": 3, "state_dict": model.state_dict()}, folder / "weights.pth")
    write_stand_in(folder / "experts", "vggsound", 3)
    write_words(folder / "words.txt", 6)
    return folder


def test_the_command_takes_from_options_what_a_configuration_leaves_out(tmp_path, capsys):
    sources, output = small_single(tmp_path / "sources"), tmp_path / "pack"
    (tmp_path / "captions.txt").write_text("Rain and a bell\n")
    arguments = [
        "import-checkpoint", sources / "weights.pth", "--experts", sources / "experts",
        "--word2vec", sources / "words.txt", "--words", tmp_path / "captions.txt", "--no-tables",
        "--names", "vggsound", "--max-tokens", "vggsound=29", "--max-tokens", "text=9",
        "--dataset", "audiocaps", "--hop-seconds", "2", "--calibration=5,-1", "--half",
        "--vectors", "float16",
        "--name", "mine", "--version", "0.2.0", "--licence", "CC0-1.0", "--output", output,
    ]  # fmt: skip
    assert main([str(argument) for argument in arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("weights.pth: single of vggsound, epoch 3,")
    assert lines[1] == "words.txt: 2 words"
    assert lines[-1].endswith("segments of 9.60 s every 1.92 s")
    manifest = verify_pack(output)
    assert (manifest["name"], manifest["version"], manifest["licence"]) == ("mine", "0.2.0", "CC0-1.0")
    assert manifest["kind"] == "single-expert" and manifest["textEncoder"]["wordLimit"] == 9
    assert manifest["calibration"] == {"kind": "logistic", "slope": 5.0, "intercept": -1.0}
    assert manifest["segment"] == {"lengthSamples": 153_600, "hopSamples": 30_720}
    assert manifest["experts"][0]["hopSamples"] == 30_720
    vocabulary = PackVocabulary.of_manifest(manifest["textEncoder"])
    assert vocabulary.dtype == "float16" and sorted(vocabulary.load(output).words) == ["bell", "rain"]
    assert not list(tmp_path.glob(".*"))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_sources(tmp_path_factory.mktemp("good") / "sources")


def refused(order, capsys, *options):
    """Runs the command, which must print one line and leave nothing; returns the line."""
    listing = sorted(order.output.parent.iterdir())
    arguments = [
        "import-checkpoint", order.checkpoint, "--experts", order.experts, "--word2vec", order.words.source,
        "--no-tables", "--output", order.output, *options,
    ]  # fmt: skip
    assert main([str(argument) for argument in arguments]) == 1
    *_, line = capsys.readouterr().out.splitlines()
    assert line.startswith("error: ")
    assert sorted(order.output.parent.iterdir()) == listing
    return line


def config_with(order, tmp_path, change):
    settings = settings_of(EXPERTS, TEXT, SHARED)
    change(settings)
    (tmp_path / "config.json").write_text(json.dumps(settings))
    return "--config", tmp_path / "config.json"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["arch"]["args"].update(use_mish=0), "use_mish to be 1, the configuration says 0"),
        (lambda s: s["experts"].update(modalities=["audio", "scene"]), "weights are of 4 experts, not of 2"),
        (lambda s: s["experts"].pop("modalities"), "name the experts with --names"),
        (lambda s: s["data_loader"]["args"]["max_tokens"].pop("audio"), "--max-tokens vggish=N"),
        (lambda s: s["data_loader"]["args"]["max_tokens"].pop("text"), "--max-tokens text=N"),
        (lambda s: s["data_loader"]["args"].update(dataset_name="MSRVTT"), "found 'MSRVTT'; use --dataset"),
        (lambda s: s["data_loader"]["args"].update(dataset_name="CLOTHO"), "with a window of 480000 samples"),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_is_refused(good, tmp_path, capsys, change, message):
    assert message in refused(good, capsys, *config_with(good, tmp_path, change))


def test_a_configuration_that_is_no_json_is_refused(good, tmp_path, capsys):
    (tmp_path / "config.json").write_text("arch: CENet")
    assert "expected settings as JSON" in refused(good, capsys, "--config", tmp_path / "config.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--names", "vggish,vggsound,inst,scene"], "modalities (sorted) to be"),
        (["--names", "vggish,vggish"], "weights are of 4 experts, not of 1"),
        (["--name", "Mine!"], "unlike 'Mine!'"),
        (["--version", "latest version"], "unlike 'latest version'"),
        (
            ["--words", __file__, Path(__file__).parent / "tokeniser_cases.json"],
            "tokeniser_cases.json: expected a list",
        ),
        (["--hop-seconds", "11"], "at most 9.60 s apart"),
        (["--segment-seconds", "4"], "expected vggsound to hear about a segment of 61440 samples"),
        (["--words", Path(__file__).parent / "golden" / "none.txt"], "No such file"),
    ],
)
def test_options_that_do_not_fit_are_refused(good, capsys, options, message):
    assert message in refused(good, capsys, *options)


@pytest.fixture
def copied(good, tmp_path):
    """The good sources, to be spoilt."""
    folder = shutil.copytree(good.checkpoint.parent, tmp_path / "sources")
    words = replace(good.words, source=folder / "words.txt")
    return replace(
        good,
        checkpoint=folder / "trained_model.pth",
        experts=folder / "experts",
        words=words,
        output=tmp_path / "pack",
    )


def spoil(path, change):
    path.write_bytes(change(path.read_bytes()))


def write_transformer(order):
    weights = {"vid_bert.embeddings.position": torch.ones(2), "txt_bert.pooler.weight": torch.ones(2, 2)}
    torch.save({"arch": "CENet", "epoch": 1, "state_dict": weights}, order.checkpoint)


def write_speech(order):
    experts = {"audio": Pooled(6, 3), "speech": Pooled(5, 2, 1)}
    model = CENet({name: ExpertInput(*e) for name, e in experts.items()}, "moee", *TEXT)
    write_checkpoint(order.checkpoint, model, settings_of(experts, TEXT, SHARED, "moee"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: spoil(o.checkpoint, lambda content: content[:-300]), "Is it cut short?"),
        (lambda o: o.checkpoint.unlink(), "trained_model.pth: No such file"),
        (lambda o: write_transformer(o), "text_pooling.clusters2; there are vid_bert"),
        (lambda o: write_speech(o), "found speech: its features come from transcripts"),
        (lambda o: (o.experts / "inst.json").unlink(), "inst.json and inst.onnx in"),
        (lambda o: shutil.rmtree(o.experts), "found no expert"),
        (lambda o: (o.experts / "inst.onnx").unlink(), "no inst.onnx"),
        (lambda o: spoil(o.experts / "r2p1d.onnx", lambda content: content[:-1]), "r2p1d.onnx should have"),
        (lambda o: spoil(o.experts / "inst.json", lambda content: content[:40]), "inst.json: expected JSON"),
        (lambda o: write_stand_in(o.experts, "inst", 9), "give features of 8 numbers, as the checkpoint's"
         " weights take, found an export that gives 9"),
        (lambda o: shutil.copy(o.experts / "inst.json", o.experts / "r2p1d.json"), "found inst in inst.onnx"),
        (lambda o: write_stand_in(o.experts, "vggsound", 5, window_samples=120_000), "found an export with"
         " windows of 120000 samples every 76800"),
        (lambda o: write_stand_in(o.experts, "vggish", 6, hop_samples=15_000), "found an export with a"
         " window every 15000"),
        (lambda o: spoil(o.experts / "inst.json", lambda content: content.replace(b'"files": {', b'"files": {'
         b'"../x": {"bytes": 1, "sha256": "0"}, ')), "found ../x"),
        (lambda o: spoil(o.words.source, lambda content: content[:-60]), "cut short"),
        (lambda o: write_words(o.words.source, 7), "vectors of 7 numbers, expected 10"),
        (lambda o: o.words.source.write_text("hello\n"), "WORDS DIMENSIONS"),
        (lambda o: o.output.write_text("mine"), "to be a new folder or an empty one"),
    ],
)  # fmt: skip
def test_sources_that_do_not_fit_are_refused(copied, capsys, change, message):
    change(copied)
    assert message in refused(copied, capsys)


# --- the parts ---


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "pack") as folder:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with new_folder(tmp_path / "pack") as folder:
        (folder / "whole").write_text("x")
        assert not (tmp_path / "pack").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]
    with pytest.raises(OutputExistsError), new_folder(tmp_path / "pack"):
        pass
    with pytest.raises(OutputExistsError), new_folder(tmp_path / "late") as folder:
        (tmp_path / "late").write_text("came in between")
    assert (tmp_path / "late").read_text() == "came in between" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "length", "hop"),
    [
        (("AudioCaps", None, None), 10, 5),
        (("CLOTHO", None, None), 31, 15),
        (("activity-net", None, None), 29, 14),
        (("AudioCaps", 5.0, 1.0), 5, 1),
        ((None, 0.1, None), 1, 1),
    ],
)
def test_segments_are_whole_numbers_of_vggish_examples(arguments, length, hop):
    grid = make_grid(*arguments)
    assert (grid.length, grid.hop) == (15_360 * length, 15_360 * hop)


def test_every_data_set_of_the_paper_has_segments():
    assert all(make_grid(name, None, None).length > 0 for name in CLIP_SECONDS)


@pytest.mark.parametrize("margin", (None, 0.2, 0.0605))
def test_the_neutral_calibration_puts_the_margin_at_one_half(margin):
    calibration = neutral(margin)

    def relevance(score):
        return 1 / (1 + np.exp(-(calibration.slope * score + calibration.intercept)))

    assert relevance(0) == pytest.approx(0.05, abs=1e-4)
    assert relevance(margin or 0.2) == pytest.approx(0.5, abs=1e-4)


def test_a_word_list_gives_its_words_in_the_spellings_a_query_may_have():
    assert {"rain", "Rain", "Paris", "paris", "dog", "'s"} <= spellings(["Rain in Paris", "the dog's"])
