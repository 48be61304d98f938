"""Known answers: wrong ones that people really write, each with a hint, and right ones written differently.

They serve twice. They test the tests: every wrong one must fail, every right one pass. And they explain: if a student's
values equal those of a wrong answer on the same inputs, its hint is the student's.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigpt.grading.answers import ModuleBackend
from minigpt.grading.checks import AnswerError
from minigpt.grading.worker import module_from_text


@dataclass(frozen=True)
class Answer:
    """One way to write one exercise.

    Attributes:
        exercise: the function's name.
        title: what is special about this answer, for instructors.
        hint: what to tell a student who gave it; empty if the grader itself says enough.
        source: the function's text; it replaces that function in `solutions.py`.
    """

    exercise: str
    title: str
    hint: str = ""
    source: str = ""


def wrong(exercise, right):
    """A maker of wrong answers that are small changes in a right one.

    Args:
        exercise: the function's name.
        right: its text in a right answer.
    Returns:
        make(title, hint, *changes) -> `Answer`; each change is (old, new), and puts new wherever old stands.
    Raises:
        ValueError: from make, if an old text does not stand there.
    """

    def make(title, hint, *changes):
        source = right
        for old, new in changes:
            if old not in source:
                raise ValueError(f"{exercise}, {title}: {old!r} does not stand in the right answer")
            source = source.replace(old, new)
        return Answer(exercise, title, hint=hint, source=source)

    return make


class Bank:
    """The known answers of a chapter.

    Args:
        folder: the chapter's folder; without a bank.py or a solutions.py in it, the bank is empty.
        exercises: {name: Exercise}.
    """

    def __init__(self, folder, exercises):
        self.exercises = exercises
        self.wrong, self.right = [], []
        self._solutions = ""
        bank, solutions = Path(folder) / "bank.py", Path(folder) / "solutions.py"
        if bank.is_file() and solutions.is_file():
            module = module_from_text("bank", bank.read_text(encoding="utf-8"))
            self.wrong, self.right = list(module.WRONG), list(module.RIGHT)
            self._solutions = solutions.read_text(encoding="utf-8")
        self._backends = {}

    def source(self, answer=None):
        """The text of solutions.py, one function replaced by this answer."""
        if answer is None:
            return self._solutions
        tree = ast.parse(self._solutions)
        lines = self._solutions.splitlines()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == answer.exercise:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return "\n".join([*lines[: first - 1], answer.source.strip("\n"), *lines[node.end_lineno :]]) + "\n"
        raise ValueError(f"bank.py: solutions.py has no function {answer.exercise} to replace ({answer.title})")

    def backend(self, answer=None):
        """A backend that gives this answer (or the solution)."""
        if answer not in self._backends:
            functions = vars(module_from_text("exercises", self.source(answer)))
            self._backends[answer] = ModuleBackend(functions, self.exercises)
        return self._backends[answer]

    def hint(self, exercise, records):
        """The hint of the wrong answer that gives just these values, or "".

        Args:
            exercise: the `Exercise` that failed.
            records: lists of `Record`, one for each failed test; the first must match, and the more the better.
        """
        best, best_matches = "", 0
        for answer in self.wrong:
            if answer.exercise != exercise.name or not answer.hint or not records:
                continue
            matches = [self._matches(answer, exercise, test) for test in records]
            if matches[0] and sum(matches) > best_matches:
                best, best_matches = answer.hint, sum(matches)
        return best

    def _matches(self, answer, exercise, records):
        """Whether the wrong answer gives these values, and the right one does not."""
        calls = [record for record in records if record.outcome]
        if not calls or not all(_same(self._outcome(answer, exercise, call), call.outcome) for call in calls):
            return False
        return not all(_same(self._outcome(None, exercise, call), call.outcome) for call in calls)

    def _outcome(self, answer, exercise, record):
        try:
            reply = self.backend(answer).call(exercise, record.function, record.request, exercise.seconds)
        except AnswerError as error:
            return ("error", error.kind)
        if isinstance(reply.get("error"), dict):
            return ("error", reply["error"]["kind"])
        return ("value", reply["value"], reply["gradients"])


def _same(one, other):
    """Whether two outcomes are equal, as far as rounding lets them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if hasattr(one, "shape"):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        one, other = (np.asarray(_numpy(value)) for value in (one, other))
    elif not isinstance(one, (float, complex)):
        return one == other
    tolerance = 1e-4 if getattr(one, "dtype", None) in (np.float16, np.float32) else 1e-7
    with np.errstate(all="ignore"):
        return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance * 1e-3, equal_nan=True))


def _numpy(value):
    return value.detach().float().numpy() if hasattr(value, "detach") and "bfloat16" in str(value.dtype) else value


