"""Made-up weights that keep features near 1 in size: for trying out, timing and checking exports."""

import torch
from torch import Tensor, nn

from earshot_training.experts.build import build_expert
from earshot_training.experts.expert import Expert
from earshot_training.experts.r2plus1d import SplitBlock
from earshot_training.experts.resnet import BasicBlock, Bottleneck

RESIDUAL_GAIN = 0.25
LAST_NORMS = {  # the batch norm before a block's sum
    BasicBlock: lambda block: block.bn2,
    Bottleneck: lambda block: block.bn3,
    SplitBlock: lambda block: block.conv2[1],
}


def randomise(expert: Expert, seed: int) -> Expert:
    """Draws an expert's weights anew, the same for the same seed, in place.

    Convolutions and linear layers keep the size of what passes (He); a residual block adds little to its
    shortcut, as in trained networks: otherwise rounding errors grow from block to block. Then batch norms
    take the statistics of made-up input, layer by layer.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in expert.network.modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
                fan_in = module.weight[0].numel()
                bound = (6.0 / fan_in) ** 0.5
                module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.uniform_(-0.1, 0.1, generator=generator)
            for block, last in LAST_NORMS.items():
                if isinstance(module, block):
                    last(module).weight.fill_(RESIDUAL_GAIN)
        expert.eval()
        norms = [
            module.register_forward_pre_hook(_take_statistics)
            for module in expert.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
        ]
        if norms:
            window = expert.example(1, seed)
            expert(torch.cat([window, torch.zeros_like(window)]))  # silence and blackness are input, too
        for hook in norms:
            hook.remove()
    return expert


def random_expert(name: str, seed: int, **settings) -> Expert:
    """An expert with made-up weights."""
    return randomise(build_expert(name, **settings), seed)


def _take_statistics(norm: nn.modules.batchnorm._BatchNorm, inputs: tuple[Tensor]) -> None:
    axes = [axis for axis in range(inputs[0].dim()) if axis != 1]
    # Where a channel has one value only, its deviation says nothing.
    deviation, mean = torch.std_mean(inputs[0], dim=axes, correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_((deviation * deviation).clamp(min=0.01))
