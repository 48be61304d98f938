"""The figures of the chapters: something on every axis, and nothing cut off."""

import numpy as np
import pytest

from minigpt import plotting

TOKENS = ["Anna", "saw", "Rome"]
FIGURES = {
    "attention map": lambda: plotting.attention_map(np.tril(np.ones((3, 3))), TOKENS, "Everybody looks back"),
    "heat map": lambda: plotting.heat_map(np.array([[-1.0, 0.5, 0.5]]), ["she"], TOKENS, ("query", "key", "gradient"),
                                          "One wins, the others lose", diverging=True),
    "masks": lambda: plotting.mask_panels({"causal": np.tri(3, dtype=bool), "all": np.ones((3, 3), dtype=bool)},
                                          TOKENS, "Two masks"),
    "curves": lambda: plotting.scaling_curves([1, 10, 100], {"linear": [1, 10, 100], "square": [1, 100, 10_000]},
                                              ("length (tokens)", "work (multiplications)"), "The square wins",
                                              marked=(10, "here")),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_named_and_nothing_is_cut_off(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.get_xlabel() or axes.get_ylabel()
    inside = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert inside.x0 >= -0.02 and inside.x1 <= width + 0.02
    assert inside.y0 >= -0.02 and inside.y1 <= height + 0.02


def test_a_forbidden_pair_stays_empty():
    figure = plotting.attention_map(np.tri(3) / 2, TOKENS, "Everybody looks back")
    assert [text.get_text() for text in figure.axes[0].texts].count("") == 3
