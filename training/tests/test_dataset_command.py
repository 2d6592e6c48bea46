"""`earshot-training dataset`: published archives fetched, converted and inspected."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from small_archive import make_archive, make_folder
from small_dataset import make_dataset

from earshot_training.cli import main
from earshot_training.datasets import open_dataset
from earshot_training.datasets.published import published_set


def command(*arguments):
    return main(["dataset", *map(str, arguments)])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A local server of a made-up AudioCaps archive, and the archive."""
    folder = tmp_path / "served"
    folder.mkdir()
    archive = make_archive(make_folder(tmp_path / "made"), folder / published_set("audiocaps").archive_file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", archive
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_archive_is_fetched_converted_and_described(tmp_path, mirror, capsys):
    address, archive = mirror
    assert command("download", "audiocaps", "--output", tmp_path / "got", "--base-url", address + "/") == 0
    fetched = tmp_path / "got" / archive.name
    assert fetched.read_bytes() == archive.read_bytes()
    assert "neither its size nor a hash is published" in capsys.readouterr().out
    made = tmp_path / "set"
    assert (
        command("convert", fetched, "--name", "audiocaps", "--output", made, "--format", "safetensors") == 0
    )
    out = capsys.readouterr().out
    assert "audiocaps: 5 clips, 8 captions" in out
    assert "note: vggish is missing in 2 of 5 clips" in out and "note: no features of scene" in out
    assert command("info", made, "--verify") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith(("train ", "test ", "vggish", "inst"))] == [
        ["train", "2", "2"],
        ["test", "2", "4"],
        ["vggish", "128", "sequence", "float32", "2", "3", "to", "6", "29"],
        ["inst", "2048", "average", "float16", "1"],
    ]
    assert (
        "word vectors of 300; 20 words a text; captions a clip: 1 in validation, 5 in test; flaky: vggish"
        in lines
    )
    assert lines[-1].startswith("verified: every number is finite")


def test_chosen_experts_and_half_precision(tmp_path, mirror):
    made = tmp_path / "set"
    options = ("--name", "audiocaps", "--output", made, "--experts", "vggsound", "--dtype", "float16")
    assert command("convert", mirror[1], *options) == 0
    dataset = open_dataset(made)
    assert list(dataset.experts) == ["vggsound"] and dataset.experts["vggsound"].dtype == np.float16


def test_failures_are_one_line(tmp_path, mirror, capsys):
    def refused(*arguments):
        assert command(*arguments) == 1
        return capsys.readouterr().out

    output = ("--output", tmp_path / "set")
    assert refused("convert", tmp_path / "absent", "--name", "clotho", *output).startswith("error: ")
    told = refused("convert", tmp_path / "made", "--name", "clotho", *output)
    assert "expected train_list.txt in data/CLOTHO/structured-symlinks, found none" in told
    assert "has no dataset.json" in refused("info", tmp_path)
    assert "404" in refused("download", "clotho", "--output", tmp_path, "--base-url", mirror[0])
    folder = make_dataset(tmp_path / "nan").folder
    features = np.load(folder / "inst.npy")
    features[0, 0] = np.nan
    np.save(folder / "inst.npy", features)
    assert command("info", folder) == 0
    assert (
        "inst of clip number 0: expected numbers, found NaN"
        in refused("info", folder, "--verify").splitlines()[-1]
    )
