import json
import subprocess
import sys

import pytest

from earshot_training.cli import COMMANDS, main


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for module in COMMANDS:
        assert module.__name__.rpartition(".")[2].replace("_", "-") in text


def test_a_vocabulary_is_built_from_the_command_line(tmp_path, capsys):
    (tmp_path / "words.txt").write_text("a zebra\n")
    vectors = {word: [0.5] * 100 + [1, 0] for word in ("the", "an", "zebra")}
    (tmp_path / "vectors.json").write_text(json.dumps({"words": list(vectors), "vectors": vectors}))
    source, words = str(tmp_path / "vectors.json"), str(tmp_path / "words.txt")
    code = main(["vocabulary", str(tmp_path / "out"), "--size", "3", "--words", words, "--source", source])
    assert code == 0 and "3 words" in capsys.readouterr().out
    assert (tmp_path / "out" / "vocabulary.txt").read_text().split() == ["an", "a", "zebra"]


def test_verify_says_what_is_wrong_and_exits_with_one(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 1
    assert "manifest.json" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_named_in_one_line(tmp_path, capsys):
    assert main(["vocabulary", str(tmp_path), "--words", str(tmp_path / "none.txt")]) == 1
    assert capsys.readouterr().out == f"error: {tmp_path / 'none.txt'}: No such file or directory\n"


def test_a_command_that_ctrl_c_ends_says_that_it_goes_on(tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("earshot_training.commands.train.open_dataset", interrupt)
    arguments = ["train", "--data", str(tmp_path), "--output", str(tmp_path)]
    assert main(arguments) == 130
    assert capsys.readouterr().out == "stopped; the same command goes on after the last whole epoch\n"


def test_a_reader_who_has_seen_enough_ends_a_command_quietly():
    command = [sys.executable, "-m", "earshot_training.cli", "configs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
