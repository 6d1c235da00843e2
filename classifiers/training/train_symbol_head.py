"""Trains the head that looks for hate symbols on pictures that it draws itself, prints its figures, and writes it.

    python -m classifiers.training.train_symbol_head FRAMES_DATA --cache FOLDER --count 600 [--minutes 8] [--out FOLDER]

Half of the pictures show one of seven hate symbols that spans 25 to 90 % of the short side, the others a look-alike or
nothing, all on permissively licensed photographs (`compose_symbols`). Look-alikes are left out by kind: figures say
what the head does with kinds that it never saw. Symbols of the data set are for measuring only. Embedding
is what takes long: `--minutes` ends it, what is embedded is kept, the next run goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.frame_encoder import SHA256, FrameEncoder
from classifiers.training.compose_symbols import Chance, Composer, Picture, grounds, worn
from classifiers.training.draw_look_alikes import LIKE
from classifiers.training.draw_symbols import HATE
from classifiers.training.head_fitting import (
    Line,
    auroc_over_groups,
    fit,
    out_of_fold,
    platt,
    probability,
    wilson,
    write_head,
)
from classifiers.weights import EMBEDDED

SIDE = 288
"""Pixels of a drawn picture."""

STRENGTH = 3e-4
FOLDS = 5
SEED = 77

PLAIN = 0.35
"""Share of the harmless pictures on which nothing is drawn."""

HOOKS = 0.4
"""Share of the symbols that are hooked crosses: the most common one, in the most shapes."""

TEMPLES = 0.3
"""Share of the look-alikes that are the temples' sign: the one that is mistaken most."""

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)


def drawn(composer: Composer, number: int) -> tuple[Picture, str]:
    """Return picture `number` and what was drawn: a class, or `ground`. Even numbers show hate symbols."""
    chance: Chance = np.random.default_rng([SEED, number])
    ground = composer.ground(chance, SIDE)
    if number % 2 and chance.random() < PLAIN:
        return worn(chance, ground), "ground"
    kinds, first, share = (LIKE, "manji", TEMPLES) if number % 2 else (HATE, "hook", HOOKS)
    others = [name for name in kinds if name != first]
    name = first if chance.random() < share else others[int(chance.integers(len(others)))]
    return worn(chance, composer.drawn(chance, ground, name, share=(0.25, 0.9), wander=0.15)), name


def embedded(
    composer: Composer, count: int, kept: Path, minutes: float
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Embed the pictures that are not kept yet until time is over; return what there is, and what each shows."""
    known = list(np.load(kept)["x"]) if kept.exists() else []
    encoder, end = FrameEncoder(), time.monotonic() + 60 * minutes
    while len(known) < count and time.monotonic() < end:
        known.append(encoder.embed([drawn(composer, len(known))[0]])[0])
        if len(known) % 10 == 0:
            np.savez(kept, x=np.stack(known))
    np.savez(kept, x=np.stack(known))
    names = [drawn(composer, number)[1] for number in range(min(len(known), count))]
    return np.stack(known[:count]).astype(np.float64), np.array(names)


def main() -> None:
    """Draw, embed, fit, print figures, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--out", type=Path, default=EMBEDDED / "hate_symbols")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    composer = Composer(grounds(arguments.data))
    x, names = embedded(composer, arguments.count, arguments.cache / f"drawn symbols {SEED}.npz", arguments.minutes)
    y = np.isin(names, list(HATE))

    def learn(chosen: NDArray[np.bool_]) -> Line:
        return fit(x[chosen], y[chosen], strength=STRENGTH)

    # A kind of look-alike is left out as a whole: the world has more of them than are drawn. Symbols and plain grounds
    # are left out by chance: nothing else stands for them.
    fold_of = {name: at % FOLDS for at, name in enumerate(LIKE)}
    fold = np.array([fold_of.get(name, at // 2 % FOLDS) for at, name in enumerate(names)])
    logits = out_of_fold([fold == at for at in range(FOLDS)], learn, x)
    slope, offset = platt(logits, y)
    values = probability(slope * logits + offset)
    print(
        f"{len(y)} drawn pictures: AUROC, kinds left out, kinds resampled, {auroc_over_groups(logits, y, list(names))}"
    )
    for name in np.unique(names):
        group = values[names == name]
        shares = (f">={at} {wilson(int((group >= at).sum()), len(group))}" for at in THRESHOLDS)
        print(f"{name}: {'; '.join(shares)}")
    settings: dict[str, object] = {
        "encoder_sha256": SHA256,
        "input": "unit CLIP embedding of a whole frame",
        "pictures": len(y),
        "symbols": int(y.sum()),
    }
    write_head(arguments.out, learn(np.ones(len(y), dtype=bool)).scaled(slope, offset), settings)


if __name__ == "__main__":
    main()
