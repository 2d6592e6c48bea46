import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from earshot_training.frontend import VGGishLogMel, VGGSoundSpectrogram
from earshot_training.model import CENet
from earshot_training.onnx_export import ParityError, export_module, open_session
from earshot_training.pack import (
    AudioExpert,
    ClipEncoder,
    PackDescription,
    PackError,
    PackVocabulary,
    TextEncoder,
    VisualExpert,
    export_clip_encoder,
    export_expert,
    export_text_encoder,
    verify_pack,
    write_manifest,
)
from earshot_training.places import file_sha256
from earshot_training.vocabulary import Vocabulary

PARITY = 1e-4
DIM = 12  # features of the small experts below


class SmallVGGish(nn.Module):
    """waveform -> [B, 1, DIM]: a front end with a small network behind it, as a real expert has."""

    def __init__(self):
        super().__init__()
        self.front_end = VGGishLogMel()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, DIM, 3)
        )

    def forward(self, waveform):
        return self.body(self.front_end(waveform)).mean((2, 3))[:, None]


class SmallVGGSound(nn.Module):
    """waveform -> [B, 6, DIM]."""

    def __init__(self):
        super().__init__()
        self.front_end = VGGSoundSpectrogram()
        self.body = nn.Conv2d(1, DIM, (257, 32), stride=(1, 32))

    def forward(self, waveform):
        return self.body(self.front_end(waveform)[:, None])[:, :, 0].transpose(1, 2)


def shake_batch_norms(module):
    """Gives batch norms statistics as after training, so that folding them wrongly shows."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean.normal_(std=0.3)
            part.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    return module.eval()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A whole small pack, with the modules it was made from."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pack")
    experts = {"vggish": SmallVGGish(), "vggsound": SmallVGGSound()}
    sizes = {name: {"dim": DIM, "clusters": 4} for name in experts}
    model = CENet(sizes, "ce", text_dim=10, text_clusters=3, shared_dim=32)
    for module in (model, *experts.values()):
        shake_batch_norms(module)
    described = (
        AudioExpert("vggish", 15_600, 15_360, 1, 4, DIM, 32),
        AudioExpert("vggsound", 30_893, 30_720, 6, 2, DIM, 32),
    )
    for expert in described:
        half = expert.name == "vggsound"
        assert export_expert(experts[expert.name], folder / expert.file, expert.window_samples, half) < PARITY
    max_tokens = {expert.name: expert.max_tokens for expert in described}
    assert export_clip_encoder(model, folder / "clip-encoder.onnx", max_tokens, half=False) < PARITY
    assert export_text_encoder(model, folder / "text-encoder.onnx", 7, half=False) < PARITY
    words = [f"word{i}" for i in range(50)]
    Vocabulary(words, np.random.default_rng(0).normal(size=(50, 10))).save(folder)
    description = PackDescription(
        name="small",
        version="0.1.0",
        licence="CC0-1.0",
        description="For tests",
        variant="ce",
        segment_length=61_440,
        segment_hop=30_720,
        experts=described,
        word_limit=7,
        calibration_slope=8.0,
        calibration_intercept=-4.0,
        provenance={"seed": 0},
    )
    write_manifest(folder, description)
    return folder, experts, model


@pytest.fixture
def copied(built, tmp_path):
    return shutil.copytree(built[0], tmp_path / "pack")


def rewrite(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_pack_as_written_verifies_and_has_the_manifest_s_fields(built):
    manifest = verify_pack(built[0])
    assert manifest["kind"] == "collaborative-experts" and manifest["formatVersion"] == 1
    assert manifest["experts"][1] == {
        "name": "vggsound", "modality": "audio", "file": "vggsound.onnx", "windowSamples": 30_893,
        "hopSamples": 30_720, "tokensPerWindow": 6, "windowsPerSegment": 2, "featureDim": DIM,
        "aggregation": "sequence", "maxTokens": 12, "embeddingDim": 32,
    }  # fmt: skip
    assert manifest["textEncoder"]["vocabulary"]["size"] == 50
    graphs = {"vggish.onnx", "vggsound.onnx", "clip-encoder.onnx", "text-encoder.onnx"}
    assert set(manifest["files"]) == graphs | {"vocabulary.txt", "vocabulary.f16"}


def test_an_expert_with_its_front_end_runs_as_in_pytorch_at_any_batch(built):
    folder, experts, _ = built
    session = open_session(folder / "vggish.onnx")
    for size in (1, 2, 5):
        waveform = 0.2 * torch.randn(size, 15_600)
        (actual,) = session.run(["features"], {"waveform": waveform.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(actual, experts["vggish"](waveform), atol=PARITY)


def test_silence_gives_numbers_as_in_pytorch(built):
    folder, experts, _ = built
    silence = np.zeros((1, 30_893), np.float32)
    (actual,) = open_session(folder / "vggsound.onnx").run(["features"], {"waveform": silence})
    with torch.no_grad():
        np.testing.assert_allclose(actual, experts["vggsound"](torch.zeros(1, 30_893)), atol=5e-3)


def test_the_clip_encoder_runs_as_in_pytorch_with_missing_experts(built):
    folder, _, model = built
    tokens = {"features_vggish": torch.randn(5, 4, DIM), "features_vggsound": torch.randn(5, 12, DIM)}
    tokens["features_vggish"][4, 2:] = 0
    availability = torch.tensor([[1.0, 1], [0, 1], [1, 0], [0, 0], [1, 1]])
    inputs = {**tokens, "availability": availability}
    actual = open_session(folder / "clip-encoder.onnx").run(
        ["embedding_vggish", "embedding_vggsound"], {name: x.numpy() for name, x in inputs.items()}
    )
    with torch.no_grad():
        expected = ClipEncoder(model)(*inputs.values())
    for column, (got, wanted) in enumerate(zip(actual, expected, strict=True)):
        np.testing.assert_allclose(got, wanted, atol=PARITY)
        np.testing.assert_allclose(np.linalg.norm(got, axis=1), availability[:, column], atol=PARITY)


def test_the_text_encoder_runs_as_in_pytorch(built):
    folder, _, model = built
    words = torch.randn(4, 7, 10)
    words[0, 2:] = 0
    actual = open_session(folder / "text-encoder.onnx").run(
        ["embedding_vggish", "embedding_vggsound", "weights"], {"words": words.numpy()}
    )
    with torch.no_grad():
        for got, wanted in zip(actual, TextEncoder(model)(words), strict=True):
            np.testing.assert_allclose(got, wanted, atol=PARITY)


def test_half_precision_weights_leave_the_front_end_exact_and_the_result_close(built):
    folder, experts, _ = built
    stored = {tensor.name: tensor for tensor in onnx.load(folder / "vggsound.onnx").graph.initializer}
    kinds = {tensor.data_type for name, tensor in stored.items() if name.endswith("_half")}
    assert kinds == {onnx.TensorProto.FLOAT16}
    kernels = stored["module.front_end.kernels"]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(kernels), experts["vggsound"].front_end.kernels)
    waveform = 0.2 * torch.randn(2, 30_893)
    (actual,) = open_session(folder / "vggsound.onnx").run(["features"], {"waveform": waveform.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(actual, experts["vggsound"](waveform), atol=5e-3)


def test_graphs_carry_no_paths_of_the_machine_they_were_made_on(built):
    for file in built[0].glob("*.onnx"):
        content = file.read_bytes()
        assert b".py" not in content and b"site-packages" not in content, file.name


def test_an_averaged_expert_takes_one_token(tmp_path):
    model = shake_batch_norms(
        CENet({"scene": {"dim": 5}, "vggish": {"dim": 6, "clusters": 2}}, "moee", text_dim=4, text_clusters=2)
    )
    assert AudioExpert("scene", 100, 100, 3, 4, 5, 5, aggregation="average").max_tokens == 1
    export_clip_encoder(model, tmp_path / "clip.onnx", {"scene": 1, "vggish": 3}, half=False)
    tokens, sequence = torch.randn(2, 1, 5), torch.randn(2, 3, 6)
    inputs = {"features_scene": tokens, "features_vggish": sequence, "availability": torch.ones(2, 2)}
    (actual,) = open_session(tmp_path / "clip.onnx").run(
        ["embedding_scene"], {name: x.numpy() for name, x in inputs.items()}
    )
    with torch.no_grad():
        expected = model.encode_clip({"scene": tokens[:, 0], "vggish": sequence}, torch.ones(2, 2))
    np.testing.assert_allclose(actual, expected["scene"], atol=PARITY)


def test_an_expert_s_token_limit_may_be_more_or_less_than_a_segment_gives():
    assert AudioExpert("vggish", 15_600, 15_360, 1, 10, 128, 768, token_limit=29).entry()["maxTokens"] == 29
    assert (
        AudioExpert("vggsound", 160_000, 76_800, 32, 1, 512, 768, token_limit=29).entry()["maxTokens"] == 29
    )
    assert AudioExpert("vggsound", 160_000, 76_800, 32, 1, 512, 768).entry()["maxTokens"] == 32


class SmallScene(nn.Module):
    """frames uint8 [B, 2, 8, 6, 3] -> [B, 1, DIM]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2 * 8 * 6 * 3, DIM)

    def forward(self, frames):
        return self.body(frames.flatten(1).float() / 255)[:, None]


@pytest.fixture(scope="module")
def built_with_pictures(tmp_path_factory):
    """A pack with an averaged visual expert, words in single precision and a vector for no word."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pictures")
    model = shake_batch_norms(CENet({"scene": {"dim": DIM}}, "single", 10, text_clusters=3, shared_dim=16))
    frames = torch.randint(0, 256, (2, 2, 8, 6, 3), dtype=torch.uint8)
    export_module(SmallScene(), folder / "scene.onnx", {"frames": frames}, ["features"])
    export_clip_encoder(model, folder / "clip-encoder.onnx", {"scene": 1}, half=False)
    export_text_encoder(model, folder / "text-encoder.onnx", 5, half=False)
    rng = np.random.default_rng(0)
    words = PackVocabulary("word2vec-english-v1", "float32", lemmas="lemmas.txt", empty_vector=True)
    vocabulary = Vocabulary(["dog", "New_York"], rng.normal(size=(2, 10)), rng.normal(size=10))
    words.save(vocabulary, folder)
    (folder / "lemmas.txt").write_text("dogs\tdog\n")
    expert = VisualExpert("scene", 25, 6, 8, 2, 2, 1, DIM, 16)
    description = PackDescription(
        "pictures", "1", "CC0-1.0", "", "single", 153_600, 76_800, (expert,), 5, 1.0, 0.0, vocabulary=words
    )
    write_manifest(folder, description)
    return folder, vocabulary


def test_a_pack_may_have_a_visual_expert_alone(built_with_pictures):
    manifest = verify_pack(built_with_pictures[0])
    assert manifest["experts"] == [{
        "name": "scene", "modality": "visual", "file": "scene.onnx", "framesPerSecond": 25, "frameWidth": 6,
        "frameHeight": 8, "framesPerWindow": 2, "hopFrames": 2, "tokensPerWindow": 1, "featureDim": DIM,
        "aggregation": "average", "maxTokens": 1, "embeddingDim": 16,
    }]  # fmt: skip


def test_a_pack_s_words_may_be_single_precision_with_lemmas_and_a_vector_for_no_word(built_with_pictures):
    folder, vocabulary = built_with_pictures
    text_encoder = verify_pack(folder)["textEncoder"]
    assert text_encoder["tokeniser"] == "word2vec-english-v1"
    assert text_encoder["vocabulary"] == {
        "words": "vocabulary.txt", "vectors": "vocabulary.f32", "dtype": "float32", "size": 2,
        "lemmas": "lemmas.txt", "emptyVector": True,
    }  # fmt: skip
    loaded = PackVocabulary.of_manifest(text_encoder).load(folder)
    assert loaded.words == ["dog", "New_York"]
    np.testing.assert_array_equal(loaded.vectors, vocabulary.vectors)
    np.testing.assert_array_equal(loaded.empty_vector, vocabulary.empty_vector.astype(np.float32))


def test_words_that_are_not_finite_are_refused(built_with_pictures, tmp_path):
    folder = shutil.copytree(built_with_pictures[0], tmp_path / "pack")
    vectors = np.fromfile(folder / "vocabulary.f32", "<f4")
    vectors[3] = np.nan
    vectors.tofile(folder / "vocabulary.f32")
    rewrite(folder, lambda m: m["files"].update({"vocabulary.f32": stamp(folder / "vocabulary.f32")}))
    with pytest.raises(PackError, match=r"vocabulary\.f32 holds a number that is not finite"):
        verify_pack(folder)


def stamp(path):
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def test_an_export_that_differs_is_refused(tmp_path):
    with pytest.raises(ParityError, match="differs from PyTorch"):
        export_module(nn.Linear(3, 2), tmp_path / "x.onnx", {"x": torch.randn(2, 3)}, ["y"], tolerance=-1.0)
    assert not (tmp_path / "x.onnx").exists()


def test_an_altered_file_is_named(copied):
    content = bytearray((copied / "vocabulary.f16").read_bytes())
    content[0] ^= 1
    (copied / "vocabulary.f16").write_bytes(content)
    with pytest.raises(PackError, match=r"vocabulary\.f16 is not the file"):
        verify_pack(copied)


def test_a_missing_file_is_named(copied):
    (copied / "vggish.onnx").unlink()
    with pytest.raises(PackError, match=r"no vggish\.onnx"):
        verify_pack(copied)


def test_another_format_version_is_refused(copied):
    rewrite(copied, lambda manifest: manifest.update(formatVersion=2))
    with pytest.raises(PackError, match="format version 2"):
        verify_pack(copied)


@pytest.mark.parametrize(
    ("content", "message"), [(b"\xff\xfe{", "is no JSON"), (b"[1]", "expected a JSON object, found a list")]
)
def test_a_manifest_that_is_none_is_refused(copied, content, message):
    (copied / "manifest.json").write_bytes(content)
    with pytest.raises(PackError, match=message):
        verify_pack(copied)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["experts"][0].update(featureDim=13), r"vggish\.onnx: features has shape"),
        (lambda m: m["experts"].reverse(), "must have length 1, or 0"),
        (lambda m: m["experts"][1].update(name="pann"), r"clip-encoder\.onnx has inputs"),
        (lambda m: m["textEncoder"]["vocabulary"].update(size=49), "the manifest says"),
        (lambda m: m["segment"].update(hopSamples=30_000), "hopSamples 15360 of vggish does not divide"),
        (lambda m: m["segment"].update(lengthSamples=30_720), "last of vggish's windows starts after"),
        (lambda m: m["segment"].update(hopSamples=92_160), "audio between would be lost"),
        (lambda m: m["experts"][0].update(aggregation="average"), "maxTokens must be 1, not 4"),
        (lambda m: m["files"].pop("vggish.onnx"), "not among the manifest's files"),
        (lambda m: m["files"].pop("clip-encoder.onnx"), "clip-encoder.onnx is not among the manifest's"),
        (lambda m: m["files"].pop("vocabulary.txt"), "vocabulary.txt is not among the manifest's files"),
        (lambda m: m.pop("files"), "a field is missing or of the wrong kind .'files'"),
        (lambda m: m.update(experts=5), "a field is missing or of the wrong kind"),
    ],
)
def test_a_manifest_that_does_not_fit_the_graphs_is_refused(copied, change, message):
    rewrite(copied, change)
    with pytest.raises(PackError, match=message):
        verify_pack(copied)


def test_a_manifest_is_not_written_for_an_incomplete_folder(copied):
    (copied / "clip-encoder.onnx").unlink()
    description = PackDescription("x", "1", "CC0-1.0", "", "ce", 1, 1, (), 7, 1.0, 0.0)
    with pytest.raises(PackError, match=r"clip-encoder\.onnx"):
        write_manifest(copied, description)


def test_vectors_that_the_runtime_cannot_read_are_refused_before_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr("earshot_training.pack.text.LARGEST_VECTORS", 4 * 3 * 5 - 1)
    vocabulary = Vocabulary(["a", "b", "c"], np.zeros((3, 5)))
    with pytest.raises(PackError, match="at most 59 bytes, found 60 for 3 words in float32"):
        PackVocabulary(dtype="float32").save(vocabulary, tmp_path)
    assert not list(tmp_path.iterdir())
    PackVocabulary(dtype="float16").save(vocabulary, tmp_path)
