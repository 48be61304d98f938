"""Values on their way, calls, limits, and what the worker may import."""

import ast
import contextlib
import io
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from minigpt.grading import CheckFailed, Code, check_close, check_equal, check_gradients, grade, sandbox
from minigpt.grading.exercises import Exercise, exercise, gather
from minigpt.grading.sandbox import Limits, Worker, WorkerDiedError, available_isolation
from minigpt.grading.submission import SubmissionError, forbidden_uses, parse, read_submission
from minigpt.grading.worker import UnreadableValueError, call, pack, unpack

HERE = Path(__file__).parent

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary() | st_numpy.arrays(st.sampled_from(["float64", "int32", "bool", "complex64", "float16"]), (2, 3)),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=8,
)  # fmt: skip


def there_and_back(value):
    return unpack(io.BytesIO(pack(value)).read)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return repr(one) == repr(other)


@settings(deadline=None, max_examples=150)
@given(PLAIN)
def test_plain_values_arrive_as_they_were(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("array", [
    np.zeros((0, 3)), np.array(1.5), np.arange(6.0).reshape(2, 3).T, np.arange(3, dtype=">i4"), np.float32(2.5),
    np.array([np.nan, np.inf, -0.0]), np.ones((2, 3), dtype=bool),
], ids=str)  # fmt: skip
def test_arrays_arrive_with_dtype_and_shape(array):
    back = there_and_back(array)
    assert type(back) is type(array)
    assert back.shape == array.shape
    assert back.dtype.name == array.dtype.name
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (2, 3), (0, 4)])
def test_tensors_arrive_with_dtype_and_shape(dtype, shape):
    tensor = torch.ones(shape, dtype=getattr(torch, dtype)).mT if len(shape) == 2 else torch.ones(shape).to(
        getattr(torch, dtype))  # fmt: skip
    back = there_and_back(tensor)
    assert back.dtype == tensor.dtype
    assert torch.equal(back, tensor)


@pytest.mark.parametrize("value", [
    object(), {1, 2}, type("Sub", (float,), {})(1), np.ma.masked_all(2), np.array([None]), range(3),
    torch.eye(2).to_sparse(), json.loads("[" * 30 + "]" * 30),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_is_not_plain_does_not_travel(value):
    with pytest.raises(UnreadableValueError):
        pack(value)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.data())
def test_any_bytes_give_a_value_or_an_orderly_refusal(data, draw):
    message = bytearray(pack([np.arange(3.0), {"a": "text"}]))
    if draw.draw(st.booleans()):
        message[draw.draw(st.integers(0, len(message) - 1))] = draw.draw(st.integers(0, 255))
        data = bytes(message)
    else:
        data = struct.pack(">II", len(data), 0) + data
    with contextlib.suppress(UnreadableValueError):
        unpack(io.BytesIO(data).read)


def test_code_travels_to_the_worker_and_never_back():
    code = Code("lambda x: np.sqrt(x) + shift", shift=1.0)
    message = pack(code)
    assert unpack(io.BytesIO(message).read, with_code=True).to_function()(4.0) == 3.0
    with pytest.raises(UnreadableValueError):
        unpack(io.BytesIO(message).read)


def test_gradients_have_the_structure_of_the_arguments():
    def function(weights, x, flag):
        return weights["a"] * x[0] + weights["b"]

    weights = {"a": torch.tensor([2.0]), "b": torch.tensor([3.0]), "unused": torch.tensor([1.0])}
    reply = call(function, [weights, [torch.tensor([5.0])], True], {}, {"wrt": None, "upstream": torch.tensor([10.0])})
    assert reply["gradients"] == [{"a": torch.tensor([50.0]), "b": torch.tensor([10.0]), "unused": None},
                                  [torch.tensor([20.0])], None]  # fmt: skip
    assert reply["changed"] == []


# ------------------------------------------------------------------------------------------- workers


@pytest.fixture
def worker():
    started = Worker(limits=Limits(load_seconds=3))
    yield started
    started.close()


def test_a_worker_answers_and_dies_when_it_takes_too_long(worker):
    text = "def double(x):\n    return 2 * x\n\ndef wait():\n    while True: pass\n"
    assert worker.load(text, {}) is None
    assert worker.call("", "double", [21], {}, None, 5)["value"] == 42
    with pytest.raises(WorkerDiedError, match="longer than 1 s"):
        worker.call("", "wait", [], {}, None, 1)
    assert not worker.is_alive
    with pytest.raises(WorkerDiedError):
        worker.call("", "double", [1], {}, None, 5)


def test_a_file_that_never_ends_importing_is_stopped(worker):
    with pytest.raises(WorkerDiedError, match="importing"):
        worker.load("while True:\n    pass\n", {})


@pytest.mark.skipif(available_isolation() != "sandlock", reason="needs the sandlock package and a kernel with Landlock")
def test_the_kernel_itself_shuts_the_worker_in(monkeypatch):
    """Without the audit hook, so that nothing but the kernel refuses."""
    program = sandbox.worker_program().replace("sys.addaudithook(hook)", "pass")
    monkeypatch.setattr(sandbox, "worker_program", lambda: program)
    worker = Worker("sandlock")
    text = f"""
import __main__, os, socket
def reads(path): return open(path).read()[:1]
def writes(path): open(path, "w")
def forks(): return os.fork()
def lists(): return os.listdir("/")
def kills(): os.kill(os.getppid(), 0)
def connects(): socket.create_connection(("127.0.0.1", 9), timeout=1)
def changes(): os.chmod({str(HERE / "conftest.py")!r}, 0o644)
"""
    try:
        assert worker.load(text, {}) is None
        for name, arguments in (("reads", [__file__]), ("lists", [])):
            error = worker.call("", name, arguments, {}, None, 5)["error"]
            assert error["kind"] == "PermissionError", name
            assert "Errno 13" in error["text"], name
        for name, arguments in (("writes", ["/tmp/minigpt-should-not-exist"]), ("forks", []), ("kills", []),
                                ("connects", []), ("changes", [])):  # fmt: skip
            assert "error" in worker.call("", name, arguments, {}, None, 5), name
    finally:
        worker.close()
    assert not Path("/tmp/minigpt-should-not-exist").exists()


@pytest.mark.parametrize("isolation", [*{"limits", available_isolation()}])
def test_a_hidden_folder_inside_of_the_python_installation_cannot_be_read(isolation):
    worker = Worker(isolation, hidden=[Path(np.__file__).parent / "testing"])
    try:
        worker.load("import os\ndef names(path): return len(os.listdir(path))\n"
                    "def text(path): return open(path).read()\n", {})  # fmt: skip
        inside = str(Path(np.__file__).parent / "testing")
        assert worker.call("", "names", [inside], {}, None, 5)["error"]["kind"] == "PermissionError"
        assert worker.call("", "text", [f"{inside}/__init__.py"], {}, None, 5)["error"]["kind"] == "PermissionError"
        assert worker.call("", "names", [str(Path(inside).parent)], {}, None, 5)["value"] > 3
    finally:
        worker.close()


def test_minigpt_is_there_only_for_an_exercise_that_allows_it(tmp_path):
    chapter = Path(shutil.copytree(HERE / "small_chapter", tmp_path / "07_small"))
    (chapter / "test_hidden.py").unlink()
    answer = tmp_path / "answer.py"
    answer.write_text("def softmax(scores):\n    from minigpt.by_hand.operations import softmax_forward\n"
                      "    return softmax_forward(scores)[0]\n")  # fmt: skip
    refused = grade(chapter, answer).results[0]
    assert refused.hint.startswith("ModuleNotFoundError (line 2)")
    assert refused.hint.endswith("cannot be imported in an answer")
    tests = chapter / "test_exercises.py"
    tests.write_text(tests.read_text().replace("difficulty=1, seconds=3)", 'difficulty=1, allows=("minigpt",))', 1))
    assert grade(chapter, answer).results[0].hint != refused.hint


# ------------------------------------------------------------------------------------------- checks


@pytest.mark.parametrize("got, told", [
    (np.array([1.0, 2.0], dtype=np.float32), "dtype must be float64"),
    (np.array([[1.0, 2.0]]), r"shape must be \(2,\)"),
    ([1.0, 2.0], "must be an array"),
    (None, "is a return missing"),
    (torch.tensor([1.0, 2.0]), "not a tensor"),
    (np.array([1.0, np.nan]), "NaN"),
    (np.array([1.0, np.inf]), "infinite"),
    (np.array([-1.0, -2.0]), "sign"),
    (np.array([2.0, 4.0]), "2 times"),
    (np.array([2.0, 1.0]), "reversed"),
    (np.array([1.0, 2.0 + 1e-6]), "1 of 2 numbers"),
    (np.array([0.0, 0.0]), "0 everywhere"),
    (np.array([1.5, 2.5]), "off by the same amount"),
])  # fmt: skip
def test_a_comparison_names_the_difference_and_not_the_numbers(got, told):
    with pytest.raises(CheckFailed, match=told):
        check_close(got, np.array([1.0, 2.0]))


def test_equal_values_pass_and_unequal_kinds_do_not():
    check_close(np.float64(1.0), 1.0)
    check_close(torch.tensor(1.0), 1.0)
    check_close({"a": [np.ones(2), 1]}, {"a": (np.ones(2), 1.0)})
    check_equal([1, 2, "x"], [1, 2, "x"])
    for got, expected in ((True, 1), (1.0, 1), ([1], (1,)), ("1", 1)):
        with pytest.raises(CheckFailed):
            check_equal(got, expected)
    with pytest.raises(CheckFailed, match="number"):
        check_close(True, 1.0)


def test_a_wrong_gradient_is_diagnosed():
    right = np.arange(1.0, 7.0).reshape(2, 3)
    with pytest.raises(CheckFailed, match="batch size"):
        check_gradients({"x": right * 4}, {"x": right}, sizes={"batch size": 4})
    with pytest.raises(CheckFailed, match="cut off"):
        check_gradients([None], [right])


# ------------------------------------------------------------------------------------------- looking at the source


@pytest.mark.parametrize("body, forbidden, found", [
    ("return torch.softmax(x, -1)", "torch.softmax", True),
    ("return F.softmax(x, -1)", "torch.softmax", True),
    ("return soft(x, -1)", "torch.softmax", True),
    ("return x.softmax(-1)", "torch.softmax", True),
    ("return torch.nn.Softmax(-1)(x)", "torch.softmax", True),
    ("return getattr(torch, 'softmax')(x, -1)", "torch.softmax", True),
    ("return helper(x)", "torch.softmax", True),
    ("return other(x)", "torch.softmax", False),
    ("return softmax_of_mine(x)", "torch.softmax", False),
    ("return torch.log_softmax(x, -1)", "torch.softmax", False),
    ("return np.mean(x)", "numpy.mean", True),
    ("return x.mean()", "numpy.mean", True),
    ("return sum(x) / len(x)", "numpy.mean", False),
    ("return x @ x", "@", True),
    ("return [y for y in x]", "for", True),
    ("while x: pass", "while", True),
    ("return x", "for", False),
])  # fmt: skip
def test_forbidden_operations_are_found_in_the_source(body, forbidden, found):
    text = f"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import softmax as soft

def helper(x):
    return F.softmax(x, dim=-1)

def other(x):
    return torch.softmax(x, dim=-1)

def mine(x):
    {body}
"""
    exercises = {"mine": Exercise("mine", forbids=(forbidden,)), "other": Exercise("other")}
    assert forbidden_uses(ast.parse(text), exercises) == ({"mine": [forbidden]} if found else {})


def test_an_unreadable_submission_is_refused_with_a_reason(tmp_path):
    with pytest.raises(SubmissionError, match=r"no exercises\.py"):
        read_submission(tmp_path)
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert read_submission(tmp_path) == "x = 1\n"
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    with pytest.raises(SubmissionError, match="symbolic link"):
        read_submission(tmp_path / "link.py")
    with pytest.raises(SubmissionError, match="line 1"):
        parse("def")


# ------------------------------------------------------------------------------------------- exercises


def test_settings_stand_at_one_test_of_an_exercise():
    @exercise("f", points=2, minutes=5, difficulty=3)
    def test_one():
        pass

    @exercise("f")
    def test_two():
        pass

    assert gather([test_two, test_one])["f"].points == 2
    with pytest.raises(ValueError, match="one of its tests must give points"):
        gather([test_two])
    with pytest.raises(ValueError, match="difficulty"):
        Exercise("f", difficulty=4)
    with pytest.raises(ValueError, match="tuple"):
        Exercise("f", forbids="torch.softmax")
