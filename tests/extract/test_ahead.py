"""Items made in another thread: the same ones in the same order, no more than allowed, and none after it is stopped."""

import threading
from collections.abc import Iterator

import pytest

from pipeline.extract.ahead import Ahead


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_the_same_items_in_the_same_order(count: int, length: int) -> None:
    made = Ahead(iter(range(length)), count)
    assert list(made) == list(range(length))
    assert next(made, None) is None, "however often it is asked"
    assert next(made, None) is None
    made.stop()


def test_some_are_made_before_they_are_asked_for_and_no_more() -> None:
    made: list[int] = []
    enough, taken = threading.Event(), threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(4):
            made.append(threading.get_ident())
            if number == 1:
                enough.set()
            if number == 2:
                taken.set()
            yield number

    ahead = Ahead(numbers(), 2)
    assert enough.wait(10)
    assert len(made) == 2
    assert threading.get_ident() not in made
    assert next(ahead) == 0
    assert taken.wait(10), "one that is taken makes room for another"
    assert list(ahead) == [1, 2, 3]
    ahead.stop()


@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt()])
def test_an_error_comes_in_the_place_of_its_item(error: BaseException) -> None:
    def numbers() -> Iterator[int]:
        yield from range(3)
        raise error

    ahead = Ahead(numbers(), 2)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(type(error)):
            next(ahead)
    ahead.stop()


def test_stopping_waits_for_the_one_being_made_and_makes_no_more() -> None:
    begun, go_on = threading.Event(), threading.Event()
    made = []

    def numbers() -> Iterator[int]:
        for number in range(5):
            begun.set()
            assert go_on.wait(10)
            made.append(number)
            yield number

    ahead = Ahead(numbers(), 3)
    assert begun.wait(10)
    stopping = threading.Thread(target=ahead.stop)
    stopping.start()
    stopping.join(0.1)
    assert stopping.is_alive(), "the first is still being made"
    go_on.set()
    stopping.join(10)
    assert made == [0]
