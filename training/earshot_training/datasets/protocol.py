"""How a data set is fed to a model (reference fact 1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earshot_training.datasets.errors import DatasetError


@dataclass(frozen=True)
class Protocol:
    """Limits and counts of a data set's reference protocol.

    `text_tokens`, `max_tokens` (of each sequence expert): longer sequences are cut to their first tokens,
    shorter ones are padded at the end with zeros. `fuse_captions`: the words of all captions of a clip make
    one sequence. `validation_captions`, `test_captions`: the first captions of a clip that are queries.
    `flaky`: the experts whose absence the model is told of in training; at test time it is told of all.
    """

    text_tokens: int = 20
    max_tokens: Mapping[str, int] = field(default_factory=dict)
    fuse_captions: bool = False
    validation_captions: int = 1
    test_captions: int = 1
    flaky: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "textTokens": self.text_tokens,
            "maxTokens": dict(self.max_tokens),
            "fuseCaptions": self.fuse_captions,
            "validationCaptions": self.validation_captions,
            "testCaptions": self.test_captions,
            "flaky": list(self.flaky),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Protocol":
        """Raises DatasetError where a limit or a count is no positive whole number."""
        protocol = cls(
            text_tokens=fields.get("textTokens", cls.text_tokens),
            max_tokens=dict(fields.get("maxTokens", {})),
            fuse_captions=bool(fields.get("fuseCaptions", False)),
            validation_captions=fields.get("validationCaptions", cls.validation_captions),
            test_captions=fields.get("testCaptions", cls.test_captions),
            flaky=tuple(fields.get("flaky", ())),
        )
        counts = {
            "textTokens": protocol.text_tokens,
            "validationCaptions": protocol.validation_captions,
            "testCaptions": protocol.test_captions,
            **{f"maxTokens.{name}": limit for name, limit in protocol.max_tokens.items()},
        }
        for name, count in counts.items():
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise DatasetError(f"protocol.{name}: expected a whole number of at least 1, found {count!r}")
        return protocol
