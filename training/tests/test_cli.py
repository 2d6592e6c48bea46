import json

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
