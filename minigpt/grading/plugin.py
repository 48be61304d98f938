"""The pytest plugin behind chapters: `answers`, `rng` and `seed`, and a report of what passed.

    pytest chapters/03_cross_entropy --answers=solutions

The tests run here, in the trusted process. The file named by `--answers` is only ever imported in a worker.
"""

import json
import secrets
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from minigpt.grading.answers import Answers, ForbiddenUseError, ModuleBackend, NotStartedError, WorkerBackend
from minigpt.grading.bank import Bank
from minigpt.grading.checks import AnswerError, CheckFailed
from minigpt.grading.exercises import gather
from minigpt.grading.submission import SubmissionError, forbidden_uses, parse, read_submission

SESSION = pytest.StashKey()


def pytest_addoption(parser):
    """The options of `pytest chapters/…`."""
    group = parser.getgroup("minigpt")
    group.addoption("--answers", default="exercises", metavar="FILE",
                    help="what to grade: exercises, solutions, bank, or a file, folder or notebook")  # fmt: skip
    group.addoption("--answers-seed", type=int, default=None, metavar="N",
                    help="seed of the tests' inputs; other inputs at each run without it")  # fmt: skip
    group.addoption("--answers-isolation", default="auto", choices=("auto", "sandlock", "limits"),
                    help="how the worker is shut in")  # fmt: skip
    group.addoption("--answers-report", default="", metavar="FILE", help="write a JSON report for minigpt grade")


def pytest_configure(config):
    """Begin a session."""
    config.stash[SESSION] = Session(config)


def pytest_unconfigure(config):
    """End the workers."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


def pytest_generate_tests(metafunc):
    """With --answers=bank, every test meets every known answer of its exercise."""
    if metafunc.config.getoption("answers") != "bank" or "answers" not in metafunc.fixturenames:
        return
    mark = getattr(metafunc.function, "exercise", None)
    bank = Bank(metafunc.definition.path.parent, {})
    known = [answer for answer in (*bank.wrong, *bank.right) if mark is not None and answer.exercise == mark.name]
    kinds = ["wrong" if answer in bank.wrong else "right" for answer in known]
    ids = [f"{kind}: {answer.title}" for kind, answer in zip(kinds, known)]
    metafunc.parametrize("answers", list(zip(kinds, known)), indirect=True, ids=ids)


def pytest_collection_modifyitems(session, config, items):
    """Find out which exercises there are, and start the workers."""
    config.stash[SESSION].collect(items)


@pytest.fixture
def answers(request):
    """The student's functions, called in another process."""
    session = request.config.stash[SESSION]
    proxy = session.proxy(request.node, getattr(request, "param", None))
    request.node.stash[SESSION] = proxy
    return proxy


@pytest.fixture
def seed(request):
    """An integer that differs from run to run, and from test to test."""
    base = request.config.stash[SESSION].seed
    return int(np.random.SeedSequence([base, zlib.crc32(request.node.name.encode())]).generate_state(1)[0])


@pytest.fixture
def rng(seed):
    """A NumPy generator, with other numbers at each run."""
    return np.random.default_rng(seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show a hint instead of the test's source, and remember the outcome."""
    report = yield
    proxy = item.stash.get(SESSION, None)
    session = item.config.stash[SESSION]
    if getattr(getattr(item, "function", None), "exercise", None) is None or call.when == "teardown":
        return report
    if call.when == "setup" and call.excinfo is None:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    skipped = isinstance(error, pytest.skip.Exception)
    if not skipped:
        outcome = session.note(item, proxy, error, call.duration)
        if isinstance(error, (CheckFailed, AnswerError)):
            report.longrepr = outcome["hint"]
    return report


def pytest_sessionfinish(session, exitstatus):
    """Write the report."""
    target = session.config.getoption("answers_report")
    if target:
        grading = session.config.stash[SESSION]
        Path(target).write_text(json.dumps(grading.summary()), encoding="utf-8")


class Session:
    """What one run of pytest knows about the chapters it tests."""

    def __init__(self, config):
        self.answers = config.getoption("answers")
        self.isolation = config.getoption("answers_isolation")
        self.functions = None
        """functions of this process, for unofficial feedback (`check`)"""
        wanted = config.getoption("answers_seed")
        self.seed = secrets.randbits(32) if wanted is None else wanted
        self.start_folder = Path(config.invocation_params.dir)
        self.chapters = {}
        self.outcomes = []
        self.started = time.monotonic()

    def collect(self, items):
        """Learn the exercises from the tests; start the workers that will be needed."""
        tests = {}
        for item in items:
            if "answers" in getattr(item, "fixturenames", ()):
                tests.setdefault(item.path.parent, []).append(item.function)
        for folder, functions in tests.items():
            try:
                exercises = gather(functions)
            except ValueError as error:
                raise pytest.UsageError(f"{folder.name}: {error}") from None
            self.chapters[folder] = Chapter(folder, exercises, self)

    def proxy(self, item, known):
        """The `answers` of one test."""
        chapter = self.chapters[item.path.parent]
        exercise = chapter.exercises[item.function.exercise.name]
        return chapter.proxy(exercise, known)

    def note(self, item, proxy, error, seconds):
        """Remember how a test ended."""
        chapter = self.chapters[item.path.parent]
        exercise = chapter.exercises[item.function.exercise.name]
        records = proxy.records if proxy is not None else []
        known = item.callspec.params.get("answers") if hasattr(item, "callspec") else None
        if isinstance(error, AnswerError) and error.kind == "Died":
            chapter.died[exercise.name] = error.text
        outcome = {
            "chapter": str(chapter.folder), "exercise": exercise.name, "test": item.function.__name__,
            "hidden": item.path.name == "test_hidden.py", "passed": error is None, "seconds": seconds,
            "status": _status(error), "hint": chapter.explain(exercise, error, [records]),
            "known": None if known is None else [known[0], known[1].title, known[1].hint],
        }  # fmt: skip
        self.outcomes.append((outcome, error, records))
        return outcome

    def summary(self):
        """Everything that happened, as plain values."""
        chapters = []
        for folder, chapter in self.chapters.items():
            mine = [entry for entry in self.outcomes if entry[0]["chapter"] == str(folder)]
            chapters.append({
                "folder": str(folder), "problem": chapter.problem, "isolation": chapter.isolation,
                "exercises": [chapter.result(exercise, mine) for exercise in chapter.exercises.values()],
                "tests": [outcome for outcome, _, _ in mine],
            })  # fmt: skip
        return {"seed": self.seed, "seconds": time.monotonic() - self.started, "chapters": chapters}

    def close(self):
        """End the workers."""
        for chapter in self.chapters.values():
            chapter.close()


class Chapter:
    """The exercises of one folder and the answers to them."""

    def __init__(self, folder, exercises, session):
        self.folder = folder
        self.exercises = exercises
        self.bank = Bank(folder, exercises)
        self.died = {}
        self.problem = ""
        self.forbidden = {}
        self.backend = None
        self._forbidden_of_known = {}
        if session.functions is not None:
            self.backend = ModuleBackend(session.functions, exercises)
        elif session.answers != "bank":
            self._open(session)

    def _open(self, session):
        named = {name: self.folder / f"{name}.py" for name in ("exercises", "solutions")}
        path = named.get(session.answers) or session.start_folder / session.answers
        try:
            text = read_submission(path)
            self.forbidden = forbidden_uses(parse(text), self.exercises)
        except SubmissionError as error:
            self.problem = str(error)
            return
        self.backend = WorkerBackend(text, self.exercises, session.isolation, hidden=[self.folder])
        self.backend.start()

    @property
    def isolation(self):
        """How the worker was shut in; "" if there was none."""
        return self.backend.isolation if self.backend is not None else ""

    def proxy(self, exercise, known=None):
        """The `answers` of a test, or what stands in the way of them."""
        if known is not None:
            backend, forbidden = self.bank.backend(known[1]), self._known_forbidden(known[1])
        else:
            backend, forbidden = self.backend, self.forbidden
        if self.problem:
            raise AnswerError("ImportError", self.problem)
        if exercise.name in forbidden:
            raise ForbiddenUseError(_without(forbidden[exercise.name]))
        if exercise.name in self.died and known is None:
            raise AnswerError("Died", self.died[exercise.name])
        return Answers(backend, exercise)

    def _known_forbidden(self, answer):
        if answer not in self._forbidden_of_known:
            only = {answer.exercise: self.exercises[answer.exercise]}
            self._forbidden_of_known[answer] = forbidden_uses(parse(self.bank.source(answer)), only)
        return self._forbidden_of_known[answer]

    def explain(self, exercise, error, records):
        """A hint for the student: what the mistake may be."""
        if error is None:
            return ""
        if type(error) not in (CheckFailed, AnswerError, AssertionError) and isinstance(error, CheckFailed):
            return str(error)  # not started, forbidden, changed in place, cut off: the grader knows
        if isinstance(error, AnswerError) and error.kind in ("Died", "ImportError"):
            return error.text
        known = self.bank.hint(exercise, records) if self.bank.wrong else ""
        if known:
            return known
        if isinstance(error, AnswerError) and error.kind == "UnreadableValueError":
            return f"it returned {error.text}"
        if isinstance(error, (CheckFailed, AnswerError)):
            return str(error)
        if isinstance(error, AssertionError):
            return "a check of the result failed"
        return f"the result cannot be used ({type(error).__name__}): is it of the kind that the docstring asks for?"

    def result(self, exercise, outcomes):
        """What one exercise is worth."""
        mine = [entry for entry in outcomes if entry[0]["exercise"] == exercise.name and entry[0]["known"] is None]
        failed = [entry for entry in mine if not entry[0]["passed"]]
        result = {"name": exercise.name, "points": exercise.points, "minutes": exercise.minutes,
                  "difficulty": exercise.difficulty, "tests": len(mine), "passed": len(mine) - len(failed),
                  "seconds": sum(entry[0]["seconds"] for entry in mine), "status": "done", "hint": ""}  # fmt: skip
        if failed:
            result["status"] = failed[0][0]["status"]
            result["hint"] = self.explain(exercise, failed[0][1], [entry[2] for entry in failed])
        elif not mine:
            result.update(status="wrong", hint="no test of this exercise was run")
        return result

    def close(self):
        """End the worker."""
        if self.backend is not None:
            self.backend.close()


def _status(error):
    if error is None:
        return "done"
    return "not started" if isinstance(error, NotStartedError) else "wrong"


def _without(names):
    words = {"@": "the operator @", "for": "a for loop", "while": "a while loop"}
    return "this exercise is to be solved without " + " and ".join(words.get(name, name) for name in names)
