"""Reads what a student handed in, and looks at it without running it.

A submission is a file `exercises.py`, a folder that holds one, or the chapter's notebook. Only that one text is ever
used: a conftest.py, a sitecustomize.py or a helper beside it is not read.
"""

import ast
import json
import os
import stat
from pathlib import Path

MAX_BYTES = 2 * 2**20
MAX_NOTEBOOK_BYTES = 20 * 2**20
EXERCISE_TAG = "exercise"


class SubmissionError(ValueError):
    """The submission cannot be read; the text says why, to the student."""


def read_submission(path):
    """The source text of a submission.

    Args:
        path: exercises.py (or any .py file), a folder, or a notebook whose exercise cells are tagged "exercise".
    Raises:
        SubmissionError: for anything else, with the reason.
    """
    path = Path(path)
    if path.is_dir() and not path.is_symlink():
        path = _in_folder(path)
    if path.suffix == ".ipynb":
        return _from_notebook(path)
    return _read_text(path, MAX_BYTES)


def _in_folder(folder):
    """exercises.py, or else the only .py file, or else the only notebook."""
    if os.path.lexists(folder / "exercises.py"):
        return folder / "exercises.py"
    ignored = {"conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py"}
    for suffix in (".py", ".ipynb"):
        found = sorted(path for path in folder.iterdir()
                       if path.suffix == suffix and path.name not in ignored and not path.name.startswith("test_"))
        if len(found) == 1:
            return found[0]
    raise SubmissionError("there is no exercises.py in the folder")


def _read_text(path, limit):
    """The text of a regular file, at most so many bytes, never through a symbolic link."""
    try:
        information = os.lstat(path)
        if stat.S_ISLNK(information.st_mode):
            raise SubmissionError(f"{path.name} is a symbolic link; hand in the file itself")
        if not stat.S_ISREG(information.st_mode):
            raise SubmissionError(f"{path.name} is not a file")
        if information.st_size > limit:
            size = information.st_size / 2**20
            raise SubmissionError(f"{path.name} has {size:.0f} MB, more than {limit // 2**20} MB")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise SubmissionError(f"{path.name} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SubmissionError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
    if "\0" in text:
        raise SubmissionError(f"{path.name} holds zero bytes: not a text file")
    return text.replace("\r\n", "\n")


def _from_notebook(path):
    """The code of all cells with the tag, in order."""
    try:
        cells = json.loads(_read_text(path, MAX_NOTEBOOK_BYTES))["cells"]
        texts = ["".join(cell["source"]) for cell in cells
                 if cell["cell_type"] == "code" and EXERCISE_TAG in cell.get("metadata", {}).get("tags", ())]
    except SubmissionError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SubmissionError(f"{path.name} is not a notebook") from None
    if not texts:
        raise SubmissionError(f"{path.name} has no code cell with the tag {EXERCISE_TAG!r}")
    lines = (line for text in texts for line in text.splitlines())
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in lines) + "\n"


def parse(text):
    """The syntax tree.

    Raises:
        SubmissionError: with the line, if it is not Python.
    """
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise SubmissionError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise SubmissionError("the file is too deeply nested to be read") from None


# ------------------------------------------------------------------------------------------- forbidden operations


def forbidden_uses(tree, exercises):
    """What each exercise uses although it may not: {exercise: [name, …]}.

    Looked at is the exercise's function with all helpers in the file that it reaches, other exercises excepted.
    """
    aliases = _aliases(tree)
    definitions = _definitions(tree)
    found = {}
    for exercise in exercises.values():
        if exercise.name not in definitions or not exercise.forbids:
            continue
        nodes = _reachable(exercise.name, definitions, set(exercises) - {exercise.name})
        uses = sorted({use for node in nodes for use in _uses(node, exercise.forbids, aliases)})
        if uses:
            found[exercise.name] = uses
    return found


def _aliases(tree):
    """{name in the file: dotted name} for everything imported, at any depth."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                aliases[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return aliases


def _definitions(tree):
    """{name: statements of the module that define it}."""
    definitions = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        else:
            stored = [item for item in ast.walk(node) if isinstance(item, ast.Name)]
            names = [item.id for item in stored if isinstance(item.ctx, ast.Store)]
        for name in names:
            definitions.setdefault(name, []).append(node)
    return definitions


def _reachable(name, definitions, others):
    """The statements that a function needs, other exercises excepted."""
    waiting, seen, nodes = [name], set(), []
    while waiting:
        name = waiting.pop()
        if name in seen or name not in definitions:
            continue
        seen.add(name)
        for node in definitions[name]:
            nodes.append(node)
            used = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
            waiting += sorted(used - others)
    return nodes


def _uses(node, forbids, aliases):
    loops = {"for": (ast.For, ast.AsyncFor, ast.comprehension), "while": (ast.While,), "@": (ast.MatMult,)}
    for item in ast.walk(node):
        for name in forbids:
            if name in loops:
                if isinstance(item, loops[name]):
                    yield name
            elif _is_use(item, name, aliases):
                yield name


def _is_use(item, forbidden, aliases):
    last = forbidden.rpartition(".")[2]
    root = forbidden.split(".")[0]
    if isinstance(item, ast.Attribute):
        dotted = _dotted(item, aliases)
        if dotted is None or dotted.split(".")[0] not in ("numpy", "math", "scipy", "torch"):
            return item.attr == last  # a method of some array or tensor
        return _same_function(dotted, forbidden)
    if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
        return item.id in aliases and _same_function(aliases[item.id], forbidden)
    if isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id == "getattr":
        return any(isinstance(argument, ast.Constant) and argument.value == last for argument in item.args)
    return isinstance(item, ast.Constant) and item.value == f"{root}.{last}"


def _dotted(node, aliases):
    """'torch.nn.functional.softmax' for F.softmax, or None if it does not begin with an import."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return None
    return ".".join([aliases[node.id], *reversed(parts)])


def _same_function(dotted, forbidden):
    """Whether both names lead to one function; within torch, the last part decides: F.softmax is torch.softmax."""
    if dotted == forbidden:
        return True
    root, last = forbidden.split(".")[0], forbidden.rpartition(".")[2]
    if root == "torch" and dotted.split(".")[0] == "torch":
        flat = dotted.rpartition(".")[2].replace("_", "").lower()
        wanted = last.replace("_", "").lower()
        return flat in (wanted, wanted + "loss")
    return False


