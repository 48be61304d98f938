"""One submission: scores, hints, reports, what counts as a submission, and what the chapter's files must be like."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import tyro

from minigpt.grading import GradingError, check, check_bank, check_chapter, grade, wrong
from minigpt.grading.commands import GradeClassSettings, GradeSettings, HandoutSettings, grade_command
from minigpt.grading.grader import find_chapter
from minigpt.grading.report import Report

HERE = Path(__file__).parent
SMALL, DEMO = HERE / "small_chapter", HERE / "demo_chapter"

SOFTMAX = """
import numpy as np

def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
"""


@pytest.fixture
def chapter(tmp_path):
    """A copy of the small chapter, to be changed."""
    return Path(shutil.copytree(SMALL, tmp_path / "chapters" / "07_small"))


def grade_text(folder, text, tmp_path, **settings):
    path = tmp_path / "answer.py"
    path.write_text(text, encoding="utf-8")
    return grade(folder, path, **settings)


def statuses(report):
    return {result.name: result.status for result in report.results}


def test_the_reference_scores_100_and_the_blank_handout_0(capsys):
    reference, blank = grade(DEMO, DEMO / "solutions.py"), grade(DEMO)
    with capsys.disabled():
        print(f"\nreference {reference.score:g} in {reference.seconds:.1f} s, blank handout {blank.score:g}")
    assert reference.score == 100
    assert reference.passed
    assert blank.score == 0
    assert set(statuses(blank).values()) == {"not started"}


def test_every_wrong_answer_is_refused_with_its_hint_and_every_right_one_accepted(capsys):
    report = check_bank(DEMO)
    with capsys.disabled():
        print(f"\n{report}")
    assert report.n_refused == report.n_wrong == 25
    assert report.n_accepted == report.n_right == 8
    assert report.n_hints >= 0.9 * report.n_wrong
    assert report.passed


def test_a_hidden_test_decides_too(tmp_path):
    report = grade_text(SMALL, SOFTMAX, tmp_path)  # right but for large scores, which only the hidden test has
    assert statuses(report) == {"softmax": "wrong", "entropy": "not started"}
    assert report.earned == 0


def test_hints_from_the_bank_and_from_the_grader(tmp_path):
    report = grade_text(DEMO, """
import math
import numpy as np
import torch
import torch.nn.functional as F

def softmax(scores):
    return _helper(torch.from_numpy(scores)).numpy()

def _helper(tensor):
    return F.softmax(tensor, dim=-1)

def mean_loss(probabilities, targets):
    rows = np.arange(len(targets))
    return math.fsum(-np.log2(probabilities[rows, targets])) / rows.size

def scale(x, weight):
    return (weight * x / (x * x).mean(-1, keepdim=True) ** 0.5).data

def slope(function, x):
    while True:
        pass
""", tmp_path)  # fmt: skip
    hints = {result.name: result.hint for result in report.results}
    assert hints["softmax"] == "this exercise is to be solved without torch.softmax"
    assert hints["mean_loss"] == "this is in bits: take the natural logarithm"
    assert "cut off" in hints["scale"]
    assert "longer than 3 s" in hints["slope"]


def test_a_forbidden_function_is_also_caught_when_called_by_another_name(tmp_path):
    report = grade_text(DEMO, """
import torch
own = vars(torch)["soft" + "max"]
def softmax(scores):
    try:
        return own(torch.from_numpy(scores), dim=-1).numpy()
    except Exception:
        return torch.from_numpy(scores).numpy()
""", tmp_path)  # fmt: skip
    assert report.results[0].hint == "this exercise is to be solved without torch.softmax"


def test_an_argument_must_not_be_changed(tmp_path):
    text = SOFTMAX.replace("    return", "    scores -= scores.max(-1, keepdims=True)\n    return")
    report = grade_text(SMALL, text, tmp_path)
    assert report.results[0].hint == "it changes argument 1 in place: work on a copy"


def test_an_error_is_told_with_its_line(tmp_path):
    report = grade_text(SMALL, "def softmax(scores):\n    x = 1\n    return scores.nothing\n", tmp_path)
    assert report.results[0].hint.startswith("AttributeError (line 3)")


@pytest.mark.parametrize("text, told", [
    ("def softmax(scores:\n", "line 1"),
    ("import nothing_like_this\n", "ModuleNotFoundError, line 1"),
    ("raise ValueError('boom')\n", "ValueError, line 1: boom"),
])  # fmt: skip
def test_a_file_that_cannot_be_imported_says_why(tmp_path, text, told):
    report = grade_text(SMALL, text, tmp_path)
    assert report.score == 0
    assert told in str(report)


def test_inputs_differ_from_run_to_run_unless_the_seed_is_given(tmp_path):
    one, other = (grade(SMALL, SMALL / "solutions.py") for _ in range(2))
    assert one.seed != other.seed
    assert grade(SMALL, SMALL / "solutions.py", seed=5).seed == 5


def test_no_test_is_an_error_and_so_is_a_broken_one(chapter):
    (chapter / "test_hidden.py").unlink()
    tests = chapter / "test_exercises.py"
    tests.write_text("x = 1\n")
    with pytest.raises(GradingError, match="no test was collected"):
        grade(chapter, chapter / "solutions.py")
    tests.write_text("import nothing_like_this\n")
    with pytest.raises(GradingError, match=r"broken.*nothing_like_this"):
        grade(chapter, chapter / "solutions.py")
    tests.write_text("def test_without_exercise(answers):\n    pass\n")
    with pytest.raises(GradingError, match="belongs to no exercise"):
        grade(chapter, chapter / "solutions.py")


def test_a_folder_and_a_notebook_are_submissions_too(tmp_path):
    folder = tmp_path / "some student's work"
    folder.mkdir()
    shutil.copyfile(SMALL / "solutions.py", folder / "exercises.py")
    assert grade(SMALL, folder).score == 100
    text = (SMALL / "solutions.py").read_text().splitlines(keepends=True)
    cells = [{"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": ["%matplotlib inline\n", *text]},
             {"cell_type": "code", "metadata": {}, "source": "raise SystemExit"},
             {"cell_type": "markdown", "metadata": {}, "source": "text"}]  # fmt: skip
    (tmp_path / "chapter.ipynb").write_text(json.dumps({"cells": cells}))
    assert grade(SMALL, tmp_path / "chapter.ipynb").score == 100


def test_check_tries_one_function_here_and_says_that_it_is_unofficial(monkeypatch):
    def softmax(scores):
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    monkeypatch.chdir(SMALL)
    report = check(softmax)
    assert report.passed
    assert [result.name for result in report.results] == ["softmax"]
    assert "unofficial" in report._repr_html_()

    def entropy(probabilities):
        return 0.0

    assert not check(entropy).passed
    with pytest.raises(GradingError, match="no exercise"):
        check(grade_text)


def test_the_report_as_text_html_json_and_junit(tmp_path, capsys):
    files = {"json": tmp_path / "report.json", "junit": tmp_path / "report.xml"}
    settings = GradeSettings(str(SMALL), str(SMALL / "exercises.py"), str(files["json"]), str(files["junit"]))
    assert grade_command(settings) == 1
    printed = capsys.readouterr().out
    assert "0 of 3 points" in printed
    assert "not started" in printed
    report = Report.from_dict(json.loads(files["json"].read_text()))
    assert str(report) == printed.rstrip("\n")
    assert report._repr_html_().count("<tr>") == 3
    suite = ElementTree.parse(files["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert grade_command(GradeSettings(str(SMALL), str(SMALL / "solutions.py")), say=lambda line: None) == 0


def test_settings_come_from_the_command_line():
    settings = tyro.cli(GradeSettings, args=["04", "--submission", "a.py", "--seed", "5"])
    assert settings == GradeSettings("04", "a.py", seed=5)
    assert tyro.cli(HandoutSettings, args=["out", "--chapters", "03", "04"]).chapters == ("03", "04")
    settings = tyro.cli(GradeClassSettings, args=["04", "folder", "--late.penalty", "20", "--out", "g.csv"])
    assert (settings.submissions, settings.late.penalty, settings.out) == ("folder", 20, "g.csv")


def test_a_report_shows_neither_tests_nor_expected_numbers(tmp_path):
    report = grade_text(SMALL, "import numpy as np\ndef softmax(scores):\n    return scores * 0 + 0.2\n", tmp_path)
    everything = str(report) + report.to_json() + report.to_junit()
    assert "assert" not in everything
    assert "check_close" not in everything
    assert "array(" not in everything


def test_a_chapter_is_found_by_number_name_or_folder(chapter, monkeypatch):
    monkeypatch.chdir(chapter.parent.parent)
    for name in ("07", "7", "small", "07_small", str(chapter), "chapters/07_small"):
        assert find_chapter(name) == chapter
    monkeypatch.chdir(chapter)
    assert find_chapter("07") == find_chapter(".") == chapter
    with pytest.raises(GradingError, match="no chapter '99'"):
        find_chapter("99")
    with pytest.raises(FileNotFoundError):
        grade(chapter, "nothing.py")


def test_what_is_amiss_with_a_chapter_is_listed(chapter):
    assert check_chapter(DEMO) == []
    text = (chapter / "exercises.py").read_text()
    (chapter / "exercises.py").write_text(text.replace("probabilities: list[float]", "p").replace("Example:", "", 1))
    problems = "\n".join(check_chapter(chapter))
    assert "entropy: its parameters in solutions.py are others" in problems
    assert "entropy: p has no type" in problems
    assert "softmax: its docstring has no Example" in problems
    assert "softmax: the bank has 0 wrong answers, fewer than 6" in problems


def test_pytest_itself_runs_a_chapter_with_the_answers_that_are_named(chapter, pytestconfig):
    import subprocess
    import sys

    (chapter.parent / "conftest.py").write_text((HERE.parents[1] / "chapters" / "conftest.py").read_text())
    for answers, status in (("solutions", 0), ("exercises", 1), (str(chapter / "solutions.py"), 0)):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(chapter), f"--answers={answers}"]
        done = subprocess.run(command, cwd=chapter.parent, capture_output=True, text=True)
        assert done.returncode == status, done.stdout
    assert "3 passed" in done.stdout


def test_a_wrong_answer_is_made_by_changing_a_right_one():
    double = wrong("double", "def double(x):\n    return x + x\n")
    answer = double("squared", "add, do not multiply", ("x + x", "x * x"), ("double(x)", "double(x, *more)"))
    assert answer.source == "def double(x, *more):\n    return x * x\n" and answer.hint == "add, do not multiply"
    with pytest.raises(ValueError, match="double, halved: 'x - x' does not stand in the right answer"):
        double("halved", "", ("x - x", "0"))
