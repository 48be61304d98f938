"""Every method on one task, with the same examples and epochs: what is trained, what is saved, what it is worth."""

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from minigpt.checkpoint import load_model
from minigpt.config import FinetuneConfig
from minigpt.datasets.task_sets import TaskSet
from minigpt.devices import choose_device
from minigpt.finetuning.evaluation import MAIN, interval, measure, predict
from minigpt.finetuning.run import make_task, start
from minigpt.prompting import PromptedClassifier, Template, draw_shown

WITHOUT_TRAINING = ("zero-shot", "few-shot")
ALL_METHODS = (*WITHOUT_TRAINING, "prompt", "prefix", "bitfit", "frozen", "lora", "adapter", "top-k", "full")


@dataclass(frozen=True)
class Outcome:
    """What one method gave.

    Attributes:
        method: its name.
        trained: how many numbers were trained.
        megabytes: what has to be kept for this task, beside the base: the size of the weights' file.
        seconds: of training, looks at the validation part included.
        value: the task's main measure on the test part.
        low, high: its 95 % interval, over the test examples only: another seed would add to it.
    """

    method: str
    trained: int
    megabytes: float
    seconds: float
    value: float
    low: float
    high: float


def prompted_classifier(config: FinetuneConfig, task_set: TaskSet):
    """The base with a template, and for few-shot with examples of the training part.

    Raises:
        ValueError: if the task is no classification of texts.
    """
    if task_set.kind != "classification" or not hasattr(task_set.train[0], "second"):
        raise ValueError(f"{config.method} needs a classification of texts, and {task_set.name} is none")
    model, tokenizer = load_model(config.base, choose_device(config.device))
    words = [entry.strip() for entry in config.words.split(",") if entry.strip()]
    pattern = config.template.replace("\\n", "\n")
    template = Template.for_labels(make_task(task_set, config).labels, pattern, words)
    shown = draw_shown(task_set.train, config.shots, config.seed) if config.method == "few-shot" else ()
    return PromptedClassifier(model, tokenizer, template, shown, config.score)


def compare_methods(config: FinetuneConfig, task_set: TaskSet, methods=ALL_METHODS, on_outcome=lambda outcome: None,
                    runs=None):  # fmt: skip
    """Run each method with the same examples, epochs and seed; the learning rate is the method's own unless given.

    Args:
        config: how to train; its method is replaced.
        task_set: of any kind; zero-shot and few-shot need a classification of texts.
        methods: some of `ALL_METHODS`.
        on_outcome: is told of each as soon as it is there.
        runs: a dictionary, which gets {method: its finished `FinetuningRun`} of those that train; or None.
    Returns:
        a list of `Outcome`, in the order of `methods`.
    """
    outcomes = []
    for method in methods:
        outcome = _outcome(dataclasses.replace(config, method=method), task_set, {} if runs is None else runs)
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


def _outcome(config, task_set, runs):
    test = list(task_set.test)
    if config.method in WITHOUT_TRAINING:
        task, trained, megabytes, seconds = make_task(task_set, config), 0, 0.0, 0.0
        predictions = prompted_classifier(config, task_set).predict(test)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run = start(config, task_set, Path(folder) / "run")
            started = time.perf_counter()
            run.train()
            seconds = time.perf_counter() - started
            megabytes = (Path(folder) / "run" / "best" / "model.safetensors").stat().st_size / 1e6
        runs[config.method] = run
        f = run.finetuned
        task, trained = f.task, sum(tensor.numel() for tensor in f.tensors().values())
        predictions = list(predict(f.model, f.task, f.encoder, test))
    value = measure(task, test, predictions)[MAIN[type(task)]]
    return Outcome(config.method, trained, megabytes, seconds, value, *interval(task, test, predictions))


def comparison_table(outcomes, name, with_seconds=True):
    """Outcomes as lines of text; `name` is that of the measure."""
    seconds = "  seconds" if with_seconds else ""
    lines = [f"method      trained  megabytes{seconds}  {name} (95 % interval)"]
    for o in outcomes:
        took = f"  {o.seconds:7.1f}" if with_seconds else ""
        between = f"({o.low:.1f} to {o.high:.1f})"
        lines.append(f"{o.method:9} {o.trained:9,}  {o.megabytes:9.3f}{took}  {o.value:5.1f} {between}")
    return "\n".join(lines)
