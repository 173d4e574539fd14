"""Order and batches. Oracle: Philox4x64-10 written out in Python integers, and NumPy slicing."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest

from specc.data.batches import Batches, order
from specc.data.prefetch import Prefetch
from specc.data.source import Samples

MASK = 2**64 - 1


def philox(key: tuple[int, int], words: int) -> list[int]:
    """The first words of Philox4x64-10, from its paper: counter 1, 2, ... in the low word."""
    out: list[int] = []
    for count in range(1, -(-words // 4) + 1):
        c, k = [count, 0, 0, 0], list(key)
        for _ in range(10):
            a, b = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [(b >> 64) ^ c[1] ^ k[0], b & MASK, (a >> 64) ^ c[3] ^ k[1], a & MASK]
            k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
        out += c
    return out[:words]


@pytest.mark.parametrize(("seed", "epoch", "n"), [(0, 0, 10), (7, 3, 101), (2**40, 1, 64)])
def test_order_sorts_philox_words(seed: int, epoch: int, n: int) -> None:
    words = philox((seed, epoch), n)
    expected = sorted(range(n), key=words.__getitem__)
    assert order(seed, epoch, n).tolist() == expected


def test_order_is_frozen() -> None:
    # Runs made with one version are resumed with the next: these numbers may never change.
    assert order(0, 0, 12).tolist() == [0, 2, 11, 9, 1, 8, 5, 4, 3, 10, 6, 7]
    assert order(1, 2, 12).tolist() == [4, 11, 2, 0, 6, 1, 5, 10, 9, 8, 7, 3]
    assert order(1, 2, 5, shuffle=False).tolist() == [0, 1, 2, 3, 4]


def samples(n: int) -> Samples:
    x = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
    return Samples((x, x[:, :1] * 2), (np.arange(n),))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n", "size"), [(10, 4), (8, 4), (3, 5), (1, 1)])
def test_batches_cover_the_epoch_in_order(n: int, size: int, shuffle: bool) -> None:
    data = samples(n)
    batches = Batches(data, size, seed=5, shuffle=shuffle)
    with batches.epoch(2) as epoch:
        got = list(epoch)
    assert [b.step for b in got] == list(range(batches.steps)) == list(range(-(-n // size)))
    assert [len(b.samples) for b in got[:-1]] == [size] * (len(got) - 1)
    index = order(5, 2, n, shuffle)
    np.testing.assert_array_equal(np.concatenate([b.index for b in got]), index)
    for position, arrays in enumerate((data.x[0], data.x[1])):
        joined = np.concatenate([b.samples.x[position] for b in got])
        np.testing.assert_array_equal(joined, arrays[index])
    np.testing.assert_array_equal(np.concatenate([b.samples.y[0] for b in got]), index)


def test_an_epoch_continues_at_any_step() -> None:
    batches = Batches(samples(23), 4, seed=1)
    whole = [b.index.tolist() for b in batches.produce(3)]
    for start in range(batches.steps + 1):
        with batches.epoch(3, start) as rest:
            assert [b.index.tolist() for b in rest] == whole[start:]


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with Batches(samples(1000), 2).epoch(0) as epoch:
        assert next(epoch).step == 0
    assert threading.active_count() == before
    assert list(epoch) == []


def test_an_abandoned_iterator_ends_its_thread() -> None:
    before = threading.active_count()
    epoch = Batches(samples(1000), 2).epoch(0)
    next(epoch)
    del epoch
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_it_runs_ahead_but_not_further_than_asked() -> None:
    made: list[int] = []
    third = threading.Event()

    def produce():
        for i in range(100):
            made.append(i)
            if i == 2:
                third.set()
            yield i

    with Prefetch(produce, ahead=2) as items:
        assert third.wait(10)  # two wait in the queue, the third is in the thread's hands
        assert made == [0, 1, 2]
        assert next(items) == 0


def test_an_exception_arrives_in_its_place() -> None:
    def produce():
        yield 1
        raise OSError("disk gone")

    with Prefetch(produce, ahead=2) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="disk gone"):
            next(items)
        assert list(items) == []
