"""How weights move: AdamW with three groups of parameters, its learning rate over time, and the moving average of the weights."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

WEIGHT_DECAY = 0.05
LAST = 0.01  # of the peak, which the cosine ends at
WARM = 0.1  # share of the epochs over which the learning rate rises
MOST_GRADIENT = 10.0  # norm that gradients are cut to
NORMS = tuple(kind for name, kind in vars(nn).items() if "Norm" in name)


class Optimizer(torch.optim.AdamW):
    """AdamW that loads no compiler: torch wraps these methods for its compiler's sake, and the first call of one loads it, for a second."""

    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    state_dict = inspect.unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.AdamW.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


def build_optimizer(network: nn.Module, lr: float) -> Optimizer:
    """AdamW with the groups of Ultralytics' ``build_optimizer``: biases and the weights of normalisation do not decay.

    The fused kernel is taken on processors as well as on CUDA.
    """
    groups: dict[str, list[nn.Parameter]] = {"weight": [], "norm": [], "bias": []}
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            groups["bias" if "bias" in name else "norm" if isinstance(module, NORMS) else "weight"].append(parameter)
    decay = {"weight": WEIGHT_DECAY}
    device = next(network.parameters()).device.type
    return Optimizer(
        [{"params": parameters, "weight_decay": decay.get(kind, 0.0)} for kind, parameters in groups.items() if parameters],
        lr=lr,
        betas=(0.9, 0.999),
        fused=device in {"cpu", "cuda"},
    )


def learning_rate(step: int, steps: int, epochs: int, peak: float) -> float:
    """The learning rate of a step: a cosine over the epochs down to :data:`LAST` of its peak, under a straight rise at the beginning.

    Args:
        step: from 0, counted over all epochs.
        steps: of one epoch.
        epochs: of the training.
        peak: what the cosine starts at.
    """
    cosine = (1 - math.cos(step // steps * math.pi / epochs)) / 2 * (LAST - 1) + 1
    warm = round(min(WARM * epochs, epochs - 1) * steps)
    return peak * cosine * (min(1.0, step / warm) if warm else 1.0)


class Average:
    """The exponential moving average of a network, as Ultralytics' ``ModelEMA``: short at first, then over thousands of steps."""

    def __init__(self, network: nn.Module, decay: float = 0.9999, ramp: float = 2000) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.updates = 0
        self._decay, self._ramp = decay, ramp
        self._pairs = self._matched(network)

    def update(self, network: nn.Module) -> None:
        """Move towards what the network is now."""
        self.updates += 1
        own, new = self._pairs
        torch._foreach_lerp_(own, new, 1 - self._decay * (1 - math.exp(-self.updates / self._ramp)))

    def _matched(self, network: nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        new = network.state_dict()  # its tensors are changed in place, so the lists stay true
        pairs = [(value, new[name]) for name, value in self.network.state_dict().items() if value.dtype.is_floating_point]
        return [own for own, _ in pairs], [other for _, other in pairs]


def freeze(network: nn.Module, frozen: Callable[[str], bool]) -> None:
    """Keep some parameters as they are."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not frozen(name))


def training_mode(network: Any, frozen: Callable[[str], bool]) -> None:
    """Training mode; normalisation whose weights are frozen keeps its statistics too."""
    network.train()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and frozen(f"{name}.weight"):
            module.eval()
