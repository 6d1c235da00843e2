"""Muon in float32: momentum whose every matrix is brought to equal singular values before it is applied.

For the hidden matrices of a transformer it learns faster than AdamW. `torch.optim.Muon` does the same in bfloat16,
which a processor without bfloat16 units runs sixty times slower than float32.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration, after K. Jordan's Muon (2024)."""


class Muon(torch.optim.Optimizer):
    """Steps of one size for every direction of a matrix, scaled to match AdamW's root mean square of 0.2."""

    def __init__(self, matrices: Iterable[nn.Parameter], rate: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Apply the gradients."""
        del closure
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                kept = self.state[matrix]
                if not kept:
                    kept["momentum"] = torch.zeros_like(matrix)
                kept["momentum"].lerp_(matrix.grad, 1 - group["momentum"])
                direction = orthogonal(matrix.grad.lerp(kept["momentum"], group["momentum"]))
                matrix.sub_(direction, alpha=group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Return about the nearest matrix whose singular values are all 1 (they end between 0.7 and 1.2)."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    turned = matrix.T if tall else matrix
    turned = turned / (turned.norm() + 1e-7)
    for _ in range(iterations):
        square = turned @ turned.T
        turned = a * turned + (b * square + c * square @ square) @ turned
    direction: Tensor = turned.T if tall else turned
    return direction
