"""Carving validation photos: near-duplicates stay together, no class is emptied, and the order of the files is of no matter."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.dataset.carve import BLOCK, NEAR, Item, carve, cluster_photos, doubly_labelled, few_shots, leaked, near_duplicates

SPARSE = np.random.default_rng(0).integers(0, 2**64, 400, dtype=np.uint64).tolist()  # far from each other: about 32 bits


def photos(label: str, *fingerprints: int) -> list[Item]:
    return [Item(f"{label}/{i}", label, fingerprint) for i, fingerprint in enumerate(fingerprints)]


def near(fingerprint: int, *bits: int) -> int:
    """The same shot with some bits turned."""
    for bit in bits:
        fingerprint ^= 1 << bit
    return fingerprint


@st.composite
def classes(draw: st.DrawFn) -> tuple[list[Item], dict[str, str]]:
    """Classes of photos, some of them near-duplicates, some in a group of their class."""
    items: list[Item] = []
    groups: dict[str, str] = {}
    for number in range(draw(st.integers(1, 4))):
        for i in range(draw(st.integers(1, 12))):
            fingerprint = near(SPARSE[draw(st.integers(0, 7))], *draw(st.sets(st.integers(0, 63), max_size=2)))
            items.append(Item(f"{number}/{i}", str(number), fingerprint))
            if draw(st.integers(0, 3)) == 0:
                groups[f"{number}/{i}"] = f"{number} {draw(st.integers(0, 2))}"
    return items, groups


FRACTIONS = st.floats(0.01, 0.9)


def clusters_by_label(items: list[Item], groups: dict[str, str]) -> dict[str, list[list[str]]]:
    found = defaultdict(list)
    for cluster in cluster_photos(items, groups):
        found[cluster[0].split("/")[0]].append(cluster)
    return found


@given(classes(), FRACTIONS, st.integers(0, 5))
def test_near_duplicates_and_groups_never_stand_on_both_sides(case: tuple[list[Item], dict[str, str]], fraction: float, seed: int) -> None:
    items, groups = case
    chosen = carve(items, groups, fraction, seed)
    for a in items:
        for b in items:
            if a.label == b.label and (a.fingerprint ^ b.fingerprint).bit_count() <= NEAR:
                assert (a.image in chosen) == (b.image in chosen)
            if a.image in groups and groups[a.image] == groups.get(b.image):
                assert (a.image in chosen) == (b.image in chosen)


@given(classes(), FRACTIONS, st.integers(0, 5))
def test_every_class_keeps_training_photos_and_gives_validation_ones(
    case: tuple[list[Item], dict[str, str]], fraction: float, seed: int
) -> None:
    items, groups = case
    chosen = carve(items, groups, fraction, seed)
    total = Counter(item.label for item in items)
    taken = Counter(item.label for item in items if item.image in chosen)
    for label, clusters in clusters_by_label(items, groups).items():
        assert taken[label] < total[label]
        assert (taken[label] >= 1) == (len(clusters) >= 2)
        wanted, smallest = max(1, round(fraction * total[label])), min(len(c) for c in clusters)
        assert taken[label] <= max(wanted, smallest), "no more than asked, unless no cluster is as small as that"


@given(classes(), FRACTIONS, st.integers(0, 5), st.randoms())
def test_the_order_of_the_photos_is_of_no_matter(
    case: tuple[list[Item], dict[str, str]], fraction: float, seed: int, chance: object
) -> None:
    items, groups = case
    mixed = items.copy()
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert carve(mixed, dict(reversed(groups.items())), fraction, seed) == carve(items, groups, fraction, seed)


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 3), min_size=2), FRACTIONS)
def test_groups_across_classes_empty_no_class(group_of: dict[int, int], fraction: float) -> None:
    items = [Item(str(i), str(i % 3), SPARSE[i]) for i in range(31)]
    groups = {str(i): str(group) for i, group in group_of.items()}
    chosen = carve(items, groups, fraction, 0)
    assert {item.label for item in items if item.image not in chosen} == {"0", "1", "2"}
    sides: dict[str, set[bool]] = defaultdict(set)
    for image, group in groups.items():
        sides[group].add(image in chosen)
    assert all(len(side) == 1 for side in sides.values())


@pytest.mark.parametrize(
    ("count", "fraction", "expected"), [(100, 0.1, 10), (25, 0.1, 2), (3, 0.1, 1), (10, 0.5, 5), (1, 0.5, 0), (2, 0.9, 1)]
)
def test_share_of_a_class(count: int, fraction: float, expected: int) -> None:
    assert len(carve(photos("a", *SPARSE[:count]), {}, fraction, 0)) == expected


def test_no_share_no_photos() -> None:
    assert carve(photos("a", *SPARSE[:50]), {}, 0, 0) == frozenset()


def test_the_seed_chooses() -> None:
    items = photos("a", *SPARSE[:100])
    assert len({carve(items, {}, 0.1, seed) for seed in range(20)}) == 20
    assert carve(items, {}, 0.1, 7) == carve(items, {}, 0.1, 7)


def test_every_photo_has_the_same_chance() -> None:
    items = photos("a", *SPARSE[:10])
    counts = Counter(image for seed in range(2000) for image in carve(items, {}, 0.2, seed))
    assert sum(counts.values()) == 4000
    assert all(320 < counts[item.image] < 480 for item in items)  # 400 expected; 4.5 standard deviations are 80


def test_one_shot_many_times_gives_none() -> None:
    assert carve(photos("a", *(near(SPARSE[0], bit) for bit in range(8))), {}, 0.1, 0) == frozenset()


def test_where_all_clusters_are_large_the_smallest_goes() -> None:
    items = photos("a", *[SPARSE[0]] * 6, *[SPARSE[1]] * 3, *[SPARSE[2]] * 5)
    for seed in range(10):
        assert carve(items, {}, 0.1, seed) == {"a/6", "a/7", "a/8"}


@pytest.mark.parametrize("new", [photos("a", *SPARSE[60:80]), photos("m", SPARSE[60])], ids=["a new class", "one more photo of a person"])
def test_what_is_new_leaves_the_other_classes_as_they_were(new: list[Item]) -> None:
    """Otherwise one more photo would change every person's validation photos, and no two runs could be compared."""
    items = [*photos("m", *SPARSE[:30]), *photos("z", *SPARSE[30:60])]
    new = [Item(f"{item.image} new", item.label, item.fingerprint) for item in new]
    before, after = carve(items, {}, 0.1, 0), carve(items + new, {}, 0.1, 0)
    assert {image for image in after if image[0] == "z"} == {image for image in before if image[0] == "z"}
    assert len({image for image in after if image[0] == "m"} ^ {image for image in before if image[0] == "m"}) <= 2


def test_clusters_are_chains_within_a_class() -> None:
    a = photos("a", SPARSE[0], near(SPARSE[0], 1, 2, 3), near(SPARSE[0], 1, 2, 3, 4, 5, 6), SPARSE[1])
    b = photos("b", SPARSE[0])
    clusters = {frozenset(cluster) for cluster in cluster_photos(a + b, {"a/3": "x", "b/0": "x"})}
    assert clusters == {frozenset({"a/0", "a/1", "a/2"}), frozenset({"a/3", "b/0"})}


def test_clusters_of_a_class_larger_than_a_block() -> None:
    many = np.random.default_rng(1).integers(0, 2**64, BLOCK + 50, dtype=np.uint64).tolist()
    many[BLOCK + 20] = near(many[3], 0, 63)
    clusters = [cluster for cluster in cluster_photos(photos("a", *many), {}) if len(cluster) > 1]
    assert [sorted(cluster) for cluster in clusters] == [[f"a/{BLOCK + 20}", "a/3"]]


U64 = st.integers(0, 2**64 - 1)


@given(st.lists(U64, max_size=6), st.lists(U64, max_size=6), st.data())
def test_near_duplicates_count_bits(left: list[int], right: list[int], data: st.DataObject) -> None:
    if left:
        right = [*right, near(left[0], *data.draw(st.sets(st.integers(0, 63), min_size=NEAR - 1, max_size=NEAR + 2)))]
    found = near_duplicates(left, right)
    assert found.shape == (len(left), len(right))
    assert found.tolist() == [[(a ^ b).bit_count() <= NEAR for b in right] for a in left]


def test_leaks_are_of_the_same_class() -> None:
    training = photos("a", *SPARSE[:3]) + photos("b", *SPARSE[3:6])
    many = photos("t", *SPARSE[10 : 10 + BLOCK], near(SPARSE[1], 5), SPARSE[4], near(SPARSE[2], 1, 2, 3, 4, 5))
    testing = [Item(item.image, "a", item.fingerprint) for item in many] + [Item("new", "c", SPARSE[0])]
    assert leaked(training, testing) == {f"t/{BLOCK}": training[1].image}
    assert leaked([], testing) == leaked(training, []) == {}


# ------------------------------------------------------------------------------------------------------- two labels, one photo
@given(classes())
def test_one_photo_of_two_people_is_found_as_by_comparing_all_with_all(case: tuple[list[Item], dict[str, str]]) -> None:
    """The same photo in two people's folders, or a test photo learnt under another name: one label is wrong, and nobody would know."""
    items, _ = case
    expected = {
        (a.image, b.image)
        for a in items
        for b in items
        if a.image < b.image and a.label != b.label and (a.fingerprint ^ b.fingerprint).bit_count() <= NEAR
    }
    assert [(a.image, b.image) for a, b in doubly_labelled(items)] == sorted(expected)


def test_a_near_duplicate_is_found_whatever_bits_differ() -> None:
    for bits in ((), (0,), (63,), (0, 13, 26, 39), (12, 25, 51, 63), (60, 61, 62, 63)):
        pair = [Item("a/1", "a", SPARSE[0]), Item("b/1", "b", near(SPARSE[0], *bits))]
        assert doubly_labelled(pair) == (tuple(pair),)
    assert doubly_labelled([Item("a/1", "a", SPARSE[0]), Item("b/1", "b", near(SPARSE[0], 0, 13, 26, 39, 52))]) == ()


def test_many_photos_with_one_part_in_common_are_compared_in_blocks() -> None:
    items = [Item(f"{n}", str(n % 2), (n << 32) | 1) for n in range(2 * BLOCK + 7)]
    found = {(a.image, b.image) for a, b in doubly_labelled(items)}
    expected = {
        tuple(sorted((str(a), str(b)))) for a in range(len(items)) for b in range(a) if a % 2 != b % 2 and (a ^ b).bit_count() <= NEAR
    }
    assert found == expected


def test_no_photos_have_no_two_labels() -> None:
    assert doubly_labelled([]) == ()
    assert doubly_labelled(photos("a", 7, 7, 7)) == ()


# ------------------------------------------------------------------------------------------------------------------ shots
@given(st.dictionaries(st.text(min_size=1), st.sampled_from("abc")), st.integers(1, 5), st.integers(1, 5), st.integers(0, 3))
def test_shots_are_so_many_of_each_class_and_nested(labels: dict[str, str], shots: int, more: int, seed: int) -> None:
    chosen = few_shots(labels, shots, seed)
    assert Counter(labels[photo] for photo in chosen) == {label: min(n, shots) for label, n in Counter(labels.values()).items()}
    assert chosen <= few_shots(labels, shots + more, seed)
    assert chosen == few_shots(dict(reversed(labels.items())), shots, seed)


def test_another_seed_draws_other_shots() -> None:
    labels = {f"{label}/{i}": label for label in "abcdefgh" for i in range(9)}
    assert len({few_shots(labels, 3, seed) for seed in range(5)}) == 5
