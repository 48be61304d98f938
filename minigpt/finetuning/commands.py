"""The commands finetune and predict, and evaluate for fine-tuned models."""

import dataclasses
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from minigpt.checkpoint import free_folder, write_json
from minigpt.config import FinetuneConfig, unknown
from minigpt.datasets.task_catalog import open_task
from minigpt.datasets.tasks import Choice, Labelled, Prompted, Question, Related, Scored, Tagged
from minigpt.devices import choose_device
from minigpt.finetuning.comparison import (
    ALL_METHODS,
    WITHOUT_TRAINING,
    compare_methods,
    comparison_table,
    prompted_classifier,
)
from minigpt.finetuning.evaluation import MAIN, baseline, class_measures, class_tables, interval, measure, predict
from minigpt.finetuning.heads import Classification, MultipleChoice, Regression, SpanAnswer, Tagging
from minigpt.finetuning.run import check_changes, load_finetuned, make_task, read_settings, resume, start


@dataclass(frozen=True)
class FinetuneFlags:
    """Fine-tune a pretrained model for a task, and compare it with itself before, and with a baseline."""

    resume: str = ""
    """folder of a run that was stopped: go on with it, with its settings"""
    run: FinetuneConfig = dataclasses.field(default_factory=FinetuneConfig)


def resumed_flags(folder):
    """The flags of a run that goes on, where no others are given: those that it was started with."""
    return FinetuneFlags(resume=folder, run=read_settings(folder))


def finetune_command(flags, say, progress):
    """Train, then print a table of the test set's measures.

    Args:
        flags: `FinetuneFlags`.
        say: prints a line.
        progress: progress(trainer, train) shows a bar while train(on_step) runs.
    """
    config = flags.run
    if flags.resume:
        check_changes(read_settings(flags.resume), config)
    task_set = open_task(config.task, config.data)
    for note in task_set.notes:
        say(f"note: {note}")
    if config.method in WITHOUT_TRAINING:
        return _prompt(config, task_set, say)
    folder = Path(flags.resume or config.out or free_folder(f"runs/{config.task}-{config.method}"))
    run = (resume if flags.resume else start)(config, task_set, folder, say)
    f, test = run.finetuned, list(task_set.test)
    before = [] if flags.resume else list(predict(f.model, f.task, f.encoder, test))
    progress(run.trainer, run.train)
    after = list(predict(f.model, f.task, f.encoder, test))
    say("")
    rows = {"before": before, "after": after} if before else {"after": after}
    report = _report(f.task, task_set, rows, say, " after training")
    write_json(folder / "test.json", report)
    say(f"run folder: {folder}")
    say(f"next: minigpt predict {folder}")


def _prompt(config, task_set, say):
    """Measure the base as it is, asked by a template."""
    classifier = prompted_classifier(config, task_set)
    task, test = make_task(task_set, config), list(task_set.test)
    say(f"method {config.method}: nothing is trained, {len(classifier.shown)} examples stand before each question")
    predictions = classifier.predict(test)
    for what, count in classifier.notes.items():
        if count:
            say(f"note: {count:,} {what}, as the context has {classifier.model.config.context_length} tokens")
    _report(task, task_set, {config.method: predictions}, say)


@dataclass(frozen=True)
class CompareFlags:
    """Try every method on one task with the same examples and epochs, and print one table."""

    methods: str = ",".join(ALL_METHODS)
    """which methods, separated by commas"""
    chart: str = ""
    """file for a chart of the table; empty for none"""
    run: FinetuneConfig = dataclasses.field(default_factory=FinetuneConfig)


def compare_command(flags, say):
    """Print a line for each method as soon as it is there, then the table; draw it."""
    task_set = open_task(flags.run.task, flags.run.data)
    methods = [name.strip() for name in flags.methods.split(",") if name.strip()]
    for name in methods:
        if name not in ALL_METHODS:
            raise ValueError(unknown("method", name, ALL_METHODS))
    if not methods:
        raise ValueError("methods must name at least one")
    measure_name = MAIN[type(make_task(task_set, flags.run))]
    outcomes = compare_methods(flags.run, task_set, methods,
                               lambda o: say(f"{o.method}: {measure_name} {o.value:.1f}"))  # fmt: skip
    say("\n" + comparison_table(outcomes, measure_name))
    if flags.chart:
        from minigpt.plotting import methods_chart

        methods_chart(outcomes, measure_name, f"{task_set.name}: each method once").savefig(flags.chart)
        say(f"chart: {flags.chart}")


def evaluate_command(run, task, data, base, device, say):
    """Measure a fine-tuned model on the test part of a task's data."""
    f = load_finetuned(run, base, choose_device(device))
    task_set = open_task(task, data)
    _report(f.task, task_set, {"model": list(predict(f.model, f.task, f.encoder, list(task_set.test)))}, say)


def _report(task, task_set, rows, say, when=""):
    """Say how good each row's predictions of the test part are, below the baseline's; the last row gets more.

    That is an interval, and for classes and tags a report of each.
    """
    test = list(task_set.test)
    rows = {"baseline": baseline(task, task_set.train, test)} | rows
    measures = {name: measure(task, test, predictions) for name, predictions in rows.items()}
    last = rows[next(reversed(rows))]
    low, high = interval(task, test, last)
    say(f"{len(test):,} test examples of {task_set.name}")
    say(_table(measures))
    say(f"95 % interval of {MAIN[type(task)]}{when}: {low:.1f} to {high:.1f}")
    for counted, table in class_tables(task, test, last).items():
        say(f"\n{counted}{when}\n{table}")
    return {"measures": measures, "interval": [low, high], "examples": len(test),
            "classes": class_measures(task, test, last)}  # fmt: skip


@dataclass(frozen=True)
class PredictFlags:
    """Label new texts with a fine-tuned model: one JSON object for each line of input.

    A line is a text, or a JSON object: {"text": …}, {"text": …, "second": …}, {"words": […]},
    {"context": …, "question": …}, {"text": …, "options": […]}, {"text": …, "first": [0, 4], "second": [9, 12]}.
    """

    run: tyro.conf.Positional[str]
    """folder of a fine-tuning run, or of one of its checkpoints"""
    data: str = ""
    """file to read; without it, standard input"""
    base: str = ""
    """the pretrained model, where it is not where it was"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute"""


def predict_command(flags, write):
    """Read lines, write a JSON object for each, as soon as it is there."""
    f = load_finetuned(flags.run, flags.base, choose_device(flags.device))
    with open(flags.data, encoding="utf-8") if flags.data else _standard_input() as lines:
        size = 32 if flags.data else 1  # whoever types wants an answer at once
        numbered = ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
        while part := list(itertools.islice(numbered, size)):
            given, examples = zip(*(_read_line(f.task, number, line) for number, line in part))
            for fields, predicted in zip(given, predict(f.model, f.task, f.encoder, examples)):
                write(json.dumps(fields | {prediction_name(f.task): predicted}, ensure_ascii=False))


def _read_line(task, number, line):
    """The fields of one line of input, and the example that they make."""
    fields = as_fields(task, line)
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is not JSON: {error}") from None
    try:
        return fields, read_example(task, fields)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def as_fields(task, text):
    """The fields of an input that is only a text."""
    return {"words": text.split()} if isinstance(task, Tagging) else {"text": text}


def read_example(task, fields):
    """The example that the fields of an input make.

    Raises:
        ValueError: if a field is missing or of the wrong kind.
    """
    try:
        return _example(task, fields)
    except KeyError as error:
        raise ValueError(f"the model needs the field {error}, which is missing") from None
    except TypeError as error:
        raise ValueError(str(error)) from None


def _example(task, fields):
    if isinstance(task, Tagging):
        return Tagged(tuple(fields["words"]))
    if isinstance(task, SpanAnswer):
        return Question(fields["context"], fields["question"], ())
    if isinstance(task, MultipleChoice):
        return Choice(fields["text"], tuple(fields["options"]), 0)
    if isinstance(task, Regression):
        return Scored(fields["text"], None)
    if isinstance(task, Classification) and "first" in fields:
        return Related(fields["text"], tuple(fields["first"]), tuple(fields["second"]), None)
    if isinstance(task, Classification):
        return Labelled(fields["text"], None, fields.get("second"))
    return Prompted(fields["text"], ())


def prediction_name(task):
    """What a prediction is called."""
    names = {Tagging: "tags", SpanAnswer: "answer", MultipleChoice: "choice", Regression: "value",
             Classification: "label"}  # fmt: skip
    return names.get(type(task), "answer")


def _table(measures):
    """{row: {measure: value}} as lines of text."""
    columns = list(dict.fromkeys(name for row in measures.values() for name in row))
    width = max(map(len, measures))
    lines = ["  ".join([" " * width, *columns])]
    for name, row in measures.items():
        lines.append("  ".join([f"{name:{width}}", *(f"{row[column]:{len(column)}.2f}" for column in columns)]))
    return "\n".join(lines)


def _standard_input():
    if sys.stdin.isatty():
        print("type texts, one a line; end with Ctrl-D", file=sys.stderr)
    return sys.stdin
