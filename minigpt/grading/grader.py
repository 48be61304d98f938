"""Grades a submission, `grade("03", "exercises.py")`, or a function on the spot, `check(softmax)`."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import minigpt
from minigpt.grading.plugin import SESSION
from minigpt.grading.report import Report, Result

TEST_FILES = ("test_exercises.py", "test_hidden.py")
PACKAGE = Path(minigpt.__file__).parents[1]
HIDDEN_LATER = "your instructor runs them"


class GradingError(ValueError):
    """The chapter itself cannot be graded with: no tests, or broken ones."""


def find_chapter(chapter):
    """The folder of a chapter.

    Args:
        chapter: a folder, or its number or name ("03", "cross_entropy", "03_cross_entropy"), which is looked for in
            the current folder, the folders above it, and beside the package.
    Raises:
        GradingError: if there is none.
    """
    given = Path(chapter)
    if (given / TEST_FILES[0]).is_file():
        return given.resolve()
    here = Path.cwd()
    places = [here, *here.parents, PACKAGE]
    name = str(chapter).strip("/")
    for place in places:
        for folder in [place, *sorted((place / "chapters").glob("*"))]:
            number, _, title = folder.name.partition("_")
            same_number = name.isdigit() and number.isdigit() and int(number) == int(name)
            if (same_number or name in (folder.name, title)) and (folder / TEST_FILES[0]).is_file():
                return folder
    raise GradingError(f"there is no chapter {chapter!r} with exercises: give its number, its name, or its folder")


def grade(chapter, submission=None, *, seed=None, isolation="auto", timeout=None):
    """Grade a submission.

    Args:
        chapter: number, name or folder.
        submission: exercises.py, a folder with it, or a notebook; None takes the chapter's own exercises.py.
        seed: of the tests' inputs; None draws one.
        isolation: "auto", "sandlock" or "limits".
        timeout: seconds for everything; None adds up the exercises' times.
    Returns:
        a `Report`.
    Raises:
        GradingError: if the chapter's tests are missing or broken, which is not the student's fault.
    """
    folder = find_chapter(chapter)
    path = folder / "exercises.py" if submission is None else Path(submission)
    if not os.path.lexists(path):
        raise FileNotFoundError(2, "there is no such submission", str(path))
    outcome = run_tests(folder, os.path.abspath(path), seed, isolation, timeout)
    values = outcome["chapters"][0]
    return Report(_title(folder), _results(values), values["problem"], values["isolation"], outcome["seed"],
                  round(outcome["seconds"], 3), _hidden(folder))  # fmt: skip


def run_tests(folder, answers, seed=None, isolation="auto", timeout=None):
    """Run a chapter's tests in a process of their own, away from the submission's folder; what the plugin reports."""
    with tempfile.TemporaryDirectory(prefix="minigpt-grade-") as private:
        report = Path(private) / "report.json"
        settings = Path(private) / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        command = [
            sys.executable, "-P", "-m", "pytest", *_pytest_arguments(folder), "-c", str(settings),
            f"--answers={answers}", f"--answers-isolation={isolation}", f"--answers-report={report}",
        ]  # fmt: skip
        if seed is not None:
            command.append(f"--answers-seed={seed}")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        paths = [str(PACKAGE), environment.get("PYTHONPATH")]
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
                        "PYTHONPATH": os.pathsep.join(filter(None, paths))}  # fmt: skip
        try:
            done = subprocess.run(command, cwd=private, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=timeout or 3600)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise GradingError(f"{folder.name}: grading took longer than {timeout} s") from None
        if done.returncode not in (0, 1) or not report.is_file():
            raise GradingError(f"{folder.name}: {_reason(done)}")
        outcome = json.loads(report.read_text(encoding="utf-8"))
    if not outcome["chapters"] or not outcome["chapters"][0]["tests"]:
        raise GradingError(f"{folder.name}: no test was run, so nothing can be said about any answer")
    return outcome


def _pytest_arguments(folder):
    tests = [str(folder / name) for name in TEST_FILES if (folder / name).is_file()]
    return [*tests, "-p", "minigpt.grading.plugin", "--noconftest", "--import-mode=importlib", f"--rootdir={folder}",
            "-p", "no:cacheprovider", "-q", "--tb=short"]  # fmt: skip


def _reason(done):
    if done.returncode == 5:
        return "no test was collected, so nothing can be said about any answer"
    lines = (done.stdout + done.stderr).splitlines()
    errors = [line.removeprefix("E ") for line in lines if line.startswith(("E  ", "ERROR:"))]
    reason = " ".join(errors[-1].split()) if errors else f"pytest ended with {done.returncode}"
    return f"the tests are broken: {reason}"


def _results(values):
    return [Result(**result) for result in values["exercises"]]


def _title(folder):
    return folder.name.replace("_", " ")


def _hidden(folder):
    manifest = folder.parent / "handout.json"
    if (folder / TEST_FILES[1]).is_file():
        return ""
    try:
        hidden = json.loads(manifest.read_text(encoding="utf-8"))["hidden"]
    except (OSError, ValueError, KeyError):
        return ""
    return HIDDEN_LATER if folder.name in hidden else ""


def check(*functions, chapter=".", seed=None):
    """Try functions right here, for feedback while writing. Unofficial: nothing is shut in, nothing is graded.

    Args:
        functions: the student's functions, named like the exercises.
        chapter: number, name or folder; by default the folder of the running notebook.
        seed: of the tests' inputs; None draws one.
    Returns:
        a `Report` on these exercises alone.
    """
    if not functions or not all(map(callable, functions)):
        raise TypeError("check(function) tries out a function; inside a test, write check_that(condition, hint)")
    folder = find_chapter(chapter)
    names = {function.__name__ for function in functions}
    collector = _Collector(functions, names)
    arguments = [*_pytest_arguments(folder), "-c", os.devnull]
    if seed is not None:
        arguments.append(f"--answers-seed={seed}")
    _forget_tests()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main(arguments, plugins=[collector])
    _forget_tests()
    if not collector.summary or not collector.summary["chapters"]:
        raise GradingError(f"{folder.name} has no exercise {' or '.join(sorted(names))}, or its tests are broken")
    results = _results(collector.summary["chapters"][0])
    missing = sorted(names - {result.name for result in results})
    if missing:
        raise GradingError(f"{folder.name} has no exercise {missing[0]!r}")
    return Report(_title(folder), results, seed=collector.summary["seed"], official=False)


class _Collector:
    """Hands functions of this process to the plugin, keeps only their tests, and takes the result."""

    def __init__(self, functions, names):
        self.names = names
        self.functions = {}
        for function in functions:  # an exercise may need another one
            self.functions |= {name: value for name, value in function.__globals__.items() if callable(value)}
        self.functions |= {function.__name__: function for function in functions}
        self.summary = None

    @staticmethod
    def _name(item):
        return getattr(getattr(item.obj, "exercise", None), "name", "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        """Runs before the plugin's own hook, which then knows of these tests only."""
        config.stash[SESSION].functions = self.functions
        items[:] = [item for item in items if self._name(item) in self.names]

    def pytest_sessionfinish(self, session):
        """Take what the plugin found out."""
        self.summary = session.config.stash[SESSION].summary()


def _forget_tests():
    """A chapter's tests are read anew each time; their modules all have the same name."""
    for name in [name for name in sys.modules if f"{name.rpartition('.')[2]}.py" in TEST_FILES]:
        del sys.modules[name]
