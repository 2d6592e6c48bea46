"""The settings of a training: every default in one block, and the small files that override them.

`configs/` holds one JSON file for each row of the paper's Tables 1 to 4 and Figure 2, one for its speech
experiment, and two for data sets of one's own. A file names only what differs from the defaults below.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from earshot_training.errors import MendableError

CONFIGS = Path(__file__).parent / "configs"
MOST_TOKENS = 10_000  # padded lengths cost memory; the reference's largest is 500


class ConfigError(MendableError, ValueError):
    """A configuration that does not exist, cannot be read, or asks for what makes no sense."""


@dataclass(frozen=True)
class Config:
    """One training. The defaults are the paper's: AudioCaps, VGGish and VGGSound, CE (reference facts
    1.1 and 2)."""

    # ---- what is trained ---------------------------------------------------------------------
    title: str = "CE - VGGish + VGGSound"  # as the paper's tables call the row
    dataset: str | None = "audiocaps"  # `name` in dataset.json; None: any
    experts: tuple[str, ...] | None = ("vggish", "vggsound")  # in any order; None: all that the data set has
    model: Literal["ce", "moee"] = "ce"  # CE of one expert has no collaborative gating, as in the paper
    pretraining: str | None = None  # name of the configuration whose run of the same seed this one fine-tunes

    # ---- lists of clips ------------------------------------------------------------------------
    train: str = "train"
    val: str = "val"  # selects the epoch, by the first caption of each clip
    test: str = "test"

    # ---- what the model is given; None: as the data set's protocol says --------------------------
    # Padded lengths: longer sequences are cut, zero rows fill shorter ones up, and there is no mask. These
    # are the paper's z0. A file's entries are laid over them.
    tokens: dict[str, int] | None = field(
        default_factory=lambda: {"text": 20, "vggish": 29, "vggsound": 29, "speech": 35}
    )
    fuse_captions: bool | None = False  # all captions of a clip as one text, cut to tokens["text"]
    test_captions: int | None = 5  # captions of a clip that are queries on the test list, at most
    flaky: tuple[str, ...] | None = ("vggish",)  # experts that a clip of the training list may lack

    # ---- network -------------------------------------------------------------------------------
    shared_dim: int = 768  # of the clip embeddings of CE; MoEE keeps each expert's own
    text_clusters: int = 20
    text_ghosts: int = 1

    # ---- training ------------------------------------------------------------------------------
    epochs: int = 20  # all of them run; the best is kept
    batch_size: int = 128
    lr: float = 0.01  # Ranger
    weight_decay: float = 0.001
    gamma: float = 0.95  # the learning rate is multiplied by this after each epoch
    margin: float = 0.2
    seeds: tuple[int, ...] = (0, 1, 2)

    # ---- machine; changes no more than rounding does ---------------------------------------------
    device: str = "auto"  # "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1", ...
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # auto: half precision on CUDA only
    compile: bool | None = None  # torch.compile; None: on CUDA only

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "shared_dim", "text_clusters"):
            least = 2 if name == "batch_size" else 1  # the loss needs a pair that does not match
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be {least} or more, not {getattr(self, name)}")
        for name in ("lr", "gamma"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be more than 0, not {getattr(self, name)}")
        if self.experts is not None and (not self.experts or len(set(self.experts)) < len(self.experts)):
            raise ConfigError(
                f"experts must be one or more different names, not {', '.join(self.experts) or 'none'}"
            )
        if not self.seeds or not all(0 <= seed < 2**32 for seed in self.seeds):
            raise ConfigError("seeds must be one or more numbers from 0 to 4294967295")
        for name, length in (self.tokens or {}).items():
            if not 1 <= length <= MOST_TOKENS:
                raise ConfigError(f"tokens of {name} must be from 1 to {MOST_TOKENS}, not {length}")

    def outcome(self) -> dict[str, Any]:
        """The settings that decide what comes out: two configurations with the same are one training."""
        settings = to_json(self)
        for name in ("title", "seeds", "device", "precision", "compile"):
            del settings[name]
        if self.experts is not None:
            settings["experts"] = sorted(self.experts)
            for name in ("tokens", "flaky"):
                settings[name] = _of_experts(settings[name], self.experts)
        return settings


def _of_experts(setting: dict[str, int] | list[str] | None, experts: tuple[str, ...]) -> Any:
    """`tokens` or `flaky` without the experts that take no part."""
    if isinstance(setting, dict):
        return {name: length for name, length in setting.items() if name in ("text", *experts)}
    return None if setting is None else sorted(set(setting) & set(experts))


def to_json(config: Config) -> dict[str, Any]:
    """A configuration as JSON has it, defaults written out."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_json(settings: Mapping[str, Any], base: Config | None = None) -> Config:
    """A configuration from a file's settings, laid over `base` (the defaults). Raises ConfigError."""
    base = base or Config()
    kinds = typing.get_type_hints(Config)
    changes = {}
    for name, value in settings.items():
        if name not in kinds:
            raise ConfigError(f"there is no setting {name!r}; there are {', '.join(kinds)}")
        value = tuple(value) if isinstance(value, list) else value
        if isinstance(value, int) and not isinstance(value, bool) and kinds[name] is float:
            value = float(value)
        if not _fits(value, kinds[name]):
            raise ConfigError(f"{name} must be {_in_words(kinds[name])}, not {json.dumps(value)}")
        if name == "tokens" and value is not None:
            value = {**(base.tokens or {}), **value}
        changes[name] = value
    return dataclasses.replace(base, **changes)


def _fits(value: Any, kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _in_words(kind: Any) -> str:
    """A type as a user may read it: "a list of texts or null"."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(json.dumps(option) for option in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_in_words(option) for option in arguments)
    if origin is tuple:
        return f"a list of {_in_words(arguments[0]).removeprefix('a ')}s"
    if origin is dict:
        return f"an object with a {_in_words(arguments[1]).removeprefix('a ')} for each name"
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "null")


def config_names() -> list[str]:
    """Names of the configurations that come with the package, such as "table2/vggish", in the tables'
    order."""
    return sorted(
        str(path.relative_to(CONFIGS).with_suffix("").as_posix()) for path in CONFIGS.rglob("*.json")
    )


def load_config(name_or_file: str | Path) -> Config:
    """A configuration that comes with the package, or one of the user's own (a path ending in .json).

    Raises ConfigError where there is none, or where it asks for what makes no sense.
    """
    own = Path(name_or_file)
    path = own if own.suffix == ".json" else CONFIGS / f"{name_or_file}.json"
    if not path.is_file():
        known = ", ".join(config_names())
        raise ConfigError(
            f"expected a configuration, found none called {str(name_or_file)!r}: name a JSON file, or one of"
            f" {known}"
        )
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"{path} must hold an object of settings, not {type(settings).__name__}")
    try:
        return from_json(settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def run_name(config: Config) -> str:
    """A folder name for the training: the same for all rows that share it, told from its settings."""
    experts = "+".join(sorted(config.experts)) if config.experts else "all"
    parts = [config.dataset or "data", config.model, experts]
    if config.tokens is not None:
        used = _of_experts(config.tokens, config.experts or tuple(config.tokens))
        parts.append(
            "-".join(str(used[name]) for name in sorted(used, key=lambda name: (name != "text", name)))
        )
    if config.train != "train":
        parts.append(config.train)
    if config.pretraining:
        parts.append(f"from-{load_config(config.pretraining).dataset}")
    return "_".join(parts)
