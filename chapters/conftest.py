"""Lets `pytest chapters/03_cross_entropy --answers=solutions` find its fixtures; the plugin is in the package."""

from pathlib import Path

from minigpt.grading import plugin
from minigpt.grading.plugin import (  # noqa: F401
    answers,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_unconfigure,
    rng,
    seed,
)

HERE = Path(__file__).parent


def pytest_configure(config):
    """Every chapter has a test_exercises.py: where only chapters are tested, tell them apart by their folders."""
    paths = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    if all(path.is_relative_to(HERE) for path in paths):
        config.option.importmode = "importlib"
    plugin.pytest_configure(config)
