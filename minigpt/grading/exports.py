"""Grades and exercises in the formats of other systems: Gradescope's results.json, and an nbgrader assignment."""

import ast
import json
import re
import shutil
from pathlib import Path

from minigpt.grading.grader import TEST_FILES, find_chapter, run_tests

NBGRADER_SCHEMA = 3


def gradescope_results(report):
    """The content of Gradescope's results.json.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    tests = [
        {"name": result.name, "score": result.earned, "max_score": result.points, "visibility": "visible",
         "status": "passed" if result.status == "done" else "failed", "output": result.hint or result.status}
        for result in report.results
    ]  # fmt: skip
    return {"score": report.earned, "execution_time": report.seconds, "visibility": "visible",
            "output": report.problem or f"{report.earned:g} of {report.points:g} points", "tests": tests,
            "extra_data": {"isolation": report.isolation, "seed": report.seed}}  # fmt: skip


def nbgrader_assignment(chapter, course, name=""):
    """Write a chapter's exercises as an nbgrader assignment: course/source/NAME/NAME.ipynb.

    Each exercise becomes a solution cell, which `nbgrader generate_assignment` empties, and a graded test cell.
    nbgrader runs the student's code and the tests in one process, so its grades can be forged; those of
    `minigpt grade-class` cannot.

    Args:
        chapter: number, name or folder, with its solutions.
        course: nbgrader's course folder.
        name: of the assignment; the chapter's name by default.
    Returns:
        the path of the notebook.
    """
    folder = find_chapter(chapter)
    name = name or folder.name
    target = Path(course) / "source" / name
    target.mkdir(parents=True, exist_ok=True)
    (outcome,) = run_tests(folder, str(folder / "exercises.py"))["chapters"]
    exercises = {values["name"]: values for values in outcome["exercises"]}
    unfinished, finished = ((folder / f"{file}.py").read_text(encoding="utf-8") for file in ("exercises", "solutions"))
    heading = f"# {folder.name.replace('_', ' ')}\n\nFill in each function, then run the cell below it."
    first = f"{name}-imports"
    cells = [_cell("markdown", f"{name}-title", heading),
             _cell("code", first, _imports(finished), _nbgrader(first, locked=True))]  # fmt: skip
    for title, values in exercises.items():
        cells.append(_cell("code", title, _solution(title, unfinished, finished), _nbgrader(title, solution=True)))
        test = (f"from minigpt.grading import check\n\nreport = check({title}, chapter=\".\")\nprint(report)\n"
                "assert report.passed, report.results[0].hint")  # fmt: skip
        marks = _nbgrader(f"test-{title}", grade=True, locked=True, points=values["points"])
        cells.append(_cell("code", f"test-{title}", test, marks))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path = target / f"{name}.ipynb"
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copyfile(folder / TEST_FILES[0], target / TEST_FILES[0])
    return path


def _cell(kind, identity, source, nbgrader=None):
    metadata = {"nbgrader": nbgrader} if nbgrader else {}
    cell = {"cell_type": kind, "id": re.sub(r"[^A-Za-z0-9_-]", "-", identity)[:64], "metadata": metadata,
            "source": source.splitlines(keepends=True)}  # fmt: skip
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _nbgrader(identity, grade=False, solution=False, locked=False, points=None):
    marks = {"grade": grade, "grade_id": identity, "locked": locked, "schema_version": NBGRADER_SCHEMA,
             "solution": solution, "task": False}  # fmt: skip
    return marks | ({"points": points} if grade else {})


def _imports(text):
    """What solutions.py has at its top: imports, constants and helpers, without the exercises."""
    tree = ast.parse(text)
    kept = [ast.get_source_segment(text, node) for node in tree.body
            if not (isinstance(node, ast.FunctionDef) and not node.name.startswith("_"))
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]  # fmt: skip
    return "\n".join(kept)


def _solution(name, unfinished, finished):
    """The handout's signature and docstring with the solution's body between nbgrader's marks."""
    old, new = (next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
                for text in (unfinished, finished))  # fmt: skip
    body = [node for node in new.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    lines = unfinished.splitlines()
    head = lines[old.lineno - 1 : old.body[-1].lineno - 1]
    solution = finished.splitlines()[body[0].lineno - 1 : new.end_lineno]
    return "\n".join([*head, "    ### BEGIN SOLUTION", *solution, "    ### END SOLUTION"])


