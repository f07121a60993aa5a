"""The Pareto front against its definition."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.evaluation.pareto import on_front

POINTS = st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0, math.nan]), st.sampled_from([0.1, 0.5, 0.9, math.nan])), max_size=8)


@given(POINTS)
def test_a_point_is_on_the_front_where_no_other_beats_it(points: list[tuple[float, float]]) -> None:
    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    known = [point for point in points if not any(map(math.isnan, point))]
    wanted = [point in known and not any(beats(other, point) for other in known) for point in points]
    assert list(on_front([x for x, _ in points], [y for _, y in points])) == wanted
