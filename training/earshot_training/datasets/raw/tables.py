"""Reads the CSV and JSON files of data sets, with errors that name the line."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from earshot_training.datasets.errors import DatasetError


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file and their line numbers. Raises DatasetError where one is lacking."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            found = reader.fieldnames or []
            if any(column not in found for column in columns):
                raise DatasetError(
                    f"{path}: expected the columns {', '.join(columns)}, found {', '.join(found)}"
                )
            for row in reader:
                if any(row[column] is None for column in columns) or None in row:
                    raise DatasetError(
                        f"{path}, line {reader.line_num}: expected {len(found)} cells, found another number"
                    )
                yield reader.line_num, {name: value or "" for name, value in row.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from None


def number(text: str, path: Path, line: int, what: str) -> float:
    """A number of at least 0 in a cell."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise DatasetError(f"{path}, line {line}: expected {what} in seconds, found {text!r}")
    return value


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DatasetError where it is missing or none."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON: {error}") from None
