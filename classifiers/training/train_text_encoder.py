"""Fine-tunes the upper half of the sentence encoder with a head for each signal, and calibrates the heads.

    python -m classifiers.training.train_text_encoder --data DIR --checkpoint FILE --work DIR select
    python -m classifiers.training.train_text_encoder --data DIR --checkpoint FILE --work DIR fit --rows N --share S

`select` holds whole sources out and prints how well each stage ranks them: after how many rows of training, and mixed
with how much of the pre-trained network. `fit` trains on all sources and leaves `trained.pt` in `--work`;
`export_text_encoder` makes the shipped files of it. Both are seeded and go on from the last checkpoint in `--work`.

The head is fitted on the pre-trained network first, then both learn together at a low rate (Kumar et al. 2022, "Fine-
tuning can distort pretrained features"); the result is a mean of both networks' weights (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). Both keep what the network knew about texts that no source here holds.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from classifiers.training.text_measures import calibration, figures_on_unseen
from classifiers.training.text_rows import LABELS, Row, balanced, folds_of, read_rows, sample, targets
from classifiers.training.text_templates import written_rows
from classifiers.training.trunk import Half, UpperHalf, batch, lower_half, pretrained

Floats = npt.NDArray[np.float32]

SEED: Final = 20261127
CAP: Final = 6000
CAPS: Final = {"coprov2_train": 14000, "davidson": 3000, "edos": 4000, "paradetox": 4000, "synthetic_names": 5000}
"""Most rows of one source: none may teach its own manner."""

HIDDEN: Final = 512
DROPOUT: Final = 0.3
BATCH_TOKENS: Final = 1536
POOL: Final = 2048
"""Rows drawn at once and sorted by length, so that a batch holds little padding."""

HEAD_STEPS: Final = 600
HEAD_RATE: Final = 2e-3
RATE: Final = 5e-5
HEAD_RATE_LATER: Final = 3e-4
WEIGHT_DECAY: Final = 0.01
WARM_UP: Final = 0.06
"""Share of the training in which the rate rises; afterwards it falls in a line to a tenth."""

LARGEST_WEIGHT: Final = 12.0
"""Bounds what one row may weigh against the mean, so that a small source does not shake a whole batch."""

HELD_OUT: Final = 8
"""One row in so many is kept from `fit` for calibration."""

STAGE: Final = 8_000
"""Rows after which the network is kept and looked at."""

STAGES: Final = (STAGE, 2 * STAGE, 3 * STAGE)
SHARES: Final = (0.0, 0.4, 0.7, 1.0)
"""Shares of the fine-tuned weights that `select` compares; 0 is the pre-trained network with its own head."""

MEASURED_ROWS: Final = 3000
"""Rows of the held-out sources that `select` measures on."""


def all_rows(data: Path, lookup: Path, checkpoint: Path) -> tuple[list[Row], list[Half]]:
    """Return the rows of every source, capped, and what the frozen half says about each."""
    model = pretrained(checkpoint)
    rows: list[Row] = []
    halves: list[Half] = []
    for source in [written_rows(SEED), *sources_of(data)]:
        rows += source
        halves += lower_half(model, [row.text for row in source], lookup)
    return rows, halves


def sources_of(data: Path) -> Iterator[list[Row]]:
    """Yield the capped rows of each source, in the order of their names."""
    for path in sorted(data.glob("*.jsonl.gz")):
        yield sample(read_rows(path), CAPS.get(path.name.removesuffix(".jsonl.gz"), CAP), SEED)


class Batches:
    """Draws rows, half of them evenly and half by their weight, and says what each is to count."""

    def __init__(self, rows: Sequence[Row], halves: Sequence[Half], chosen: npt.NDArray[np.int64], seed: int) -> None:
        self._halves = halves
        self._chosen = chosen
        mine = [rows[number] for number in chosen]
        self._wanted, weights = targets(mine)
        weights = balanced(mine, self._wanted, weights)
        by_row = weights.sum(axis=1)
        self._chance = 0.5 / len(mine) + 0.5 * by_row / by_row.sum()
        per_draw = weights / (self._chance[:, None] * len(LABELS))
        self._weights = np.minimum(per_draw, LARGEST_WEIGHT * per_draw[per_draw > 0].mean()).astype(np.float32)
        self._random = np.random.default_rng(seed)

    def draw(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield hidden states, mask, targets and weights of batch after batch, without end."""
        while True:
            pool = self._random.choice(len(self._chosen), POOL, p=self._chance / self._chance.sum())
            pool = pool[np.argsort([len(self._halves[self._chosen[row]]) for row in pool], kind="stable")]
            batches = list(_by_tokens(pool, [len(self._halves[self._chosen[row]]) for row in pool]))
            for number in self._random.permutation(len(batches)):
                picked = batches[number]
                hidden, mask = batch([self._halves[self._chosen[row]] for row in picked])
                yield hidden, mask, torch.from_numpy(self._wanted[picked]), torch.from_numpy(self._weights[picked])


def _by_tokens(pool: npt.NDArray[np.int64], lengths: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    """Cut a pool, sorted by length, into batches of about `BATCH_TOKENS`."""
    first = 0
    for last in range(1, len(pool) + 1):
        if last == len(pool) or (last + 1 - first) * lengths[last] > BATCH_TOKENS:
            yield pool[first:last]
            first = last


def loss_of(network: UpperHalf, drawn: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Weighted binary cross-entropy, a sum over heads and a mean over rows."""
    hidden, mask, wanted, weights = drawn
    losses = torch.nn.functional.binary_cross_entropy_with_logits(network(hidden, mask), wanted, reduction="none")
    return (losses * weights).sum() / len(wanted)


def fit_head(network: UpperHalf, batches: Batches) -> None:
    """Fit the head alone, on the pre-trained network."""
    optimizer = torch.optim.AdamW([*network.hidden.parameters(), *network.output.parameters()], lr=HEAD_RATE)
    drawn = batches.draw()
    network.train()
    for step in range(HEAD_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = HEAD_RATE * (1 - step / HEAD_STEPS)
        hidden, mask, wanted, weights = next(drawn)
        with torch.no_grad():
            vectors = network.vectors(hidden, mask)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(network.head(vectors), wanted, reduction="none")
        loss = (losses * weights).sum() / len(wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def fine_tune(network: UpperHalf, batches: Batches, rows: int, stages: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Train upper layers and head together on `rows` draws; yields (rows seen, mean loss) at each stage."""
    upper = list(network.layers.parameters())
    head = [*network.hidden.parameters(), *network.output.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": upper, "lr": RATE, "base": RATE}, {"params": head, "lr": HEAD_RATE_LATER, "base": HEAD_RATE_LATER}],
        weight_decay=WEIGHT_DECAY,
    )
    seen, losses, waiting = 0, [], list(stages)
    drawn = batches.draw()
    network.train()
    while waiting:
        share = seen / rows
        pace = share / WARM_UP if share < WARM_UP else 1 - 0.9 * (share - WARM_UP) / (1 - WARM_UP)
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * max(pace, 0.02)
        one = next(drawn)
        loss = loss_of(network, one)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*upper, *head], 1.0)
        optimizer.step()
        seen += len(one[0])
        losses.append(float(loss.detach()))
        if seen >= waiting[0]:
            yield waiting.pop(0), float(np.mean(losses[-200:]))
            network.train()


def mixed(start: UpperHalf, tuned: UpperHalf, share: float) -> UpperHalf:
    """Return the network whose weights are `share` of the tuned one's and the rest of the starting one's."""
    result = copy.deepcopy(tuned)
    ours = start.state_dict()
    result.load_state_dict(
        {name: ours[name] + share * (value - ours[name]) for name, value in tuned.state_dict().items()}
    )
    return result


@torch.inference_mode()
def logits_of(network: UpperHalf, halves: Sequence[Half]) -> Floats:
    """Return `float32 (rows, heads)`."""
    network.eval()
    order = np.argsort([len(half) for half in halves], kind="stable")
    result = np.zeros((len(halves), len(LABELS)), dtype=np.float32)
    for picked in _by_tokens(order, [len(halves[row]) for row in order]):
        result[picked] = network(*batch([halves[row] for row in picked])).numpy()
    return result


def fresh(checkpoint: Path, seed: int) -> UpperHalf:
    """Return the pre-trained upper half with an untrained head."""
    torch.manual_seed(seed)
    return UpperHalf(pretrained(checkpoint), HIDDEN, len(LABELS), DROPOUT)


def select(arguments: argparse.Namespace) -> None:
    """Compare stages and shares on sources held out; results are kept fold by fold in `select.json`."""
    rows, halves = all_rows(arguments.data, arguments.work / "cache", arguments.checkpoint)
    kept = arguments.work / "select.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    folds = folds_of(rows, by_source=True)
    for fold in arguments.folds:
        if str(fold) in results:
            continue
        started = time.monotonic()
        chooser = np.random.default_rng(SEED + fold)
        unseen = np.flatnonzero(folds == fold)
        unseen = chooser.permutation(unseen)[:MEASURED_ROWS]
        start = fresh(arguments.checkpoint, SEED + fold)
        batches = Batches(rows, halves, np.flatnonzero(folds != fold), SEED + fold)
        fit_head(start, batches)
        found = {}
        mine = [rows[number] for number in unseen]
        theirs = [halves[number] for number in unseen]
        found["0/0"] = figures_on_unseen(mine, logits_of(start, theirs))
        print(fold, "head alone", found["0/0"], flush=True)
        tuned = copy.deepcopy(start)
        for seen, loss in fine_tune(tuned, batches, STAGES[-1], STAGES):
            for share in SHARES[1:]:
                found[f"{seen}/{share}"] = figures_on_unseen(mine, logits_of(mixed(start, tuned, share), theirs))
                print(fold, seen, share, f"loss {loss:.3f}", found[f"{seen}/{share}"], flush=True)
        results[str(fold)] = found
        kept.write_text(json.dumps(results, indent=1))
        print(f"fold {fold}: {time.monotonic() - started:.0f} s", flush=True)


def fit(arguments: argparse.Namespace) -> None:
    """Train on all sources, calibrate on rows held out, save."""
    rows, halves = all_rows(arguments.data, arguments.work / "cache", arguments.checkpoint)
    held = folds_of(rows, by_source=False, count=HELD_OUT) == 0
    batches = Batches(rows, halves, np.flatnonzero(~held), SEED)
    start = fresh(arguments.checkpoint, SEED)
    saved_head = arguments.work / "head.pt"
    if saved_head.exists():
        start.load_state_dict(torch.load(saved_head, weights_only=True))
    else:
        fit_head(start, batches)
        torch.save(start.state_dict(), saved_head)
    tuned = copy.deepcopy(start)
    stages = list(range(STAGE, arguments.rows + 1, STAGE))
    for seen, loss in fine_tune(tuned, batches, arguments.rows, stages):
        torch.save(tuned.state_dict(), arguments.work / f"tuned-{seen}.pt")
        print(f"{seen} of {arguments.rows} rows, loss {loss:.3f}", flush=True)
    network = mixed(start, tuned, arguments.share)
    mine = [row for row, kept in zip(rows, held, strict=True) if kept]
    scores = logits_of(network, [half for half, kept in zip(halves, held, strict=True) if kept])
    slopes, offsets, error = calibration(mine, scores)
    torch.save(
        {
            "network": network.state_dict(),
            "slopes": torch.from_numpy(slopes),
            "offsets": torch.from_numpy(offsets),
        },
        arguments.work / "trained.pt",
    )
    report = {
        "seed": SEED,
        "rows": len(rows) - len(mine),
        "draws": arguments.rows,
        "share": arguments.share,
        "calibration_rows": len(mine),
        "expected_calibration_error": error,
    }
    (arguments.work / "trained.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of gzip JSONL files to train on")
    parser.add_argument("--checkpoint", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder for kept activations and results")
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(required=True)
    selecting = commands.add_parser("select")
    selecting.add_argument("--folds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    selecting.set_defaults(run=select)
    fitting = commands.add_parser("fit")
    fitting.add_argument("--rows", type=int, required=True, help="rows drawn in fine-tuning")
    fitting.add_argument("--share", type=float, required=True, help="share of the fine-tuned weights, 0 to 1")
    fitting.set_defaults(run=fit)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run(arguments)


if __name__ == "__main__":
    main()
