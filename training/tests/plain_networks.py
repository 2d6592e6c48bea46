"""The experts' networks once more, as plain functions of a state_dict in double precision.

Written from reference facts 5.1 to 5.3, not from the modules. `Weights` notes which tensors were used, so
that a test can tell whether the names are the published ones, all of them.
"""

import torch
import torch.nn.functional as F


class Weights(dict):
    def __init__(self, state_dict):
        super().__init__(
            (key, value.double()) for key, value in state_dict.items() if "num_batches" not in key
        )
        self.used = set()

    def __getitem__(self, key):
        self.used.add(key)
        return super().__getitem__(key)

    @property
    def unused(self):
        return set(self) - self.used


def conv(w, name, x, stride=1, padding=0, groups=1):
    function = F.conv3d if w[f"{name}.weight"].dim() == 5 else F.conv2d
    return function(x, w[f"{name}.weight"], w.get(f"{name}.bias"), stride, padding, 1, groups)


def norm(w, name, x, epsilon=1e-5):
    shape = (1, -1) + (1,) * (x.dim() - 2)
    mean, var, scale, shift = (
        w[f"{name}.{part}"].view(shape) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + epsilon) * scale + shift


def vggish(w, log_mel):
    """[n, 96, 64] -> [n, 128]"""
    x = log_mel[:, None]
    for names in ((0,), (3,), (6, 8), (11, 13)):
        for name in names:
            weight, bias = w[f"features.{name}.weight"], w[f"features.{name}.bias"]
            x = F.conv2d(x, weight, bias, padding=1).relu()
        x = F.max_pool2d(x, 2)
    rows = [example.permute(1, 2, 0).reshape(-1) for example in x]  # time, mel, channel
    x = torch.stack(rows)
    for name in (0, 2, 4):
        x = F.linear(x, w[f"embeddings.{name}.weight"], w[f"embeddings.{name}.bias"])
        x = x.relu() if name < 4 else x
    return x


def resnet(w, x, depths, groups=1):
    """Pictures [n, channels, height, width] -> the last stage's maps."""
    x = F.max_pool2d(norm(w, "bn1", conv(w, "conv1", x, 2, 3)).relu(), 3, 2, 1)
    for stage, depth in enumerate(depths, 1):
        for block in range(depth):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            if f"{name}.conv3.weight" in w:
                y = norm(w, f"{name}.bn1", conv(w, f"{name}.conv1", x)).relu()
                y = norm(w, f"{name}.bn2", conv(w, f"{name}.conv2", y, stride, 1, groups)).relu()
                y = norm(w, f"{name}.bn3", conv(w, f"{name}.conv3", y))
            else:
                y = norm(w, f"{name}.bn1", conv(w, f"{name}.conv1", x, stride, 1)).relu()
                y = norm(w, f"{name}.bn2", conv(w, f"{name}.conv2", y, 1, 1))
            if block == 0 and (stage > 1 or f"{name}.conv3.weight" in w):
                x = norm(w, f"{name}.downsample.1", conv(w, f"{name}.downsample.0", x, stride))
            x = (x + y).relu()
    return x


def densenet161(w, x):
    """Pictures [n, 3, height, width] -> [n, 2208]"""
    x = F.max_pool2d(norm(w, "features.norm0", conv(w, "features.conv0", x, 2, 3)).relu(), 3, 2, 1)
    for block, depth in enumerate((6, 12, 36, 24), 1):
        for layer in range(1, depth + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            y = conv(w, f"{name}.conv1", norm(w, f"{name}.norm1", x).relu())
            y = conv(w, f"{name}.conv2", norm(w, f"{name}.norm2", y).relu(), 1, 1)
            x = torch.cat((x, y), 1)
        if block < 4:
            name = f"features.transition{block}"
            x = F.avg_pool2d(conv(w, f"{name}.conv", norm(w, f"{name}.norm", x).relu()), 2)
    return norm(w, "features.norm5", x).relu().flatten(2).mean(2)


def r2plus1d34(w, x):
    """Clips [n, 3, frames, height, width] -> [n, 512]"""

    def split(name, x, stride):
        y = norm(w, f"{name}.1", conv(w, f"{name}.0", x, (1, stride, stride), (0, 1, 1)), 1e-3).relu()
        return conv(w, f"{name}.3", y, (stride, 1, 1), (1, 0, 0))

    x = norm(w, "stem.1", conv(w, "stem.0", x, (1, 2, 2), (0, 3, 3)), 1e-3).relu()
    x = norm(w, "stem.4", conv(w, "stem.3", x, 1, (1, 0, 0)), 1e-3).relu()
    for stage, depth in enumerate((3, 4, 6, 3), 1):
        for block in range(depth):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = norm(w, f"{name}.conv1.1", split(f"{name}.conv1.0", x, stride), 1e-3).relu()
            y = norm(w, f"{name}.conv2.1", split(f"{name}.conv2.0", y, 1), 1e-3)
            if block == 0 and stage > 1:
                x = norm(w, f"{name}.downsample.1", conv(w, f"{name}.downsample.0", x, stride), 1e-3)
            x = (x + y).relu()
    return x.flatten(2).mean(2)
