"""Linear layers in 16-bit fixed point, for fast answers on a CPU that keep the order of float32.

One 8-bit number per value is too coarse for a small language model: a few large activations
set the scale and the rest is lost. Here a value is two 8-bit digits, `scale * (high + low / 254)`,
and a layer is three 8-bit matrix products, summed as exact integers. Scales belong to one token
and to one output, so no token's result depends on the tokens beside it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

SCHEME = "fixed-point-16"
"""Names the numbers that these layers give, for fingerprints."""

_LARGEST = 127
_STEP = 2 * _LARGEST  # the low digit is in units of scale / _STEP
_TINY = 1e-12


def available() -> bool:
    """Tell whether this machine multiplies 8-bit matrices exactly, and fast enough to be worth it."""
    import torch

    if platform.machine().lower() not in {"x86_64", "amd64"} or not hasattr(torch, "_int_mm"):
        return False
    # Older CPUs saturate sums of 8-bit products at 16 bits; the largest digits show it.
    largest = torch.full((32, 64), _LARGEST, dtype=torch.int8)
    product = torch._int_mm(largest, torch.full((64, 32), -_LARGEST, dtype=torch.int8))
    return bool((product == -64 * _LARGEST**2).all())


def convert(model: nn.Module, keep: tuple[nn.Module, ...] = ()) -> None:
    """Replace all linear layers of `model` in place, except those in `keep`."""
    from torch import nn

    layer = _layer_class()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and not any(child is kept for kept in keep):
                setattr(parent, name, layer(child))


@cache
def _layer_class() -> Callable[[nn.Linear], nn.Module]:
    """The class of the layers; made with its first use, since importing torch takes seconds."""
    import torch
    from torch import nn

    class FixedPointLinear(nn.Module):
        """A linear layer whose weights are two 8-bit digits each."""

        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            scale, high, low = _digits(linear.weight.detach())
            self.scale = nn.Buffer(scale.squeeze(-1))
            self.high = nn.Buffer(high.t())
            self.low = nn.Buffer(low.t())
            self.bias = linear.bias

        def forward(self, values: Tensor) -> Tensor:
            """The layer's output for `values` (..., inputs), in float32."""
            rows = values.reshape(-1, values.shape[-1])
            count = rows.shape[0]
            scale, high, low = _digits(rows)
            first = torch._int_mm(torch.cat((high, low)), self.high)
            second = torch._int_mm(high, self.low).add_(first[count:])
            result = first[:count].float().add_(second, alpha=1 / _STEP).mul_(scale).mul_(self.scale)
            if self.bias is not None:
                result += self.bias
            return result.view(*values.shape[:-1], -1)

    return FixedPointLinear


def _digits(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The scale of each row (rows, 1), and its values' high and low digits as int8."""
    import torch

    scale = rows.abs().amax(-1, keepdim=True).clamp_(min=_TINY).div_(_LARGEST)
    scaled = rows / scale
    high = scaled.round()
    low = scaled.sub_(high).mul_(_STEP).round_()
    return scale, high.to(torch.int8), low.to(torch.int8)
