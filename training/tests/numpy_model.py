"""The retrieval models in plain NumPy and double precision (reference facts 1.3 and 1.5), written apart from
the package, so that a test which compares the two can fail."""

from typing import NamedTuple

import numpy as np


class Pooled(NamedTuple):
    """Width of a sequence's vectors, and the clusters that pool it; no clusters: one vector, not pooled."""

    dim: int
    clusters: int = 0
    ghosts: int = 0


def pseudo_random(shape: tuple[int, ...], salt: int) -> np.ndarray:
    """Numbers in [-1, 1) from a hash of their position, which any language can repeat. float32."""
    h = (
        np.arange(int(np.prod(shape)), dtype=np.uint64) * 2_654_435_761 + salt * 40_503 + 12_345
    ) & 0xFFFFFFFF
    for shift, factor in ((15, 2_246_822_519), (13, 3_266_489_917)):
        h = ((h ^ (h >> np.uint64(shift))) * factor) & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    return (h / 2_147_483_648 - 1).reshape(shape).astype(np.float32)


def weight_shapes(
    variant: str, experts: dict[str, Pooled], text: Pooled, shared: int
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights, as reference fact 1.5 lists them."""
    shapes: dict[str, tuple[int, ...]] = {}

    def norm(name, size):
        shapes.update(
            {f"{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")}
        )

    def linear(name, inputs, outputs):
        shapes.update({f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)})

    def vlad(name, dim, clusters, ghosts):
        shapes.update({f"{name}.clusters": (dim, clusters + ghosts), f"{name}.clusters2": (1, dim, clusters)})
        norm(f"{name}.batch_norm", clusters + ghosts)

    for name, expert in experts.items():
        if expert.clusters:
            vlad(f"pooling.{name}", *expert)
    vlad("text_pooling", *text)
    words = text.dim * text.clusters
    linear("ce.moe_fc", words, len(experts))
    for i, expert in enumerate(experts.values()):
        pooled, out = expert.dim * (expert.clusters or 1), expert.dim if variant == "moee" else shared
        linear(f"ce.video_GU.{i}.fc" if variant == "moee" else f"ce.video_dim_reduce.{i}.fc", pooled, out)
        linear(f"ce.text_GU.{i}.fc", words, out)
        for unit in (f"ce.video_GU.{i}", f"ce.text_GU.{i}"):
            linear(f"{unit}.cg.fc", out, out)
            norm(f"{unit}.cg.batch_norm", out)
        if variant == "ce":
            norm(f"ce.video_GU.{i}.cg.batch_norm2", out)
    if variant == "ce":
        linear("ce.g_reason_1", 2 * shared, shared)
        for number in (0, 3):
            norm(f"ce.g_reason_shared.{number}", shared)
            linear(f"ce.g_reason_shared.{number + 2}", shared, shared)
    return shapes


def made_up_weights(
    variant: str, experts: dict[str, Pooled], text: Pooled, shared: int
) -> dict[str, np.ndarray]:
    """Weights from a formula, float32."""
    weights = {}
    for salt, (name, shape) in enumerate(weight_shapes(variant, experts, text, shared).items()):
        u = pseudo_random(shape, salt)
        weights[name] = 1 + 0.5 * u if name.endswith("running_var") else u
    return weights


class Result(NamedTuple):
    """Lists by expert: clip embeddings [clips, D_e] (what a missing expert has is of no use) and text
    embeddings [texts, D_e]; weights [texts, experts]; similarity [texts, clips]."""

    clip: list[np.ndarray]
    text: list[np.ndarray]
    weights: np.ndarray
    similarity: np.ndarray


def compute(
    variant: str,
    weights: dict[str, np.ndarray],
    experts: dict[str, Pooled],
    features: dict[str, np.ndarray],
    there: np.ndarray,
    words: np.ndarray,
) -> Result:
    """features by expert: [clips, tokens, dim] or [clips, dim], zero where missing; there [clips, experts];
    words [texts, length, dim]."""
    d = {name: value.astype(np.float64) for name, value in weights.items()}

    def unit(x, axis=-1):
        return x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), 1e-12)

    def sigma(x):
        return 1 / (1 + np.exp(-x))

    def mish(x):
        return x * np.tanh(np.log1p(np.exp(x)))

    def linear(name, x):
        return x @ d[f"{name}.weight"].T + d[f"{name}.bias"]

    def norm(name, x):
        scale = d[f"{name}.weight"] / np.sqrt(d[f"{name}.running_var"] + 1e-5)
        return (x - d[f"{name}.running_mean"]) * scale + d[f"{name}.bias"]

    def vlad(name, x):
        scores = np.exp(norm(f"{name}.batch_norm", x @ d[f"{name}.clusters"]))
        centres = d[f"{name}.clusters2"][0]
        a = (scores / scores.sum(-1, keepdims=True))[..., : centres.shape[1]]
        v = np.einsum("bnk,bnd->bdk", a, x) - a.sum(1)[:, None, :] * centres
        return unit(unit(v, axis=1).reshape(len(x), -1))

    def gate(name, y):
        return unit(y * sigma(norm(f"{name}.cg.batch_norm", linear(f"{name}.cg.fc", y))))

    x = [
        vlad(f"pooling.{name}", features[name].astype(np.float64))
        if expert.clusters
        else features[name].astype(np.float64)
        for name, expert in experts.items()
    ]
    if variant == "moee":
        x = [gate(f"ce.video_GU.{i}", linear(f"ce.video_GU.{i}.fc", v)) for i, v in enumerate(x)]
    else:
        x = [unit(linear(f"ce.video_dim_reduce.{i}.fc", v)) for i, v in enumerate(x)]
    if variant == "single":
        x = [gate("ce.video_GU.0", x[0])]
    if variant == "ce":
        for i in range(len(x)):
            total, count = np.zeros_like(x[i]), np.zeros((len(x[i]), 1))
            for j in range(len(x)):
                h = linear("ce.g_reason_1", np.concatenate([x[i], x[j]], axis=1))
                for layer in (0, 3):
                    h = linear(
                        f"ce.g_reason_shared.{layer + 2}", mish(norm(f"ce.g_reason_shared.{layer}", h))
                    )
                both = (there[:, i] * there[:, j])[:, None]
                total, count = total + both * h, count + both
            unit_i = f"ce.video_GU.{i}.cg"
            scores = norm(f"{unit_i}.batch_norm", total / (count + 1e-11))
            scores += norm(f"{unit_i}.batch_norm2", linear(f"{unit_i}.fc", x[i]))
            x[i] = unit(x[i] * sigma(scores))

    t = vlad("text_pooling", words.astype(np.float64))
    scores = np.exp(linear("ce.moe_fc", t))
    shares = scores / scores.sum(1, keepdims=True)
    text = [gate(f"ce.text_GU.{i}", linear(f"ce.text_GU.{i}.fc", t)) for i in range(len(x))]
    share = shares[:, None, :] * there[None]
    share /= share.sum(-1, keepdims=True)
    return Result(x, text, shares, sum(share[..., i] * (text[i] @ x[i].T) for i in range(len(x))))
