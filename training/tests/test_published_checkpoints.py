import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import SHARED, needs_shared

from earshot_training.checkpoint.published import (
    BASE_URL,
    SEEDS,
    UnknownCheckpointError,
    find_published,
    published,
    recognise,
)
from earshot_training.cli import main

CE = "audiocaps-train-vggish-vggsound"
FILES = {
    f"/models/{CE}/7e2eda12/seed-1/2021-06-09_17-15-12/trained_model.pth": b"weights",
    f"/models/{CE}/7e2eda12/seed-1/2021-06-09_17-15-12/config.json": b"{}",
}


def test_all_experiments_of_both_releases_are_listed():
    releases = [entry.release for entry in published()]
    assert (releases.count("ar"), releases.count("arb")) == (24, 20)
    assert len({entry.folder_of(seed) for entry in published() for seed in SEEDS}) == 3 * 44


def test_addresses_are_those_the_authors_print():
    assert find_published(CE).urls(0) == {
        "trained_model.pth": "http://www.robots.ox.ac.uk/~vgg/research/collaborative-experts/data/models/"
        "audiocaps-train-vggish-vggsound/7e2eda12/seed-0/2021-06-09_17-06-26/trained_model.pth",
        "config.json": "http://www.robots.ox.ac.uk/~vgg/research/collaborative-experts/data/models/"
        "audiocaps-train-vggish-vggsound/7e2eda12/seed-0/2021-06-09_17-06-26/config.json",
    }


@needs_shared
def test_the_table_is_that_of_the_reference_facts():
    facts = (
        (SHARED / "design" / "reference-facts.md").read_text().split("## 7. Published")[1].split("## 8.")[0]
    )
    for entry in published():
        row = f"| {entry.experiment} | {entry.group} | {' | '.join(entry.timestamps)} |"
        assert row in facts
    assert facts.count(" | 20") == 3 * 44


def test_the_paper_s_own_run_comes_before_the_follow_up_s():
    assert find_published(CE).group == "7e2eda12"
    assert find_published(CE, "arb").group == "78bc4be0"
    assert find_published("sounddescs-train-vggish-vggsound").release == "arb"


def test_an_unknown_experiment_is_refused_with_those_that_are_like_it():
    with pytest.raises(
        UnknownCheckpointError, match="found 'clotho-train-vggish'; like it are clotho-train-"
    ):
        find_published("clotho-train-vggish")
    with pytest.raises(UnknownCheckpointError, match="in release ar,"):
        find_published("sounddescs-train-vggish-vggsound", "ar")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (f"data/saved/models/{CE}/7e2eda12/seed-1/2021-06-09_17-15-12", 1),
        (f"{CE}/2021-06-09_17-24-01", 2),  # group and seed are not always there
        (f"{CE}/2020-01-01_00-00-00", None),
        ("audiocaps-train-full-ce-only-inst/2021-06-09_17-06-26", None),
        ("", None),
    ],
)
def test_a_checkpoint_is_recognised_by_experiment_and_time(path, found):
    expected = find_published(CE).folder_of(found) if found is not None else None
    assert recognise(path.split("/")) == expected


def test_seeds_of_the_same_second_are_told_by_their_folder():
    moee = "clotho-train-vggish-vggsound-moee"
    path = f"{moee}/fafa3e91/seed-2/2021-06-10_14-44-51"
    assert recognise(path.split("/")) == path


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = FILES.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/models"
        running.shutdown()


def test_a_download_brings_weights_and_configuration(server, tmp_path, capsys):
    arguments = ["checkpoints", "download", CE, "--seed", "1", "--base-url", server]
    assert main([*arguments, "--output", str(tmp_path / "ce")]) == 0
    assert (tmp_path / "ce" / "trained_model.pth").read_bytes() == b"weights"
    assert (tmp_path / "ce" / "config.json").read_bytes() == b"{}"
    assert "trained_model.pth: 0.0 MB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [([CE, "--seed", "0"], "404"), (["nothing"], "found 'nothing'")],
)
def test_a_download_that_fails_says_why_in_one_line(server, tmp_path, capsys, options, message):
    arguments = ["checkpoints", "download", *options, "--base-url", server, "--output", str(tmp_path / "x")]
    assert main(arguments) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("error: ") and message in line


def test_the_list_can_be_narrowed(capsys):
    assert main(["checkpoints", "list", "moee", "--release", "arb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [
        "audiocaps-train-vggish-vggsound-moee",
        "sounddescs-train-vggish-vggsound-moee",
    ]
    assert main(["checkpoints", "list", "only-scene", "--urls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 3 * 2 and all(line.startswith(BASE_URL) for line in lines)
    assert main(["checkpoints", "list", "xyz"]) == 1
    assert capsys.readouterr().out == "error: no published experiment has 'xyz' in its name\n"
