import pytest
import torch
from test_downloads import CONTENT, Server, server  # noqa: F401  (a fixture)

from earshot_training.cli import main
from earshot_training.experts import sources
from earshot_training.experts.description import ExpertDescription
from earshot_training.experts.sources import SOURCES, WeightsSource, source_for
from earshot_training.experts.table import markdown, measure


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))


def test_list_names_every_source_with_its_address_and_licence(capsys):
    assert main(["experts", "list"]) == 0
    text = capsys.readouterr().out
    for source in SOURCES.values():
        assert f"{source.key}: " in text and source.licence in text
        assert all(url in text for url in source.urls)


def test_settings_choose_the_weights():
    assert source_for("r2p1d", {}).key == "r2p1d"
    assert source_for("r2p1d", {"frames": 32}).key == "r2p1d-32"
    assert source_for("vggish", {"pca": True}).key == "vggish"


def test_download_keeps_files_where_export_looks_for_them(server, monkeypatch, capsys):  # noqa: F811
    source = WeightsSource("scene", "scene", (server.url,), "CC-BY")
    monkeypatch.setitem(sources.SOURCES, "scene", source)
    assert main(["experts", "download", "scene"]) == 0
    assert f"{len(CONTENT):,} bytes" in capsys.readouterr().out
    assert sources.local_files(source)[0].read_bytes() == CONTENT
    assert main(["experts", "export", "scene", "--output", "nowhere"]) == 1
    assert "weights.pth: expected weights, but it is no torch file" in capsys.readouterr().out


def test_a_download_that_fails_says_why(server, monkeypatch, capsys):  # noqa: F811
    url = server.url.replace("weights", "missing")
    monkeypatch.setitem(sources.SOURCES, "scene", WeightsSource("scene", "scene", (url,), "CC-BY"))
    assert main(["experts", "download", "scene"]) == 1
    assert capsys.readouterr().out == f"error: {url}: the server answered 404 Not Found\n"
    assert main(["experts", "download", "yamnet"]) == 1
    assert "found 'yamnet'" in capsys.readouterr().out


def test_export_writes_graph_and_description(tmp_path, capsys):
    torch.save({}, tmp_path / "H.pth.tar")
    arguments = [
        "experts",
        "export",
        "vggsound",
        "--output",
        str(tmp_path / "out"),
        "--window-samples",
        "6000",
    ]
    assert main([*arguments, "--weights", str(tmp_path / "H.pth.tar")]) == 1
    assert "expected the weights of vggsound" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--random-weights", "1", "--half"]) == 0
    assert "ONNX Runtime and PyTorch differ by" in capsys.readouterr().out
    description = ExpertDescription.read(tmp_path / "out" / "vggsound.json")
    assert (description.window_samples, description.hop_samples) == (6_000, 76_800)
    assert description.tokens_per_window == 2 and description.weights is None
    assert description.files["vggsound.onnx"]["bytes"] < 26e6  # half of 45 MB, and the front end


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vggsound"], "fetch it with `earshot-training experts download vggsound`"),
        (["vggish", "--frames", "8", "--random-weights", "1"], "vggish has no setting frames"),
        (["vggish", "--quantise", "--random-weights", "1"], "quantise=True needs pca=True"),
        (["scene", "--weights", "nowhere.pth"], "nowhere.pth: no such file"),
    ],
)
def test_an_export_that_cannot_be_says_why(arguments, message, tmp_path, capsys):
    assert main(["experts", "export", *arguments, "--output", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().out
    assert text.startswith("error: ") and message in text and text.count("\n") == 1


def test_the_table_counts_what_is_known():
    rows = {name: measure(name, timed=False) for name in ("vggsound", "inst", "r2p1d")}
    assert (rows["inst"].parameters, rows["inst"].output) == (828_411_176, (1, 2048))
    # ResNet-18's stem on a spectrogram of 257 x 1004, by hand; the whole is within what is published.
    assert rows["vggsound"].macs > 129 * 502 * 64 * 49
    assert rows["inst"].macs == pytest.approx(153e9, rel=0.01)
    assert rows["r2p1d"].macs == pytest.approx(152e9 / 4, rel=0.01)  # 8 frames of 32
    assert rows["inst"].times_real_time is None


def test_the_table_measures_speed(capsys):
    row = measure("vggsound", repeats=1)
    assert row.seconds > 0 and row.times_real_time == pytest.approx(4.8 / row.seconds)
    (heading, rule, line) = markdown([row]).splitlines()
    assert heading.count("|") == rule.count("|") == line.count("|") and "11,328,757" in line
    assert main(["experts", "table", "--no-speed", "vggsound", "scene"]) == 0
    assert "27,278,285" in capsys.readouterr().out
    assert main(["experts", "table", "yamnet"]) == 1
