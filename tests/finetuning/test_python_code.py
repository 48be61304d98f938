"""Whether a text is Python, and where its first statement ends; nothing is run."""

import warnings

import pytest

from minigpt.finetuning.python_code import first_error, first_statement, parses

LOOP = "for x in y:\n    f(x)\n\n"


@pytest.mark.parametrize("source", ["x = 1", LOOP, "def f(a, *, b=2):\n    return a"])
def test_python_parses(source):
    assert parses(source) and first_error(source) is None


@pytest.mark.parametrize(("source", "line"), [("def f(:\n    pass", 1), ("x = 1\n  y = 2\n", 2), ("print 'x'", 1)])
def test_what_is_no_python_is_refused_at_its_line(source, line):
    assert not parses(source)
    assert first_error(source)[0] == line


@pytest.mark.parametrize("source", ["", "  \n", "# a comment\n"])
def test_no_statement_is_no_program(source):
    assert not parses(source)


def test_odd_texts_are_refused_and_not_an_accident():
    for source in ("x = '\0'", "(" * 5000, "-" * 100_000 + "1"):
        assert not parses(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parses(r"x = '\d'")


@pytest.mark.parametrize(("source", "first"), [
    (LOOP + "x = ", LOOP.rstrip()),
    (LOOP, ""),  # it may go on
    ("x = 1\ny = 2\nz", "x = 1"),
    ("f(1,\n2\n)\nx", "f(1,\n2\n)"),
    ("x = '''a\nb\n'''\ny", "x = '''a\nb\n'''"),
    ("if x:\n    y\nelse:\n    z\nw", "if x:\n    y\nelse:\n    z"),
    ("try:\n    y\nfinally:\n    z\nw", "try:\n    y\nfinally:\n    z"),
    ("@f\ndef g(): pass\nx", "@f\ndef g(): pass"),
    ("def f(:\n    pass\nx = 1\ny = 2\n", ""),  # a whole statement later does not help
])  # fmt: skip
def test_the_first_statement_ends_where_the_next_begins(source, first):
    assert first_statement(source) == first
