"""A report on one submission: a table to read, HTML for notebooks, JSON and JUnit for programs."""

import dataclasses
import html
import json
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from minigpt.grading.sandbox import LEVELS

_SIGNS = {"done": "✓", "wrong": "✗", "not started": "·"}


@dataclass(frozen=True)
class Result:
    """What became of one exercise."""

    name: str
    points: float
    status: str
    """done · wrong · not started"""
    hint: str = ""
    minutes: int = 10
    difficulty: int = 1
    tests: int = 0
    passed: int = 0
    seconds: float = 0.0

    @property
    def earned(self):
        """The points for it: all or none."""
        return self.points if self.status == "done" else 0.0


@dataclass(frozen=True)
class Report:
    """The grade of one submission; prints as a table, and renders as one in a notebook."""

    chapter: str
    results: list[Result]
    problem: str = ""
    """why nothing could be graded, if so"""
    isolation: str = ""
    seed: int = 0
    seconds: float = 0.0
    hidden: str = ""
    """what to know about hidden tests"""
    official: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def earned(self):
        """Points of all exercises that are done."""
        return sum(result.earned for result in self.results)

    @property
    def points(self):
        """Points that can be had."""
        return sum(result.points for result in self.results)

    @property
    def score(self):
        """Percent of the points, from 0 to 100."""
        return round(100 * self.earned / self.points, 2) if self.points else 0.0

    @property
    def passed(self):
        """Whether every exercise is done."""
        return bool(self.results) and all(result.status == "done" for result in self.results)

    def __str__(self):
        width = max((len(result.name) for result in self.results), default=0)
        lines = [f"{self.chapter}: {_number(self.earned)} of {_number(self.points)} points ({self.score:g} %)"]
        if self.problem:
            lines.append(f"  {self.problem}")
        for result in self.results:
            points = f"{_number(result.earned)}/{_number(result.points)}"
            said = result.hint if result.status == "wrong" else result.status
            said = "" if self.problem else said
            if result.status == "not started":
                said = f"not started (about {result.minutes} minutes, difficulty {'★' * result.difficulty})"
            lines.append(f"  {_SIGNS[result.status]} {result.name:<{width}}  {points:>7}  {said}".rstrip())
        return "\n".join([*lines, *self._footer()])

    def _repr_html_(self):
        rows = []
        for result in self.results:
            hint = html.escape(result.hint if result.status == "wrong" else "")
            rows.append(f"<tr><td>{_SIGNS[result.status]}</td><td><code>{html.escape(result.name)}</code></td>"
                        f"<td>{_number(result.earned)} / {_number(result.points)}</td><td>{result.status}</td>"
                        f"<td style='text-align:left'>{hint}</td></tr>")  # fmt: skip
        problem = f"<p>{html.escape(self.problem)}</p>" if self.problem else ""
        footer = "<br>".join(map(html.escape, self._footer()))
        return (f"<p><b>{html.escape(self.chapter)}: {_number(self.earned)} of {_number(self.points)} points "
                f"({self.score:g} %)</b></p>{problem}<table><thead><tr><th></th><th>exercise</th><th>points</th>"
                f"<th></th><th>hint</th></tr></thead><tbody>{''.join(rows)}</tbody></table><p>{footer}</p>"
                )  # fmt: skip

    def _footer(self):
        lines = list(self.notes)
        if self.hidden:
            lines.append(f"hidden tests: {self.hidden}")
        if not self.official:
            lines.append("unofficial: checked in your own process, for a quick look; `minigpt grade` decides")
        elif self.isolation:
            lines.append(f"isolation: {LEVELS.get(self.isolation, self.isolation)}")
        return lines

    def to_dict(self):
        """Plain values, ready for JSON."""
        values = dataclasses.asdict(self)
        return {"score": self.score, "earned": self.earned, "points": self.points, "passed": self.passed} | values

    @classmethod
    def from_dict(cls, values):
        """The report that `to_dict` described."""
        names = {field.name for field in dataclasses.fields(cls)}
        kept = {name: value for name, value in values.items() if name in names}
        return cls(**kept | {"results": [Result(**result) for result in kept["results"]]})

    def to_json(self):
        """As JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_junit(self):
        """As JUnit XML: one case for each exercise, a failure's text is the hint."""
        cases = []
        for result in self.results:
            inner = ""
            if result.status != "done":
                message = _xml_text(result.hint or self.problem or result.status)
                inner = f"<failure message={quoteattr(message)}>{escape(message)}</failure>"
            cases.append(f'  <testcase classname={quoteattr(self.chapter)} name={quoteattr(result.name)} '
                         f'time="{result.seconds:.3f}">{inner}</testcase>')  # fmt: skip
        failures = sum(result.status != "done" for result in self.results)
        return "\n".join([
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<testsuite name={quoteattr(self.chapter)} tests="{len(self.results)}" failures="{failures}" errors="0" '
            f'time="{self.seconds:.3f}">', *cases, "</testsuite>", ""])  # fmt: skip


def _number(value):
    return f"{value:g}"


def _xml_text(text):
    """Without the characters that XML cannot hold."""
    return "".join(character for character in text if character in "\t\n" or character >= " ")
