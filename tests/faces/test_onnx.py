"""Networks that threads share."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from yolo_koin.faces.onnx import Pool


def test_nothing_is_lent_twice_and_no_more_is_made_than_is_in_use() -> None:
    pool = Pool(list[int])
    together = threading.Barrier(3)

    def use(number: int) -> int:
        with pool.lend() as one:
            together.wait(10)
            one.append(number)
            return id(one)

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(use, range(3)))) == 3
    with pool.lend() as one, pool.lend() as other:
        assert len(one) == len(other) == 1, "made before"


def test_what_was_lent_comes_back_after_an_error() -> None:
    pool = Pool(list[int])
    with pytest.raises(ZeroDivisionError), pool.lend() as one:
        one.append(1 // 0)
    with pool.lend() as again:
        assert again is one


def test_pickling_carries_how_things_are_made() -> None:
    pool = Pool(list[int])
    with pool.lend() as one:
        one.append(1)
    with pickle.loads(pickle.dumps(pool)).lend() as other:
        assert other == []
