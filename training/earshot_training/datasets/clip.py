"""One clip of a data set, as a line of `clips.jsonl`."""

from dataclasses import dataclass
from typing import Any

from earshot_training.datasets.errors import DatasetError


@dataclass(frozen=True)
class Clip:
    """What is known of a clip besides its features.

    `tokens`: each caption as the data set's authors split it, where they did. `media`: a file below the
    media folder; the clip is `start_seconds` to `end_seconds` of it (None: from its start, to its end).
    `moments`: for each caption its start and end within the media, seconds.
    """

    id: str
    captions: tuple[str, ...]
    tokens: tuple[tuple[str, ...], ...] | None = None
    media: str | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None
    moments: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        for name, parts in (("token lists", self.tokens), ("moments", self.moments)):
            if parts is not None and len(parts) != len(self.captions):
                raise DatasetError(
                    f"clip {self.id}: expected as many {name} as captions ({len(self.captions)}), "
                    f"found {len(parts)}"
                )

    def to_json(self) -> dict[str, Any]:
        fields = {
            "id": self.id,
            "captions": self.captions,
            "tokens": self.tokens,
            "media": self.media,
            "startSeconds": self.start_seconds,
            "endSeconds": self.end_seconds,
            "moments": self.moments,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_json(cls, line: Any) -> "Clip":
        """Raises DatasetError where `id` or `captions` are not there."""
        if not isinstance(line, dict) or not isinstance(line.get("id"), str):
            raise DatasetError(f"expected an object with an `id`, found {str(line)[:80]}")
        captions = line.get("captions")
        if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
            raise DatasetError(f"clip {line['id']}: expected `captions`, a list of texts, found {captions!r}")
        tokens, moments = line.get("tokens"), line.get("moments")
        return cls(
            id=line["id"],
            captions=tuple(captions),
            tokens=tuple(map(tuple, tokens)) if tokens is not None else None,
            media=line.get("media"),
            start_seconds=line.get("startSeconds"),
            end_seconds=line.get("endSeconds"),
            moments=tuple(map(tuple, moments)) if moments is not None else None,
        )
