"""Exercises, their answers, and grades that a student's code cannot forge.

The student's file runs in a worker process (`worker.py`, started by `sandbox.py`), values come back (`answers.py`), and
the comparison happens here (`checks.py`), under pytest (`plugin.py`). `grade` and `check` are the way in.

Names below are imported on first use.
"""

import importlib

_HOMES = {
    "Answer": "bank",
    "AnswerError": "checks",
    "CheckFailed": "checks",
    "Code": "worker",
    "Exercise": "exercises",
    "GradingError": "grader",
    "Report": "report",
    "check": "grader",
    "check_bank": "authoring",
    "check_chapter": "authoring",
    "check_close": "checks",
    "check_equal": "checks",
    "check_gradients": "checks",
    "check_raises": "checks",
    "check_that": "checks",
    "exercise": "exercises",
    "grade": "grader",
    "grade_class": "gradebook",
    "handout": "handouts",
    "nbgrader_assignment": "exports",
    "wrong": "bank",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'minigpt.grading' has no attribute {name!r}")
    return getattr(importlib.import_module(f"minigpt.grading.{_HOMES[name]}"), name)


def __dir__():
    return [*globals(), *__all__]
