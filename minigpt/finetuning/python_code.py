"""Is it Python? Measures of what a language model writes as code; nothing of it is ever run.

`ast.parse` knows the grammar of the language and nothing else. A program that parses may still do nothing sensible:
whether it does what was asked, only tests can tell (Chen et al. 2021), and these have to run it.
"""

import ast
import warnings

CONTINUE = ("else", "elif", "except", "finally")  # lines at the left margin that belong to the statement before


def parses(source):
    """Whether a text is a Python program, as far as the grammar goes; one without any statement does not count."""
    tree = _tree(source)
    return tree is not None and bool(tree.body)


def first_statement(source):
    """The first whole statement of a text that may end in the middle of something, such as a model's.

    A statement ends where the next one begins: before a line that begins at the left margin. Of these places, it is
    the first one where what stands before parses. (At the others a string or a bracket is still open.)

    Returns:
        the text up to there, without blank lines at its end; "" if no statement is finished, or if it is none.
    """
    lines = source.splitlines(keepends=True)
    for number, line in enumerate(lines):
        begins = bool(number) and not line[0].isspace() and not line.startswith(CONTINUE)
        if begins and parses("".join(lines[:number])):
            return "".join(lines[:number]).rstrip()
    return ""


def first_error(source):
    """(line, message) of the first place where Python stops understanding a text; None if it parses."""
    try:
        _parse(source)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError, MemoryError) as error:  # a zero byte, or brackets without end
        return 1, str(error)
    return None


def _tree(source):
    try:
        return _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parse(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like: a warning, no error
        return ast.parse(source)
