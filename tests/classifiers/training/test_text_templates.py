"""What the project wrote itself to train on is distinct, balanced, labelled, decent, and nowhere else in the house."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from classifiers.training.text_rows import LABELS
from classifiers.training.text_templates import sentences, written_rows

ROOT = Path(__file__).resolve().parents[3]
MINOR = re.compile(
    r"\b(child(ren)?|kids?|girls?|boys?|teen\w*|toddlers?|bab(y|ies)|infants?|newborns?|minors?|pupils?|school\w*|"
    r"student\w*|classmates?|young\w*|underage|daughter|son|schoolgirl|lolita|\d\d?[- ]year[- ]olds?|"
    r"(six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)[- ]year[- ]olds?)\b",
    re.IGNORECASE,
)
SEXUAL = re.compile(
    r"\b(sex\w*|nude\w*|naked|nsfw|porn\w*|erotic\w*|topless|genital\w*|penis|nipples?|masturbat\w*|orgy|orgasm\w*|"
    r"explicit\w*|lingerie|fetish|undress\w*|striptease|strip show|rape\w*|blowjob|uncensored|hentai|aroused)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


@pytest.fixture(scope="module")
def written():
    return list(sentences())


def test_no_sentence_is_written_twice(written):
    counts = Counter(plain(row.text) for _, row in written)
    assert [text for text, count in counts.items() if count > 1] == []


def test_every_label_and_domain_is_known_and_every_row_is_benign_or_labelled(written):
    for _, row in written:
        assert row.labels <= set(LABELS), row.text
        assert row.domain in {"t2i", "llm"}, row.text
        assert row.benign == (not row.labels)
        assert 1 <= len(row.text.split()) <= 130, row.text


def test_harmless_and_harmful_rows_keep_the_balance_and_no_harm_is_forgotten(written):
    benign = Counter(row.domain for _, row in written if row.benign)
    total = Counter(row.domain for _, row in written)
    harms = Counter(label for _, row in written for label in row.labels)
    for domain in total:
        assert 0.4 <= benign[domain] / total[domain] <= 0.7, domain
    assert set(harms) == set(LABELS)
    assert min(harms.values()) >= 30, harms


def test_a_pair_is_one_harmless_and_one_harmful_row_of_one_domain(written):
    pairs = defaultdict(list)
    for pair, row in written:
        if pair:
            pairs[pair].append(row)
    assert len(pairs) >= 200
    for pair, rows in pairs.items():
        assert sorted(row.benign for row in rows) == [False, True], pair
        assert len({row.domain for row in rows}) == 1, pair


def test_no_row_joins_a_minor_with_anything_sexual():
    for row in written_rows(seed=1, deceptive=300):
        sexual = "sexual" in row.labels or SEXUAL.search(row.text)
        assert not (sexual and MINOR.search(row.text)), row.text


def test_a_style_says_nothing_about_the_side():
    rows = written_rows(seed=1)
    for mark in ("cinematic, 4k", "Quick question."):
        share = [sum(mark in row.text for row in rows if row.benign == side) for side in (True, False)]
        assert min(share) > 0, mark


def test_no_written_row_stands_anywhere_else_in_the_house(written):
    """A row that both teaches and tests would make the test a lie."""
    elsewhere: set[str] = set()
    for path in sorted(ROOT.glob("tests/**/*")) + sorted(ROOT.glob("benchmarks/**/*")):
        if path.suffix == ".py":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            elsewhere |= {
                plain(line)
                for node in nodes
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
                for line in node.value.splitlines()
            }
        elif path.suffix in {".txt", ".jsonl", ".toml", ".tsv", ".csv"}:
            elsewhere |= {plain(line) for line in path.read_text(encoding="utf-8").splitlines()}
    assert len(elsewhere) > 1000
    assert [row.text for _, row in written if plain(row.text) in elsewhere] == []
