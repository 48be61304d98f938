"""The README's own examples run, and say what it prints."""

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_gradient_check_prints_what_the_readme_shows():
    code = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "check_gradient" in block)
    shown = re.search(r"```\n(gradient check .*?)```", README, re.DOTALL)[1]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    # The last digits of a measured error differ between machines.
    without_errors = [re.sub(r"\d\.\d+e-\d+ +\[.*?\]", "", text) for text in (printed.getvalue(), shown)]
    assert without_errors[0] == without_errors[1]


def test_every_command_is_in_the_readmes_table():
    from minigpt.cli import COMMANDS

    table = README[README.index("| command | what it does |") : README.index("## Gradients by hand")]
    for name in COMMANDS:
        first, *rest = name.split()
        assert f"minigpt {first}" in table, name
        assert all(word in table for word in rest), name


def test_the_two_commands_stand_on_lines_of_their_own():
    commands = [line for line in README.splitlines() if line.startswith("pip install -c constraints.txt")]
    assert commands == [
        "pip install -c constraints.txt -e . && minigpt quickstart",
        "pip install -c constraints.txt -e '.[test]' && pytest",
    ]
