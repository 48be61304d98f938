"""What an exercise is: the decorator that tests wear."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    """One function that the student writes."""

    name: str
    points: float = 1.0
    minutes: int = 10
    """how long it takes a student, about"""
    difficulty: int = 1
    """1, 2 or 3"""
    forbids: tuple[str, ...] = ()
    """dotted names that may not be used; "@", "for" and "while" are the operators and loops"""
    allows: tuple[str, ...] = ()
    """packages that may be imported, although they are closed otherwise"""
    seconds: float = 10.0
    """time for all calls of one test"""
    in_place: bool = False
    """whether the function may change its arguments"""

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ValueError(f"an exercise is named like its function, got {self.name!r}")
        if self.points <= 0 or self.minutes <= 0 or self.seconds <= 0:
            raise ValueError(f"{self.name}: points, minutes and seconds must be positive")
        if self.difficulty not in (1, 2, 3):
            raise ValueError(f"{self.name}: difficulty must be 1, 2 or 3, got {self.difficulty!r}")
        for field in ("forbids", "allows"):
            if isinstance(getattr(self, field), str):
                raise ValueError(f"{self.name}: {field} must be a tuple of names, such as ('torch.softmax',)")
            object.__setattr__(self, field, tuple(getattr(self, field)))


@dataclass(frozen=True)
class Reference:
    """A further test of an exercise whose settings stand at another test."""

    name: str


def exercise(name, **settings):
    """Mark a test as one of this exercise.

    The first test of an exercise carries the settings, the others only the name:

        @exercise("softmax", points=2, minutes=10, difficulty=1, forbids=("torch.softmax",))
        def test_softmax_gives_probabilities(answers, rng): ...

        @exercise("softmax")
        def test_softmax_survives_large_scores(answers): ...

    Args:
        name: the function's name.
        settings: the fields of `Exercise`.
    """
    mark = Exercise(name, **settings) if settings else Reference(name)

    def decorate(test):
        test.exercise = mark
        return test

    return decorate


def gather(tests):
    """The exercises of these test functions, in order: {name: Exercise}.

    Raises:
        ValueError: for a test without exercise, and for settings that are missing or given twice.
    """
    order, settings = [], {}
    for test in dict.fromkeys(tests):
        mark = getattr(test, "exercise", None)
        if mark is None:
            raise ValueError(f"{test.__name__} belongs to no exercise: mark it with @exercise(name, ...)")
        order.append(mark.name)
        if isinstance(mark, Exercise):
            if settings.get(mark.name, mark) != mark:
                raise ValueError(f"{mark.name}: points and the like must stand at one test only")
            settings[mark.name] = mark
    missing = [name for name in order if name not in settings]
    if missing:
        raise ValueError(f"{missing[0]}: one of its tests must give points, minutes and difficulty")
    return {name: settings[name] for name in dict.fromkeys(order)}
