"""Lets `pytest chapters/03_cross_entropy --answers=solutions` find its fixtures; the plugin is in the package."""

from minigpt.grading.plugin import (  # noqa: F401
    answers,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_unconfigure,
    rng,
    seed,
)
