"""Trains the origin head on real and generated clips, prints its figures with their controls, and writes it.

    python -m classifiers.training.train_forensics VIDEOS_DATA --cache FOLDER [--pictures FRAMES_DATA]
        [--network clip|small] [--scores scores.csv] [--out classifiers/weights/forensics]

VIDEOS_DATA holds MANIFEST.csv and the clips, FRAMES_DATA benign photographs. Whole repositories of generators and whole
real sources are left out together, because one web page is one encoder for all its generators; drawn clips by their
kind. Intervals resample generators and sources; with about 130 generated and 75 real clips, gaps under 0.05 AUROC and
shares at 1 % are noise.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from classifiers.training.head_fitting import (
    Floats,
    Line,
    auroc_over_groups,
    fit,
    out_of_fold,
    platt,
    probability,
    threshold_at,
    wilson,
    write_head,
)
from classifiers.training.origin_heads import Looked, fit_parts, folds_of, unseen
from classifiers.training.origin_networks import NETWORKS
from classifiers.training.origin_samples import (
    BESIDE,
    DIGITS,
    DRAWN,
    PICTURE,
    Looks,
    Sample,
    besides,
    clips,
    drawn_clips,
    photographs,
)
from classifiers.weights import EMBEDDED
from media.renditions import CONDITIONS

Learn = Callable[[Mapping[str, Looked], Sequence[Sample]], Line]

FRAMES = {"as_is": 2}
"""Frames of a clip that are looked at in a condition; one where none is named. Time is what limits it: over 1.25
seconds a second frame adds 0.004 AUROC."""

LEARNED = ("encoded", "as_is", "tiles")
"""What is learned from; without tiles a head learns topics."""

OPERATING = "as_is"
"""Calibrated and cut where it will work: on frames as decoded."""

DRAWN_EACH, DRAWN_LEARNED = 9, 4
PHOTOGRAPHS_MOST = 60
SHUFFLES = 5
SHARES = (0.05, 0.02, 0.01)
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


def metadata(samples: Sequence[Sample]) -> Floats:
    """Return what a file says of itself without a pixel: rate, size, shape, length, weight, codec."""

    def described(meta: Mapping[str, str]) -> list[float]:
        width, height = float(meta["width"]), float(meta["height"])
        length, weight = np.log1p(float(meta["frames"])), np.log1p(float(meta["bytes"]))
        return [float(meta["fps"]), width, height, width / height, length, weight, float(meta["codec"] == "h264")]

    return np.array([described(sample.meta) for sample in samples])


def wanted(sample: Sample, condition: str) -> bool:
    """Whether a sample is looked at in a condition: small clips and drawn ones only as they are, photographs once."""
    if sample.kind == PICTURE:
        return condition == "encoded"
    return condition == OPERATING or (sample.large and not sample.helps)


def still(sample: Sample) -> bool:
    """Whether a sample is one picture: no evaluation on videos meets it again."""
    return sample.meta.get("stills") == "1"


def seen(looks: Looks, samples: Iterable[Sample], condition: str) -> dict[str, Floats]:
    """Return the mean of what was seen of each sample that has enough frames, by its name."""
    chosen = [each for each in samples if wanted(each, condition)]
    found = ((each.name, looks.of(each, condition, FRAMES.get(condition, 1))) for each in chosen)
    return {name: rows.mean(axis=0).astype(np.float64) for name, rows in found if rows is not None}


def show(title: str, logits: Mapping[str, float], samples: Sequence[Sample]) -> None:
    """Print AUROC and shares found of those of `samples` that have a logit."""
    measured = [each for each in samples if each.name in logits]
    x, made = np.array([logits[each.name] for each in measured]), np.array([each.made for each in measured])
    if made.all() or not made.any():
        print(f"{title}: N={len(measured)}, one class only")
        return
    ranked = auroc_over_groups(x, made, [each.source for each in measured])
    print(f"{title}: N={len(made)} ({made.sum()} generated), AUROC {ranked}")
    for share in SHARES:
        threshold = threshold_at(x[~made], share)
        hits, alarms = int((x[made] > threshold).sum()), int((x[~made] > threshold).sum())
        print(f"    with {alarms} false alarms finds {wilson(hits, int(made.sum()))}")


def print_controls(samples: Sequence[Sample], views: Mapping[str, Looked], learn: Learn) -> None:
    """Print what no pixel, wrong labels and real clips alone would give: a headline must stand clear of these."""
    counted = [each for each in samples if each.large and each.name in views["encoded"]]
    made, names = np.array([each.made for each in counted]), [each.source for each in counted]
    places, x = folds_of(counted), metadata(counted)
    masks = [places == place for place in np.unique(places)]
    found = out_of_fold(masks, lambda chosen: fit(x[chosen], made[chosen], strength=1.0), x)
    print(f"control, metadata only: AUROC {auroc_over_groups(found, made, names)}")
    chance = np.random.default_rng(1)
    for title, which in (
        ("labels shuffled by source", counted),
        ("real against real", [e for e in counted if not e.made]),
    ):
        drawn = [_chance_auroc(which, views, learn, chance) for _ in range(SHUFFLES)]
        print(f"control, {title}:", drawn)


def _chance_auroc(
    samples: Sequence[Sample], views: Mapping[str, Looked], learn: Learn, chance: np.random.Generator
) -> float:
    """Return the AUROC for labels that mean nothing: drawn by whole sources, half of the sources each.

    A source of each label is left out together: leaving out one alone would lean the rest to the other label.
    """
    groups = np.unique([each.source for each in samples])
    sides = np.array_split(chance.permutation(groups), 2)
    dealt = [each.labelled(made=each.source in set(sides[0])) for each in samples]
    turn = {str(name): at for side in sides for at, name in enumerate(side)}
    folds = np.array([turn[each.source] for each in dealt])
    logits = unseen(views, dealt, folds, {"encoded": views["encoded"]}, learn)["encoded"]
    made = np.array([each.made for each in dealt])
    found = auroc_over_groups(
        np.array([logits[each.name] for each in dealt]), made, list(map(str, range(len(dealt)))), rounds=1
    )
    return float(found.split()[0])


def calibrated(logits: Mapping[str, float], samples: Sequence[Sample]) -> tuple[float, float]:
    """Return slope and offset of Platt's calibration on clips that the line did not see."""
    known = [each for each in samples if each.name in logits and each.counts]
    return platt(np.array([logits[each.name] for each in known]), np.array([each.made for each in known]))


def print_thresholds(logits: Mapping[str, float], samples: Sequence[Sample]) -> None:
    """Print, at probabilities, what is found, what is falsely called, and which real clips score highest."""
    known = [each for each in samples if each.name in logits]
    p = {each.name: float(probability(np.array(logits[each.name]))) for each in known}
    groups = {
        "generated": [p[e.name] for e in known if e.made],
        "real": [p[e.name] for e in known if not e.made and e.counts],
        "beside": [p[e.name] for e in known if e.kind == BESIDE],
        "drawn": [p[e.name] for e in known if e.kind == DRAWN],
    }
    for share in SHARES:
        print(f"false alarms {share:.0%}: above {threshold_at(np.array(groups['real']), share):.4f}")
    for threshold in THRESHOLDS:
        told = [f"{name} {wilson(sum(v >= threshold for v in values), len(values))}" for name, values in groups.items()]
        print(f">= {threshold}: " + ", ".join(told))
    for each in sorted((e for e in known if not e.made), key=lambda e: -p[e.name])[:12]:
        print(f"highest real: {p[each.name]:.3f} {each.source}, {each.kind}")


def write_scores(path: Path, logits: Mapping[str, Mapping[str, float]], slope: float, offset: float) -> None:
    """Write the probability that each clip got from a head which never saw its repository or source."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "condition", "score"))
        for condition, found in logits.items():
            for name, logit in found.items():
                writer.writerow((name, condition, f"{float(probability(np.array(slope * logit + offset))):.6f}"))


def main() -> None:
    """Train, print figures and controls, write the head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="frames data, whose benign photographs are learned from as real")
    parser.add_argument("--network", choices=sorted(NETWORKS), default="clip")
    parser.add_argument("--kept-only", action="store_true", help="look at nothing that is not in the cache")
    parser.add_argument("--scores", type=Path, help="CSV of scores of unseen clips, for `framegate evaluate origin`")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()

    network = NETWORKS[arguments.network]
    looks = Looks(None if arguments.kept_only else network.open(), arguments.cache / arguments.network)
    labelled = clips(arguments.data)
    helping = drawn_clips(DRAWN_EACH, DRAWN_LEARNED)
    if arguments.pictures is not None:
        helping += [*photographs(arguments.pictures, PHOTOGRAPHS_MOST), *besides(arguments.pictures)]
    views: dict[str, Looked] = {name: seen(looks, [*labelled, *helping], name) for name in CONDITIONS}
    samples = [each for each in [*labelled, *helping] if any(each.name in view for view in views.values())]
    learn = partial(fit_parts, parts=network.parts)
    learned = {name: views[name] for name in LEARNED}

    logits = unseen(learned, samples, folds_of(samples), views, learn)
    counted = [each for each in samples if each.large and each.counts]
    for condition, found in logits.items():
        show(f"leave one repository out, {condition}", found, counted)
    show(
        "leave one repository out, as_is, clips under 240 pixels",
        logits[OPERATING],
        [e for e in labelled if not e.large],
    )
    by_generator = unseen(
        learned, samples, folds_of(samples, whole_repositories=False), {OPERATING: views[OPERATING]}, learn
    )
    show(f"leave one generator out, {OPERATING}", by_generator[OPERATING], counted)
    print_controls(labelled, learned, learn)

    slope, offset = calibrated(logits[OPERATING], samples)
    print_thresholds({name: slope * value + offset for name, value in logits[OPERATING].items()}, samples)
    if arguments.scores is not None:
        write_scores(arguments.scores, logits, slope, offset)
    used = [each for each in samples if not each.apart]
    settings: dict[str, object] = {
        "trained_on": sorted(each.digest[:DIGITS] for each in used if not each.helps and not still(each)),
        "clips": sum(each.counts for each in used),
        "beside": sum(each.kind == BESIDE for each in used),
        "drawn": sum(each.kind == DRAWN for each in used),
        "photographs": sum(each.kind == PICTURE for each in used),
        "encoder_sha256": network.head.network_sha256,
        "input": network.input,
        "views": list(LEARNED),
    }
    write_head(arguments.out or EMBEDDED / network.head.folder, learn(learned, used).scaled(slope, offset), settings)


if __name__ == "__main__":
    main()
