"""Rows are read as they are written, and a bad one is refused with its line, what is wrong, and what to do."""

from __future__ import annotations

import gzip
import json

import pytest

from safety.errors import InvalidContent
from safety.evaluate.labels import CATEGORIES, categories_of, known_labels
from safety.evaluate.rows import read_rows, sampled
from safety.policy import DEFAULT_POLICY, load_policy
from tests.bench import benign, unsafe, write_rows

LABELS = {"violence", "sexual", "unspecified"}


def test_rows_keep_what_is_written_and_get_names_where_they_have_none(tmp_path):
    path = write_rows(
        tmp_path / "mine.jsonl",
        unsafe("a v=1", "violence", id="x-1", source="theirs", lang="en"),
        benign("b", scope=["sexual"], id=7),
        benign("c"),
    )

    first, second, third = read_rows([path], LABELS)

    assert (first.id, first.source, first.lang, first.labels, first.benign) == (
        "x-1",
        "theirs",
        "en",
        ("violence",),
        False,
    )
    assert (second.id, second.source, second.scope) == ("7", "mine", frozenset({"sexual"}))
    assert (third.id, third.scope) == ("mine:3", None)
    assert second.is_negative_for("sexual") and not second.is_negative_for("violence")
    assert third.is_negative_for("violence") and not first.is_negative_for("sexual")


def test_several_files_are_several_sources_and_gzip_is_read(tmp_path):
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(benign("b")).encode()))

    rows = read_rows([write_rows(tmp_path / "plain.jsonl", benign("a")), packed], LABELS)

    assert [row.source for row in rows] == ["plain", "packed"]


SECRET = "quixotic zeppelin"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (SECRET, "line 2: not JSON"),
        (f'["{SECRET}"]', "line 2: not a JSON object"),
        ('{"benign": true}', 'line 2: needs "text"'),
        ('{"text": "  ", "benign": true}', 'line 2: needs "text"'),
        (f'{{"text": "{SECRET}"}}', 'line 2: needs "benign"'),
        (f'{{"text": "{SECRET}", "benign": "yes"}}', 'line 2: needs "benign"'),
        (f'{{"text": "{SECRET}", "benign": false, "labels": "violence"}}', 'line 2: "labels" is a list'),
        (f'{{"text": "{SECRET}", "benign": false, "labels": ["gore"]}}', "unknown label 'gore'; known: sexual"),
        (f'{{"text": "{SECRET}", "benign": true, "scope": ["gore"]}}', "unknown label 'gore'"),
        (f'{{"text": "{SECRET}", "benign": false}}', 'use "unspecified"'),
        (f'{{"text": "{SECRET}", "benign": true, "labels": ["violence"]}}', 'a benign row has "labels": []'),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_without_its_text(tmp_path, line, words):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(benign("fine")) + "\n" + line + "\n")

    with pytest.raises(InvalidContent) as refused:
        read_rows([path], LABELS)

    assert words in str(refused.value)
    assert "rows.jsonl" in str(refused.value)
    assert "zeppelin" not in str(refused.value)


def test_a_file_that_is_missing_empty_or_damaged_is_named(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "text.jsonl.gz").write_text("not gzip")
    (tmp_path / "torn.jsonl.gz").write_bytes(gzip.compress(json.dumps(benign("b" * 5000)).encode())[:40])
    (tmp_path / "latin.jsonl").write_bytes(b'{"text": "caf\xe9", "benign": true}')
    for name, words in {
        "missing.jsonl": "No such file",
        "empty.jsonl": "holds no row",
        "text.jsonl.gz": "damaged or not gzip|Not a gzip",
        "torn.jsonl.gz": "damaged or not gzip",
        "latin.jsonl": "not UTF-8",
    }.items():
        with pytest.raises(InvalidContent, match=f"{name}.*({words})"):
            read_rows([tmp_path / name], LABELS)


def test_a_sample_is_chosen_by_the_seed_and_bounded_for_each_source_and_side(tmp_path):
    rows = read_rows(
        [
            write_rows(
                tmp_path / "a.jsonl",
                *(benign(f"b {n}") for n in range(50)),
                *(unsafe(f"u {n}", "sexual") for n in range(3)),
            ),
            write_rows(tmp_path / "b.jsonl", *(benign(f"c {n}") for n in range(50))),
        ],
        LABELS,
    )

    chosen = sampled(rows, 5, seed=1)

    assert len(chosen) == 5 + 3 + 5
    assert chosen == sampled(rows, 5, seed=1)
    assert chosen != sampled(rows, 5, seed=2)
    places = [rows.index(row) for row in chosen]
    assert places == sorted(places)


def test_every_label_means_a_category_of_the_policy_that_ships():
    policy = load_policy(DEFAULT_POLICY)

    assert {label for label in CATEGORIES if not categories_of(label, policy)} == set()
    assert {name for names in CATEGORIES.values() for name in names} <= set(policy.categories)
    assert categories_of("unspecified", policy) == frozenset(policy.categories)
    assert categories_of("extremism", policy) == {"extremism"}
    assert set(policy.categories) <= known_labels(policy)


def test_a_row_may_be_a_storyboard_with_or_without_a_text_about_all_of_it(tmp_path):
    path = write_rows(
        tmp_path / "boards.jsonl",
        {"scenes": ["a dog", "a cat"], "benign": True},
        {"text": "a farm", "scenes": ["a dog", "a cat"], "benign": True},
    )

    bare, told = read_rows([path], LABELS)

    assert (bare.text, bare.scenes, bare.whole) == ("", ("a dog", "a cat"), "Scene 1: a dog\nScene 2: a cat")
    assert told.whole == "a farm\nScene 1: a dog\nScene 2: a cat"


@pytest.mark.parametrize("scenes", ["a dog", [1], ["a dog", " "]])
def test_scenes_are_texts_that_say_something(tmp_path, scenes):
    path = write_rows(tmp_path / "boards.jsonl", {"scenes": scenes, "benign": True})

    with pytest.raises(InvalidContent, match=r"line 1: .*scene"):
        read_rows([path], LABELS)
