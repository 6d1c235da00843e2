"""Mutated containers end in frames or in a refusal: a small part of what benchmarks/fuzz.py runs at length."""

from __future__ import annotations

import random

import pytest

from benchmarks.fuzz import MUTATIONS, decode_batch, isolated, mutated, seeds


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_every_kind_of_mutation_alters_every_kind_of_file(made, mutation):
    for seed in made:
        mutants = set()
        for number in range(8):
            data = bytearray(seed)
            mutation(data, random.Random(number))
            mutants.add(bytes(data))
        assert mutants - {bytes(seed)}


def test_the_same_number_is_the_same_mutant(made):
    assert mutated(made, 3, 0) == mutated(made, 3, 0) != mutated(made, 4, 0)


def test_mutants_end_in_frames_or_in_a_refusal(made, tmp_path):
    paths = []
    for number in range(150):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(mutated(made, number, 1))

    told, died = decode_batch(paths)
    if died:  # the decoder itself may crash: the isolated one turns that into a refusal
        assert isolated(paths[len(told)]) == "refused"

    assert set(told) <= {"seen", "refused"}
    assert min(told.count("seen"), told.count("refused")) > 10 or died


def test_a_whole_file_is_seen_through_isolation_and_half_a_header_is_refused(made, tmp_path):
    whole, torn = tmp_path / "whole.bin", tmp_path / "torn.bin"
    whole.write_bytes(made[0])
    torn.write_bytes(made[0][:40])

    assert (isolated(whole), isolated(torn)) == ("seen", "refused")
