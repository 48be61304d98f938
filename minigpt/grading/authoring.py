"""For authors of chapters: do the tests refuse every known mistake, and are the files in order?"""

import ast
import html
from dataclasses import dataclass
from pathlib import Path

from minigpt.grading.bank import Bank
from minigpt.grading.grader import find_chapter, run_tests

MIN_WRONG, MIN_RIGHT = 6, 2
HINT_SHARE = 0.9


@dataclass(frozen=True)
class KnownAnswer:
    """What became of one answer of the bank."""

    exercise: str
    kind: str
    """wrong or right"""
    title: str
    expected_hint: str
    failed: bool
    hint: str

    @property
    def is_as_expected(self):
        """Refused if wrong, accepted if right."""
        return self.failed == (self.kind == "wrong")

    @property
    def has_right_hint(self):
        """Whether the student is told what the bank says; where it says nothing, the grader's own words will do."""
        return bool(self.hint) if not self.expected_hint else self.hint == self.expected_hint


@dataclass(frozen=True)
class BankReport:
    """How the tests deal with the known answers; prints as a table."""

    chapter: str
    answers: list[KnownAnswer]

    @property
    def n_wrong(self):
        """Number of wrong answers in the bank."""
        return sum(answer.kind == "wrong" for answer in self.answers)

    @property
    def n_refused(self):
        """Number of wrong answers that the tests refuse."""
        return sum(answer.kind == "wrong" and answer.failed for answer in self.answers)

    @property
    def n_right(self):
        """Number of right answers in the bank."""
        return sum(answer.kind == "right" for answer in self.answers)

    @property
    def n_accepted(self):
        """Number of right answers that the tests accept."""
        return sum(answer.kind == "right" and not answer.failed for answer in self.answers)

    @property
    def n_hints(self):
        """Number of wrong answers whose hint is the right one."""
        return sum(answer.kind == "wrong" and answer.failed and answer.has_right_hint for answer in self.answers)

    @property
    def passed(self):
        """Every wrong one refused, nine of ten with the right hint, every right one accepted."""
        return (self.n_wrong > 0 and self.n_refused == self.n_wrong and self.n_accepted == self.n_right
                and self.n_hints >= HINT_SHARE * self.n_wrong)  # fmt: skip

    def __str__(self):
        lines = [f"{self.chapter}: {self.n_refused} of {self.n_wrong} wrong answers refused, {self.n_hints} with the "
                 f"right hint; {self.n_accepted} of {self.n_right} right answers accepted"]  # fmt: skip
        for answer in self.answers:
            if not answer.is_as_expected:
                said = "accepted" if answer.kind == "wrong" else f"refused: {answer.hint}"
                lines.append(f"  ✗ {answer.exercise}: {answer.kind} answer {answer.title!r} was {said}")
            elif answer.kind == "wrong" and not answer.has_right_hint:
                lines.append(f"  · {answer.exercise}: {answer.title!r} was told {answer.hint!r} "
                             f"instead of {answer.expected_hint!r}")  # fmt: skip
        return "\n".join(lines)

    def _repr_html_(self):
        return f"<pre>{html.escape(str(self))}</pre>"


def check_bank(chapter, seed=None):
    """Run every known answer through the tests.

    Args:
        chapter: number, name or folder.
        seed: of the tests' inputs; None draws one.
    Returns:
        a `BankReport`.
    """
    folder = find_chapter(chapter)
    (values,) = run_tests(folder, "bank", seed)["chapters"]
    grouped = {}
    for test in values["tests"]:
        grouped.setdefault((test["exercise"], *test["known"]), []).append(test)
    answers = []
    for (exercise, kind, title, expected), tests in grouped.items():
        failed = [test for test in tests if not test["passed"]]
        hints = [test["hint"] for test in failed]
        hint = expected if expected in hints else (hints or [""])[0]
        answers.append(KnownAnswer(exercise, kind, title, expected, bool(failed), hint))
    return BankReport(folder.name, answers)


def check_chapter(chapter):
    """What is amiss with a chapter's files: a list of sentences, empty if nothing is.

    Args:
        chapter: number, name or folder.
    """
    folder = find_chapter(chapter)
    values = run_tests(folder, str(folder / "exercises.py"))["chapters"][0]
    tested = {exercise["name"]: exercise for exercise in values["exercises"]}
    exercises, solutions = (_functions(folder / f"{name}.py") for name in ("exercises", "solutions"))
    problems = []
    for name, node in exercises.items():
        if name not in tested:
            problems.append(f"{name}: it has no test")
        if name not in solutions:
            problems.append(f"{name}: solutions.py has no such function")
        elif ast.unparse(node.args) != ast.unparse(solutions[name].args):
            problems.append(f"{name}: its parameters in solutions.py are others")
        problems += _about_signature(name, node)
    problems += [f"{name}: it is tested, but not in exercises.py" for name in tested if name not in exercises]
    problems += [f"{name}: the unfinished handout counts as {exercise['status']}, not as not started"
                 for name, exercise in tested.items() if exercise["status"] != "not started"]  # fmt: skip
    bank = Bank(folder, {})
    for name in tested:
        for kind, answers, least in (("wrong", bank.wrong, MIN_WRONG), ("right", bank.right, MIN_RIGHT)):
            number = sum(answer.exercise == name for answer in answers)
            if number < least:
                problems.append(f"{name}: the bank has {number} {kind} answers, fewer than {least}")
    unknown = {answer.exercise for answer in (*bank.wrong, *bank.right)} - set(tested)
    problems += [f"{name}: the bank answers it, but no test asks for it" for name in sorted(unknown)]
    return problems


def _functions(path):
    """{name: node} of a file's public functions."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in functions if not node.name.startswith("_")}


def _about_signature(name, node):
    text = ast.get_docstring(node) or ""
    parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    untyped = [parameter.arg for parameter in parameters
               if parameter.annotation is None]  # fmt: skip
    problems = [f"{name}: its docstring has no {part}" for part in ("Example", "Returns") if f"{part}:" not in text]
    if untyped:
        problems.append(f"{name}: {', '.join(untyped)} has no type")
    if node.returns is None:
        problems.append(f"{name}: its result has no type")
    if not any(isinstance(item, ast.Raise) and "NotImplementedError" in ast.unparse(item) for item in node.body):
        problems.append(f"{name}: it does not raise NotImplementedError")
    return problems
