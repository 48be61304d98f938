"""What the command line calls: settings as frozen dataclasses, and one function for each command.

Each function prints through `say` and gives the exit status: 0 only where everything passed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

Isolation = Literal["auto", "sandlock", "limits"]


@dataclass(frozen=True)
class GradeSettings:
    """Grade your answers to a chapter's exercises."""

    chapter: Positional[str]
    """number, name or folder of the chapter"""
    submission: str = ""
    """exercises.py, a folder with it, or the chapter's notebook; empty means the chapter's own exercises.py"""
    json: str = ""
    """file to write the report to, as JSON"""
    junit: str = ""
    """file to write the report to, as JUnit XML"""
    seed: int | None = None
    """seed of the tests' inputs; other inputs at each run without it"""
    isolation: Isolation = "auto"
    """how your code is shut in while it runs"""


def grade_command(settings, say=print):
    """Grade one submission; 0 if all of it is right, else 1."""
    from minigpt.grading.grader import grade

    report = grade(settings.chapter, settings.submission or None, seed=settings.seed, isolation=settings.isolation)
    say(str(report))
    if settings.json:
        Path(settings.json).write_text(report.to_json() + "\n", encoding="utf-8")
    if settings.junit:
        Path(settings.junit).write_text(report.to_junit(), encoding="utf-8")
    return 0 if report.passed else 1


@dataclass(frozen=True)
class HandoutSettings:
    """Write the tree that students get: without solutions, known answers and hidden tests."""

    out: Positional[str]
    """folder to make"""
    chapters: tuple[str, ...] = ()
    """numbers or names; all chapters with exercises by default"""
    nbgrader: str = ""
    """also write the chapters as assignments into this nbgrader course folder (its grades can be forged)"""


def handout_command(settings, say=print):
    """Write the students' tree; 0."""
    from minigpt.grading.handouts import handout

    written = handout(settings.out, settings.chapters)
    say(f"{settings.out}: {len(written)} chapters, without solutions: {', '.join(path.name for path in written)}")
    if settings.nbgrader:
        from minigpt.grading.exports import nbgrader_assignment

        for folder in written:
            say(f"{nbgrader_assignment(folder.name, settings.nbgrader)}: assignment for nbgrader")
    return 0


@dataclass(frozen=True)
class LatenessSettings:
    """Late submissions."""

    deadline: str = ""
    """date and time, such as 2026-05-01T23:59"""
    dates: str = ""
    """CSV file with the columns student, submitted and, for those who have another one, deadline"""
    penalty: float = 10.0
    """percent of the score lost for each day begun"""
    most: float = 100.0
    """percent lost at most"""


@dataclass(frozen=True)
class GradeClassSettings:
    """Grade a folder of submissions into a table, with feedback for each student."""

    chapter: Positional[str]
    """number, name or folder of the chapter, with its solutions"""
    submissions: Positional[str]
    """folder with one .py, .ipynb or folder for each student"""
    out: str = "grades.csv"
    """CSV file to write; reports and feedback go to a folder beside it"""
    seed: int | None = None
    """seed of the tests' inputs, the same for everybody; kept for the next run"""
    jobs: int = 0
    """how many to grade at a time; 0 means one for each core"""
    isolation: Isolation = "auto"
    """how submissions are shut in while they run"""
    late: LatenessSettings = field(default_factory=LatenessSettings)
    similarity: float = 0.8
    """report pairs that resemble each other at least so much, from 0 to 1"""
    gradescope: bool = False
    """also write Gradescope's results.json for each student"""


def grade_class_command(settings, say=print):
    """Grade a class; 0 if every submission could be graded, else 1."""
    from minigpt.grading.gradebook import Lateness, grade_class

    late = Lateness(**vars(settings.late))
    book = grade_class(settings.chapter, settings.submissions, settings.out, seed=settings.seed, jobs=settings.jobs,
                       isolation=settings.isolation, lateness=late, threshold=settings.similarity,
                       gradescope=settings.gradescope, progress=True)  # fmt: skip
    say(book.summary())
    say(f"\n{settings.out}: {len(book.rows)} grades")
    return 0 if all(not row.report.problem for row in book.rows) else 1
