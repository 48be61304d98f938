"""A class: grades, resuming, lateness, resemblance, feedback, exports, and the students' tree."""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigpt.grading import GradingError, grade, handout, nbgrader_assignment
from minigpt.grading.commands import GradeClassSettings, HandoutSettings, grade_class_command, handout_command
from minigpt.grading.gradebook import Gradebook, Lateness, Row, find_submissions, grade_class
from minigpt.grading.report import Report, Result
from minigpt.grading.similarity import similar_pairs

HERE = Path(__file__).parent
SMALL = HERE / "small_chapter"
SOLUTION = (SMALL / "solutions.py").read_text()
WRONG = SOLUTION.replace("return -sum", "return sum")


@pytest.fixture
def submissions(tmp_path):
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.py").write_text(SOLUTION)
    (folder / "bob").mkdir()
    (folder / "bob" / "exercises.py").write_text(WRONG)
    shutil.copyfile(SMALL / "exercises.py", folder / "zoë müller.py")
    return folder


def read(path):
    with open(path, newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_a_class_is_graded_into_a_table_with_feedback_and_goes_on_where_it_stopped(submissions, tmp_path, capsys):
    dates = tmp_path / "dates.csv"
    dates.write_text("student,submitted,deadline\nada,2026-05-02T12:00,\nbob,2026-05-02T12:00,2026-05-09\n")
    late = Lateness("2026-05-01T00:00", str(dates), penalty=15)
    out = tmp_path / "grades.csv"
    book = grade_class(SMALL, submissions, out, seed=3, lateness=late, gradescope=True)
    rows = read(out)
    assert {name: (float(row["score"]), float(row["final"]), row["late_days"]) for name, row in rows.items()} == {
        "ada": (100.0, 70.0, "2"), "bob": (66.67, 66.67, "0"), "zoë müller": (0.0, 0.0, "0")}
    assert rows["bob"]["softmax"] == "2"
    assert rows["bob"]["entropy"] == "0"
    assert rows["ada"]["isolation"] in ("sandlock", "limits")
    feedback = (tmp_path / "grades" / "feedback" / "bob.md").read_text()
    assert "the sign is wrong" in feedback
    assert "check_close" not in feedback
    results = json.loads((tmp_path / "grades" / "gradescope" / "ada.json").read_text())
    assert results["score"] == 3
    assert [(test["name"], test["score"], test["max_score"]) for test in results["tests"]] == [
        ("softmax", 2, 2), ("entropy", 1, 1)]
    assert "| entropy | 1 | 1 | 1 |" in book.summary()
    assert (tmp_path / "grades" / "summary.md").read_text().startswith("# small chapter: 3 submissions")

    reports = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "grades" / "reports").iterdir()}
    (submissions / "bob" / "exercises.py").write_text(SOLUTION)
    settings = GradeClassSettings(str(SMALL), str(submissions), str(out))
    assert grade_class_command(settings, say=lambda line: None) == 0
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "grades" / "reports").iterdir()}
    assert {name for name in again if again[name] != reports[name]} == {"bob.json"}
    assert float(read(out)["bob"]["score"]) == 100
    assert {row["seed"] for row in read(out).values()} == {"3"}


def test_nobody_is_graded_when_the_solution_itself_fails(submissions, tmp_path):
    chapter = Path(shutil.copytree(SMALL, tmp_path / "07_small"))
    (chapter / "solutions.py").write_text(WRONG)
    with pytest.raises(GradingError, match="its own solution gets"):
        grade_class(chapter, submissions, tmp_path / "grades.csv")
    assert not (tmp_path / "grades.csv").exists()


def test_submissions_are_found_and_named_apart(tmp_path):
    for name in ("ada.py", "ada.ipynb", "notes.txt", ".hidden.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "ada").mkdir()
    assert sorted(find_submissions(tmp_path)) == ["ada", "ada.ipynb", "ada.py"]
    with pytest.raises(ValueError, match="no submissions"):
        find_submissions(tmp_path / "ada")
    with pytest.raises(NotADirectoryError):
        find_submissions(tmp_path / "nothing")


def test_lateness_counts_days_begun_and_stops_at_its_limit(tmp_path):
    dates = tmp_path / "dates.csv"
    dates.write_text("student,submitted\na,2026-05-01T23:59\nb,2026-05-02T00:00\nc,2026-06-30\n")
    late = Lateness("2026-05-01T23:59", str(dates), penalty=10, most=50)
    assert late.days_late() == {"a": 0, "b": 1, "c": 60}
    assert [late.share_lost(days) for days in (0, 1, 60)] == [0, 10, 50]
    dates.write_text("student,submitted\na,yesterday\n")
    with pytest.raises(ValueError, match="'yesterday' is not a date"):
        late.days_late()


def test_copies_are_found_also_with_other_names_and_strangers_are_not():
    long = SOLUTION + "\n".join(f"def helper_{i}(x, y):\n    return [x * {i} for z in range(y) if z % {i + 2}]\n"
                                for i in range(6))  # fmt: skip
    renamed = long.replace("weights", "w").replace("helper", "aid").replace("x", "q")
    stranger = "\n".join(f"def other_{i}(a):\n    while a > {i}:\n        a = a // 2 - {i}\n    return {{a: {i}}}\n"
                         for i in range(8))  # fmt: skip
    pairs = similar_pairs({"ada": long, "bob": long + "\n# mine\n", "eve": renamed, "sam": stranger}, threshold=0.8)
    assert {(pair.first, pair.second) for pair in pairs} == {("ada", "bob"), ("ada", "eve"), ("bob", "eve")}
    assert pairs[0].text == 1
    assert pairs[-1].text < 0.5
    assert pairs[-1].structure == 1
    assert similar_pairs({"ada": long, "bob": long}, skeleton=long) == []


def test_the_students_tree_holds_nothing_that_gives_answers_away(tmp_path):
    chapters = tmp_path / "source" / "chapters"
    shutil.copytree(SMALL, chapters / "07_small")
    shutil.copytree(HERE / "demo_chapter", chapters / "08_demo")
    out = tmp_path / "out"
    settings = HandoutSettings(str(out), (str(chapters / "07_small"), str(chapters / "08_demo")))
    assert handout_command(settings, say=lambda line: None) == 0
    names = {path.name for path in out.rglob("*")}
    assert {"exercises.py", "test_exercises.py", "README.md", "handout.json"} <= names
    assert not names & {"solutions.py", "bank.py", "test_hidden.py"}
    blank = grade(out / "chapters" / "07_small")
    assert blank.score == 0
    assert blank.hidden == "your instructor runs them"
    assert grade(out / "chapters" / "07_small", SMALL / "solutions.py").score == 100
    with pytest.raises(ValueError, match="not empty"):
        handout(out)


def test_a_class_without_submissions_has_a_summary():
    assert "no submissions" in Gradebook("03", []).summary()
    report = Report("03", [Result("softmax", 2, "done")])
    assert Row("ada", report, 1, 25).final == 75


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_class_of_a_hundred_takes_at_most_twelve_minutes(tmp_path, capsys):
    folder = tmp_path / "submissions"
    folder.mkdir()
    demo = HERE / "demo_chapter"
    for number in range(100):
        source = demo / ("solutions.py" if number % 3 else "exercises.py")
        (folder / f"student {number}.py").write_text(source.read_text() + f"\nNUMBER = {number}\n")
    started = time.monotonic()
    book = grade_class(demo, folder, tmp_path / "grades.csv")
    minutes = (time.monotonic() - started) / 60
    with capsys.disabled():
        print(f"\na class of 100 submissions: {minutes:.1f} minutes")
    assert [row.report.score for row in book.rows].count(100) == 66
    assert minutes <= 12


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed")
def test_nbgrader_itself_accepts_the_assignment(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("get_config().CourseDirectory.course_id = 'demo'\n")
    nbgrader_assignment(SMALL, tmp_path, "ps")

    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic

    def nbgrader(*arguments):
        command = [sys.executable, "-m", "nbgrader", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=200, env=os.environ | {"PATH": programs})

    nbgrader("generate_assignment", "ps", "--create")
    release, source = tmp_path / "release" / "ps", tmp_path / "source" / "ps"
    assert "BEGIN SOLUTION" not in (release / "ps.ipynb").read_text()
    assert "np.exp" not in (release / "ps.ipynb").read_text()
    shutil.copytree(source, tmp_path / "submitted" / "good" / "ps")
    shutil.copytree(release, tmp_path / "submitted" / "blank" / "ps")
    nbgrader("autograde", "ps", "--create")
    nbgrader("export")
    with open(tmp_path / "grades.csv", newline="") as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert scores == {"good": (3, 3), "blank": (0, 3)}
