"""The tree is that of RFC 6962: published vectors, and laws for every shape."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    range_root_of,
    root,
    verify_consistency,
    verify_inclusion,
)

# Reference leaves, roots and proofs of the Certificate Transparency project (RFC 6962, merkle tree tests).
VECTOR_LEAVES = [
    leaf_hash(bytes.fromhex(data))
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
VECTOR_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
VECTOR_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
VECTOR_CONSISTENCY = {
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}

sizes = st.integers(0, 70)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(size)]


def recursive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root(VECTOR_LEAVES[:size]).hex() == VECTOR_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), VECTOR_INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int) -> None:
    proof = inclusion_proof(index, size, range_root_of(VECTOR_LEAVES))

    assert [step.hex() for step in proof] == VECTOR_INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), VECTOR_CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    proof = consistency_proof(old, new, range_root_of(VECTOR_LEAVES))

    assert [step.hex() for step in proof] == VECTOR_CONSISTENCY[old, new]


@given(sizes)
def test_the_root_is_the_one_the_standard_defines(size: int) -> None:
    assert root(leaves_of(size)) == recursive_root(leaves_of(size))


@given(sizes, sizes)
def test_a_frontier_that_was_packed_goes_on_as_the_same_tree(first: int, more: int) -> None:
    leaves = leaves_of(first + more)
    frontier = Frontier()
    for leaf in leaves[:first]:
        frontier.append(leaf)

    frontier = Frontier.unpack(frontier.size, frontier.pack())
    copy = frontier.copy()
    for leaf in leaves[first:]:
        frontier.append(leaf)

    assert (frontier.size, frontier.root()) == (first + more, root(leaves))
    assert copy.root() == root(leaves[:first])


@given(st.integers(1, 70), st.data())
def test_every_leaf_has_a_proof_that_holds_for_it_alone(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, range_root_of(leaves))
    top = root(leaves)

    assert verify_inclusion(leaves[index], index, size, proof, top)
    assert len(proof) <= (size - 1).bit_length()
    assert not any(verify_inclusion(leaves[index], other, size, proof, top) for other in range(size) if other != index)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, top)
    assert not verify_inclusion(leaves[index], index, size, [*proof, EMPTY_ROOT], top)
    assert not verify_inclusion(leaves[index], index, size, proof[:-1], top) or not proof


@given(sizes, sizes)
def test_growth_has_a_proof(one: int, other: int) -> None:
    old, new = sorted((one, other))
    leaves = leaves_of(new)

    proof = consistency_proof(old, new, range_root_of(leaves))

    assert verify_consistency(old, new, root(leaves[:old]), root(leaves), proof)


@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_no_proof_of_growth_holds_for_a_rewritten_past(one: int, other: int, data: st.DataObject) -> None:
    old, new = sorted((one, other))
    leaves = leaves_of(new)
    rewritten = list(leaves)
    rewritten[data.draw(st.integers(0, old - 1))] = leaf_hash(b"another")
    honest, forged = range_root_of(leaves), range_root_of(rewritten)

    for proof in (consistency_proof(old, new, honest), consistency_proof(old, new, forged)):
        assert not verify_consistency(old, new, root(leaves[:old]), root(rewritten), proof)


@given(st.integers(2, 40), st.data())
def test_a_changed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, range_root_of(leaves))
    place = data.draw(st.integers(0, len(proof) - 1))
    proof[place] = bytes(byte ^ 1 for byte in proof[place])

    assert not verify_inclusion(leaves[index], index, size, proof, root(leaves))


def test_leaves_and_nodes_cannot_be_mistaken_for_each_other() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(index, size, range_root_of(leaves_of(3)))
    assert not verify_inclusion(leaf_hash(b""), index, size, [], EMPTY_ROOT)


def test_there_is_no_proof_of_shrinking() -> None:
    with pytest.raises(ValueError, match="no earlier state"):
        consistency_proof(4, 3, range_root_of(leaves_of(4)))
    assert not verify_consistency(4, 3, EMPTY_ROOT, EMPTY_ROOT, [])


@pytest.mark.parametrize(("size", "packed"), [(1, b""), (2, bytes(64)), (3, bytes(63)), (-1, b"")])
def test_bytes_that_are_no_frontier_are_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match="peaks"):
        Frontier.unpack(size, packed)


@given(st.lists(st.integers(0, 400), max_size=5))
def test_extending_is_appending_one_by_one_and_tells_what_became_whole(parts: list[int]) -> None:
    many, single, whole, size = Frontier(), Frontier(), [], 0
    everything = leaves_of(sum(parts))
    for count in parts:
        leaves = everything[size : size + count]
        whole += many.extend(leaves)
        for leaf in leaves:
            single.append(leaf)
        size += count
        assert many == single

    assert {(each.height, each.number) for each in whole} == {(8, number) for number in range(size >> 8)}
    assert all(each.root == recursive_root(everything[each.number << 8 : each.number + 1 << 8]) for each in whole)


def test_heights_above_the_first_are_kept_too() -> None:
    leaves = leaves_of(1 << 16)
    frontier = Frontier()
    whole = frontier.extend(leaves[:1000]) + frontier.extend(leaves[1000:])

    assert [(each.height, each.number) for each in whole if each.height > 8] == [(16, 0)]
    assert whole[-1].root == frontier.root() == root(leaves)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_many_leaves_at_once_have_the_hashes_of_each(datas: list[bytes]) -> None:
    assert leaf_hashes(datas) == [leaf_hash(data) for data in datas]
