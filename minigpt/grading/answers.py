"""The `answers` of a test: a proxy through which a student's functions are called, and the record of what they gave.

    got = answers.softmax(scores)                                          # a plain value
    value, gradients = answers.call_with_gradients("softmax", scores, upstream=weights)

Behind it stands a `Backend`: a worker process that knows the student's file, or, for our own wrong-answer banks and
for unofficial feedback, a module in this process.
"""

import io
import time
from dataclasses import dataclass, field

import numpy as np

from minigpt.grading.checks import AnswerError, CheckFailed
from minigpt.grading.sandbox import Worker, WorkerDiedError
from minigpt.grading.worker import Guards, UnreadableValueError, call, describe, pack, unpack

MAX_RESTARTS = 20


class NotStartedError(CheckFailed):
    """The function still raises NotImplementedError."""


class ForbiddenUseError(CheckFailed):
    """The answer used what the exercise forbids."""


class ChangedArgumentError(CheckFailed):
    """The answer modified what it was given."""


class CutOffError(CheckFailed):
    """The answer's output does not depend on its input any more, as far as gradients can tell."""


@dataclass
class Record:
    """One call of a test: what went in, as bytes so that nothing can change it, and what came out."""

    function: str
    request: bytes
    outcome: tuple = field(default=())
    """("value", value, gradients) or ("error", kind)"""


class Answers:
    """Calls the student's functions for one test.

    Args:
        backend: where they live.
        exercise: which exercise the test belongs to.
    """

    def __init__(self, backend, exercise):
        self._backend = backend
        self._exercise = exercise
        self._seconds = exercise.seconds
        self.records = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def ask(*arguments, **keywords):
            return self._call(name, arguments, keywords, None)[0]

        ask.__name__ = name
        return ask

    def call_with_gradients(self, function, *arguments, upstream=None, wrt=None, **keywords):
        """Call a function and differentiate (output · upstream).sum().

        Args:
            function: its name.
            arguments: positional arguments; gradients are those of the floating-point tensors in them.
            upstream: a tensor shaped like the output, or a list of them for several outputs; None means ones.
            wrt: indices of the arguments to differentiate by; None takes all.
            keywords: further arguments, without gradients.
        Returns:
            (value, list of gradients), None standing for arguments that have none.
        Raises:
            CutOffError: if no gradient arrives at all.
        """
        request = {"wrt": None if wrt is None else list(wrt), "upstream": upstream}
        value, gradients = self._call(function, arguments, keywords, request)
        if not _any_gradient(gradients):
            raise CutOffError("the output is cut off from the inputs: no gradient flows back "
                              "(.detach(), .data, .item(), no_grad or NumPy in between?)")  # fmt: skip
        return value, gradients

    def _call(self, function, arguments, keywords, gradients):
        request = {"arguments": list(arguments), "keywords": keywords, "gradients": gradients}
        record = Record(function, pack(request))
        self.records.append(record)
        started = time.monotonic()
        try:
            reply = self._backend.call(self._exercise, function, record.request, self._seconds)
        except WorkerDiedError as error:
            record.outcome = ("error", "Died")
            raise AnswerError("Died", str(error)) from None
        finally:
            self._seconds -= time.monotonic() - started
        return self._read(reply, record)

    def _read(self, reply, record):
        """The value in a reply, of which nothing is taken on trust."""
        forbidden = _list(reply.get("forbidden"))
        error = reply.get("error")
        if isinstance(error, dict):
            kind, text, line = (error.get(key) for key in ("kind", "text", "line"))
            kind, text = _clean(kind, 100), _clean(text, 500)
            record.outcome = ("error", kind)
            if forbidden or kind == "ForbiddenError":
                raise ForbiddenUseError(f"this exercise is to be solved without {_clean(*[*forbidden, text][:1], 80)}")
            if kind == "NotImplementedError":
                raise NotStartedError("not started")
            raise AnswerError(kind, text, line if type(line) is int else None)
        if forbidden:
            raise ForbiddenUseError(f"this exercise is to be solved without {_clean(forbidden[0], 80)}")
        value, gradients = reply.get("value"), reply.get("gradients")
        record.outcome = ("value", value, gradients)
        changed = _list(reply.get("changed"))
        if changed and not self._exercise.in_place:
            which = "an argument" if type(changed[0]) is not int else f"argument {changed[0] + 1}"
            raise ChangedArgumentError(f"it changes {which} in place: work on a copy")
        return value, gradients


def _list(value):
    return value if type(value) is list else []


def _clean(text, length):
    """Untrusted text in one line of printable characters."""
    text = text if type(text) is str else ""
    return "".join(character if character.isprintable() else " " for character in text[:length])


def _any_gradient(gradients):
    if isinstance(gradients, dict):
        return any(map(_any_gradient, gradients.values()))
    if isinstance(gradients, (list, tuple)):
        return any(map(_any_gradient, gradients))
    return gradients is not None


# ------------------------------------------------------------------------------------------- where the answers live


class WorkerBackend:
    """The student's file in worker processes: one for each set of packages that exercises allow.

    Args:
        text: the student's source.
        exercises: {name: Exercise}.
        isolation: "auto", "sandlock" or "limits".
        limits: of a worker.
        hidden: folders that no worker may read: the chapter's own.
    """

    def __init__(self, text, exercises, isolation="auto", limits=None, hidden=()):
        self.text = text
        self.isolation = isolation
        self.limits = limits
        self.hidden = tuple(map(str, hidden))
        self.exercises = exercises
        self.problem = ""
        """why the file cannot be imported"""
        self._workers = {}
        self._restarts = 0
        self._use_torch = "torch" in text or any("torch" in name for e in exercises.values() for name in e.forbids)

    def start(self):
        """Start the first worker and go on; importing takes seconds."""
        for allows in {exercise.allows for exercise in self.exercises.values()}:
            self._workers[allows] = self._new(allows)

    def call(self, exercise, function, request, seconds):
        """The worker's reply, not to be trusted."""
        if self.problem:
            raise AnswerError("ImportError", self.problem)
        worker = self._loaded(exercise.allows)
        if seconds <= 0:
            raise WorkerDiedError(f"it took longer than {exercise.seconds:.0f} s")
        content = unpack(io.BytesIO(request).read, with_code=True)
        return worker.call(exercise.name, function, content["arguments"], content["keywords"], content["gradients"],
                           seconds)  # fmt: skip

    def close(self):
        """End all workers."""
        for worker, _ in self._workers.values():
            worker.close()
        self._workers = {}

    def _new(self, allows):
        preload = ("numpy", "torch") if self._use_torch else ("numpy",)
        worker = Worker(self.isolation, allows, preload, self.limits, self.hidden)
        self.isolation = worker.isolation
        return [worker, False]

    def _loaded(self, allows):
        entry = self._workers.get(allows)
        if entry is not None and not entry[0].is_alive:
            entry[0].close()
            self._restarts += 1
            entry = None
            if self._restarts > MAX_RESTARTS:
                self.problem = "the file ended its process too often"
                raise AnswerError("ImportError", self.problem)
        if entry is None:
            entry = self._workers[allows] = self._new(allows)
        if not entry[1]:
            self._load(entry)
        return entry[0]

    def _load(self, entry):
        forbidden = {exercise.name: list(exercise.forbids) for exercise in self.exercises.values()}
        try:
            error = entry[0].load(self.text, forbidden)
        except WorkerDiedError as reason:
            self.problem = f"the file cannot be imported: {reason}"
        else:
            if isinstance(error, dict):
                line = error.get("line")
                where = f", line {line}" if type(line) is int else ""
                self.problem = (f"the file cannot be imported: {_clean(error.get('kind'), 100)}{where}: "
                                f"{_clean(error.get('text'), 300)}")  # fmt: skip
        if self.problem:
            raise AnswerError("ImportError", self.problem)
        entry[1] = True


class ModuleBackend:
    """Functions of this very process: for our own wrong-answer banks, and for unofficial feedback.

    Args:
        functions: {name: function}.
        exercises: {name: Exercise}.
    """

    isolation = "none"
    problem = ""

    def __init__(self, functions, exercises):
        self.functions = functions
        self.exercises = exercises

    def start(self):
        """Nothing to do."""

    def close(self):
        """Nothing to do."""

    def call(self, exercise, function, request, seconds):
        """The same reply as a worker's, by way of the same bytes."""
        found = self.functions.get(function)
        if not callable(found):
            return {"error": {"kind": "NotImplementedError", "text": f"there is no function {function}"}}
        content = unpack(io.BytesIO(request).read, with_code=True)
        with Guards({exercise.name: list(exercise.forbids)}) as guards:
            guards.watch(exercise.name)
            try:
                with np.errstate(all="ignore"):
                    reply = call(found, content["arguments"], content["keywords"], content["gradients"])
                reply = unpack(io.BytesIO(pack(reply)).read)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except UnreadableValueError as error:
                reply = {"error": {"kind": "UnreadableValueError", "text": str(error), "line": None}}
            except BaseException as error:
                reply = {"error": describe(error)}
            reply["forbidden"] = sorted(guards.used)
        return reply
