"""Grades a class: all submissions in a folder, side by side, into a table, with feedback for each student.

    gradebook = grade_class("03", "submissions/", out="grades.csv", seed=2024)

Beside `grades.csv` stands a folder `grades/` with each student's report (JSON) and feedback (Markdown), a summary, and
the list of submissions that resemble each other. A run that was interrupted goes on where it stopped; a submission that
has changed is graded again.
"""

import csv
import hashlib
import json
import math
import os
import re
import secrets
import statistics
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from minigpt.grading.exports import gradescope_results
from minigpt.grading.grader import TEST_FILES, GradingError, find_chapter, grade
from minigpt.grading.report import Report
from minigpt.grading.similarity import similar_pairs
from minigpt.grading.submission import SubmissionError, read_submission

SUBMISSION_SECONDS = 600


@dataclass(frozen=True)
class Lateness:
    """What a late submission loses."""

    deadline: str = ""
    """date and time, such as 2026-05-01T23:59"""
    dates: str = ""
    """CSV file with the columns student, submitted and, for those who have another one, deadline"""
    penalty: float = 10.0
    """percent of the score for each day begun"""
    most: float = 100.0
    """percent that are lost at most"""

    def days_late(self):
        """{student: days begun after the deadline}, for everybody in the file."""
        if not self.dates:
            return {}
        with open(self.dates, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        late = {}
        for row in rows:
            if not {"student", "submitted"} <= row.keys():
                raise ValueError(f"{self.dates}: it needs the columns student and submitted")
            deadline = row.get("deadline") or self.deadline
            if not deadline:
                raise ValueError(f"{self.dates}: no deadline for {row['student']!r}, neither there nor in the settings")
            seconds = (_moment(row["submitted"]) - _moment(deadline)).total_seconds()
            late[row["student"]] = max(0, math.ceil(seconds / 86400))
        return late

    def share_lost(self, days):
        """Percent of the score that so many days cost."""
        return min(self.most, self.penalty * days)


@dataclass(frozen=True)
class Row:
    """One student's line."""

    student: str
    report: Report
    late_days: int = 0
    lost: float = 0.0
    """percent of the score lost for lateness"""

    @property
    def final(self):
        """The score after the penalty, from 0 to 100."""
        return round(self.report.score * (1 - self.lost / 100), 2)


@dataclass(frozen=True)
class Gradebook:
    """The grades of a class; prints as a summary."""

    chapter: str
    rows: list[Row]
    pairs: list = field(default_factory=list)
    seed: int = 0

    def __str__(self):
        return self.summary()

    def summary(self):
        """Distribution, hardest exercises, commonest mistakes, and what to look at; as Markdown."""
        scores = [row.final for row in self.rows]
        lines = [f"# {self.chapter}: {len(scores)} submissions", ""]
        if not scores:
            return "\n".join([*lines, "no submissions"])
        lines += [f"mean {statistics.mean(scores):.1f} %, median {statistics.median(scores):.1f} %, "
                  f"{sum(row.report.passed for row in self.rows)} complete", "", "```"]  # fmt: skip
        for low in range(0, 100, 10):
            count = sum(low <= score < low + 10 or (low == 90 and score == 100) for score in scores)
            lines.append(f"{low:3d}–{low + 10:3d} %  {'█' * count}{' ' if count else ''}{count}")
        lines += ["```", "", "## Exercises, the hardest first", "", "| exercise | done | wrong | not started |",
                  "|---|---|---|---|"]  # fmt: skip
        lines += [f"| {name} | {done} | {wrong} | {waiting} |" for name, done, wrong, waiting in self._exercises()]
        lines += self._mistakes()
        problems = [row for row in self.rows if row.report.problem]
        if problems:
            lines += ["", "## Could not be graded", ""]
            lines += [f"- {_plain(row.student)}: {_plain(row.report.problem)}" for row in problems]
        if self.pairs:
            lines += ["", "## Resemble each other: look at these", ""]
            lines += [f"- {_plain(pair.first)} and {_plain(pair.second)}: {pair.text:.0%} as written, "
                      f"{pair.structure:.0%} whatever the names" for pair in self.pairs[:50]]  # fmt: skip
        return "\n".join(lines)

    def _exercises(self):
        names = list(dict.fromkeys(result.name for row in self.rows for result in row.report.results))
        table = []
        for name in names:
            states = [result.status for row in self.rows for result in row.report.results if result.name == name]
            table.append((name, *(states.count(state) for state in ("done", "wrong", "not started"))))
        return sorted(table, key=lambda line: line[1])

    def _mistakes(self):
        counts = {}
        for row in self.rows:
            for result in row.report.results:
                if result.status == "wrong" and not row.report.problem:
                    counts[result.name, result.hint] = counts.get((result.name, result.hint), 0) + 1
        often = sorted(counts.items(), key=lambda item: -item[1])[:10]
        if not often:
            return []
        told = [f"- {count} × {name}: {_plain(hint)}" for (name, hint), count in often]
        return ["", "## Commonest hints", "", *told]

    def write_csv(self, path):
        """One line for each student."""
        names = list(dict.fromkeys(result.name for row in self.rows for result in row.report.results))
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["student", "final", "score", "points", "of", "late_days", "lost_percent", "isolation",
                             "seed", "seconds", "problem", *names])  # fmt: skip
            for row in self.rows:
                report = row.report
                earned = {result.name: result.earned for result in report.results}
                writer.writerow([_cell(row.student), row.final, report.score, report.earned, report.points,
                                 row.late_days, row.lost, report.isolation, report.seed, report.seconds,
                                 _cell(report.problem), *(f"{earned.get(name, 0):g}" for name in names)])  # fmt: skip


def grade_class(chapter, submissions, out="grades.csv", *, seed=None, isolation="auto", jobs=0, lateness=None,
                threshold=0.8, gradescope=False, progress=False):  # fmt: skip
    """Grade every submission in a folder.

    Args:
        chapter: number, name or folder, with its solutions.
        submissions: a folder with one file or folder for each student, named like the student.
        out: CSV file to write; a folder of the same name without .csv holds the rest.
        seed: of the tests' inputs, the same for everybody; None draws one and keeps it for the next run.
        isolation: "auto", "sandlock" or "limits".
        jobs: how many to grade at a time; 0 means one for each core.
        lateness: a `Lateness`, or None.
        threshold: of resemblance, from 0 to 1.
        gradescope: also write results.json for each student.
        progress: show a progress bar.
    Returns:
        a `Gradebook`.
    Raises:
        GradingError: if the chapter's own solution does not get all points, so that no grade could be trusted.
    """
    folder, out = find_chapter(chapter), Path(out)
    found = find_submissions(submissions)
    late = (lateness or Lateness()).days_late()
    unknown = sorted(set(late) - set(found))
    if unknown:
        raise ValueError(f"{lateness.dates}: there is no submission of {unknown[0]!r}")
    kept = out.with_suffix("") if out.suffix else Path(f"{out}-reports")
    for name in ("reports", "feedback", *(["gradescope"] if gradescope else [])):
        (kept / name).mkdir(parents=True, exist_ok=True)
    seed = _class_seed(kept / "class.json", seed)
    reference = _reference(folder, seed, isolation)
    texts, reports = {}, {}

    def one(student):
        texts[student] = _text(found[student])
        return _grade_one(folder, found[student], texts[student], kept / "reports" / f"{_file_name(student)}.json",
                          seed, isolation, reference)  # fmt: skip

    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
        waiting = {pool.submit(one, student): student for student in found}
        try:
            for done in _bar(as_completed(waiting), len(waiting), progress):
                reports[waiting[done]] = done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    rows = []
    for student in sorted(reports):
        days = late.get(student, 0)
        rows.append(Row(student, reports[student], days, (lateness or Lateness()).share_lost(days)))
    skeleton = (folder / "exercises.py").read_text(encoding="utf-8")
    readable = {student: text for student, text in sorted(texts.items()) if text}
    book = Gradebook(folder.name.replace("_", " "), rows, similar_pairs(readable, skeleton, threshold), seed)
    _write(book, out, kept, gradescope)
    return book


def find_submissions(folder):
    """{student: path} for everything in a folder that could be a submission."""
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(20, "there is no such folder with submissions", str(folder))
    found = {}
    for path in sorted(folder.iterdir()):
        is_folder = path.is_dir() and not path.is_symlink()
        if path.name.startswith((".", "__")) or not (is_folder or path.suffix in (".py", ".ipynb")):
            continue
        student = path.name if is_folder else path.stem
        found[path.name if student in found else student] = path
    if not found:
        raise ValueError(f"{folder} holds no submissions: it needs one .py, .ipynb or folder for each student")
    return found


def _reference(folder, seed, isolation):
    """The report on the solution, without which no other could be trusted."""
    report = grade(folder, folder / "solutions.py", seed=seed, isolation=isolation)
    if not report.passed:
        raise GradingError(f"{folder.name}: its own solution gets {report.score:g} of 100, so nobody can be graded:\n"
                           f"{report}")  # fmt: skip
    return report


def _grade_one(folder, path, text, kept, seed, isolation, reference):
    digest = hashlib.sha256(repr((text, seed)).encode("utf-8", "surrogatepass"))
    for name in (*TEST_FILES, "bank.py", "solutions.py"):
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    digest = digest.hexdigest()
    try:
        before = json.loads(kept.read_text(encoding="utf-8"))
        if before["digest"] == digest:
            return Report.from_dict(before)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        report = grade(folder, path, seed=seed, isolation=isolation, timeout=SUBMISSION_SECONDS)
    except (GradingError, OSError) as error:  # the chapter is sound, so it is this submission
        nothing = [replace(result, status="wrong", hint=str(error), passed=0) for result in reference.results]
        report = replace(reference, results=nothing, problem=str(error))
    temporary = kept.with_suffix(".part")
    temporary.write_text(json.dumps(report.to_dict() | {"digest": digest}, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, kept)
    return report


def _text(path):
    try:
        return read_submission(path)
    except (SubmissionError, OSError):
        return ""


def _class_seed(path, seed):
    """The seed given, or that of the last run, or a new one."""
    if seed is None:
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))["seed"])
        except (OSError, ValueError, KeyError, TypeError):
            seed = secrets.randbits(32)
    path.write_text(json.dumps({"seed": seed}), encoding="utf-8")
    return seed


def _write(book, out, kept, gradescope):
    out.parent.mkdir(parents=True, exist_ok=True)
    book.write_csv(out)
    (kept / "summary.md").write_text(book.summary() + "\n", encoding="utf-8")
    with open(kept / "similarity.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second", "text", "structure"])
        writer.writerows([_cell(pair.first), _cell(pair.second), pair.text, pair.structure] for pair in book.pairs)
    for row in book.rows:
        name = _file_name(row.student)
        (kept / "feedback" / f"{name}.md").write_text(feedback(row), encoding="utf-8")
        if gradescope:
            results = json.dumps(gradescope_results(row.report), indent=2, ensure_ascii=False)
            (kept / "gradescope" / f"{name}.json").write_text(results, encoding="utf-8")


def feedback(row):
    """What a student gets to read, as Markdown: results and hints, no tests."""
    report = row.report
    points = f"{report.earned:g} of {report.points:g} points"
    lines = [f"# {report.chapter}: {row.final:g} %", "", f"{_plain(row.student)}: {points}"]
    if row.late_days:
        lines.append(f"{row.late_days} days late: {row.lost:g} % less")
    if report.problem:
        lines += ["", f"**Nothing could be graded:** {_plain(report.problem)}"]
    lines += ["", "| exercise | points | | hint |", "|---|---|---|---|"]
    for result in report.results:
        hint = _plain(result.hint) if result.status == "wrong" and not report.problem else ""
        lines.append(f"| {result.name} | {result.earned:g} / {result.points:g} | {result.status} | {hint} |")
    return "\n".join(lines) + "\n"


def _moment(text):
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a date such as 2026-05-01T23:59") from None
    return moment if moment.tzinfo else moment.astimezone()


def _file_name(student):
    """A file name that is safe everywhere, and different for different students."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", student)[:80]
    return safe if safe == student else f"{safe}-{hashlib.sha256(os.fsencode(student)).hexdigest()[:8]}"


def _cell(text):
    """Text that a spreadsheet takes for text, never for a formula."""
    text = text.encode("utf-8", "replace").decode()
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _plain(text):
    """Untrusted text inside Markdown, on one line."""
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", text)


def _bar(items, total, progress):
    if not progress:
        return items
    from tqdm import tqdm

    return tqdm(items, total=total, unit="submission", dynamic_ncols=True)
