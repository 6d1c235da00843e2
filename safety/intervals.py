"""The interval of a published share. Pure, and quick to load: what else figures need is `safety.figures`."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


def wilson(k: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a share k / n.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = k / n, z * z
    centre = share + z2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return (0.0 if k == 0 else max(low, 0.0)), (1.0 if k == n else min(high, 1.0))
