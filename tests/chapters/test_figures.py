"""The figures of the chapters: something on every axis, and nothing cut off."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

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
    "loss with levels": lambda: plotting.loss_curve([{"step": 1, "loss": 2.0, "validation_loss": 1.5}], "It fell",
                                                    {"bigram": 1.0}, in_bits=True),
    "tokens by number": lambda: plotting.tokens_coloured(["she", " saw", "\n"], [0.5, None, 3], "bits", "Two"),
    "tokens by kind": lambda: plotting.tokens_coloured(["she", " saw"], ["who", "what"], "kind", "Two kinds"),
    "next tokens": lambda: plotting.next_token_bars({"the ": {"cat": 0.75, "$": 0.25}, "a": {"\n": 1.0}}, "Cats"),
    "sizes": lambda: plotting.sizes_by_year({"A": [(2018.4, 1e8, "A-1")], "B": [(2020.9, 1e11, "B-1, long name")]},
                                            "parameters", "They grew", {"C": 2023.2}, (1e6, "ours")),
    "map": lambda: plotting.dependency_map({"01": ((0, 0), "start", "x"), "02": ((1, 1), "a long\nname", "y")},
                                           [("01", "02")], ["x", "y"], "What builds on what"),
    "tagged sentence": lambda: plotting.tagged_sentences(
        [("true", ["Ann", "$x$"], ["B-PER", "O"]), ("found", ["Ann", "$x$"], ["B-LOC", "O"])], "One is wrong"),
    "score bars": lambda: plotting.score_bars({"a model": 97.3, "another": 2.0}, "F1 (%)", "One wins", ["another"]),
    "scores by place": lambda: plotting.scores_by_place(["first", "later"], [3, 40], {"causal": [50, 90]},
                                                        ("place", "F1 (%)"), "Later is better"),
    "UTF-8": lambda: plotting.utf8_bits([("A", b"A"), ("a long name, U+1F642", "\U0001f642".encode())], "Marker bits"),
    "token rows": lambda: plotting.token_rows([("one", ["a ", "b\n"], ()), ("two", ["$x$", "你"], [1])], "Two cuts"),
    "movement": lambda: plotting.movement_by_count([0, 3, 0, 500], {"one": np.arange(4.0), "two": np.ones(4)},
                                                   "Some move"),
    "power law": lambda: plotting.power_law_check([1e3, 1e4], [[3.5, 3.4], [3.0]], lambda x: 5 * x**-0.05, (1e5, 2.8),
                                                  ("parameters", "loss (bits)"), "Two points predict a third"),
    "loss by compute": lambda: plotting.loss_by_compute(
        {"small": ([1e9, 1e10], [3, 2.5]), "large": ([1e10, 1e11], [3, 2])}, ("compute (operations)", "loss (bits)"),
        "Larger wins later", frontier=([1e9, 1e11], [3, 2])),
    "floors": lambda: plotting.floors_tried([0, 1, 2], [1, 1, 2], {"fitted": 0.4, "entropy": 1}, ("floor", "error (%)"),
                                            "Nobody knows"),
    "allocations": lambda: plotting.allocations(np.array([1e20, 1e22]), {"a law": ([1e9, 1e10], [1e10, 1e11])},
                                                {"a model": (1e9, 2e10)}, "Half and half"),
    "reach": lambda: plotting.reach({"one layer": np.array([0, 0.1, 0.2])}, 2, "One layer reaches one back"),
    "loss by distance": lambda: plotting.loss_by_distance([1, 2, 3], {"dense": [0, 0, 0.1], "banded": [0, 0, 2]},
                                                          ("tokens back", "loss (nats)"), "A cliff", marked=[(2, "w")]),
    "windows": lambda: plotting.token_windows(list("a_text"), [0, 2], 2, "Two windows"),
    "valley": lambda: plotting.valley_paths(lambda a, b: a**2 + b**2, {"SGD": np.array([[-4, 1], [-2, 0]])}, "Down"),
    "training": lambda: plotting.training_curves({"a run": ([1, 2], [3.0, 2.0])}, ("update", "loss (nats)"), "It fell",
                                                 logarithmic="xy", marked=(2, "end")),
    "learning rates": lambda: plotting.loss_by_learning_rate({"SGD": {0.1: 2.0, 1.0: 3.0, 10.0: np.inf}}, "A U",
                                                             (2.5, "counting")),
    "number formats": lambda: plotting.number_formats(-0.1, "Half the bits"),
    "ring": lambda: plotting.sums_on_a_ring([np.array([[1, 2], [10, 20]]), np.array([[1, 22], [11, 20]])], "Sums"),
    "operations": lambda: plotting.operations_by_part({"tiny": {"blocks": 3, "pairs": 1}, "large": {"blocks": 9,
                                                      "pairs": 1}}, "Pairs matter less"),
    "kept tokens": lambda: plotting.kept_tokens(
        {"after “she”": (["·saw", "·went"], np.array([0.75, 0.2]), {"greedy": np.array([1.0, 0.0])})}, "One stays"),
    "temperature": lambda: plotting.temperature_curves([0, 1], {"well formed": [1, 0.5]}, "share", "Hotter is worse"),
    "residual growth": lambda: plotting.residual_growth({"plain": np.array([1.0, 1.4])}, {"plain": np.array([1, 1.41])},
                                                        "It grows"),
    "accuracy by examples": lambda: plotting.accuracy_by_examples(
        [0, 1, 2], {"model": [[0.1, 0.4, 0.6], [0.1, 0.5, 0.7]]}, "Examples help", best=[0.1, 0.5, 0.8], chance=0.1),
    "induction onset": lambda: plotting.induction_onset(
        [0, 10, 20], {"two layers": [3.5, 2.0, 0.5], "one layer": [3.5, 2.0, 1.9]},
        {"induction, layer 2": [0.1, 0.2, 0.9]}, "Suddenly", best_loss=0.4),
    "reliability": lambda: plotting.reliability_diagram({"model": ([0.5, 0.9], [0.4, 0.8], [10, 90])}, "Too sure"),
    "beliefs": lambda: plotting.beliefs(np.array([0.1, 0.9]), np.array([0.2, 0.8]), "Nearly on the line"),
    "block": plotting.block_diagram,
    "by depth": lambda: plotting.depth_panels([("length", True, {"a": [1e-3, 1.0], "b": [1, 2]}),
                                               ("share", False, {"a": [0.1, 1.0], "b": [1, 0]})],
                                              [0, 1], "blocks passed", "One dies"),
    "layer norm": lambda: plotting.layer_norm_steps(["x", "y"], {"before": np.arange(8.0).reshape(2, 4),
                                                                 "after": -np.ones((2, 4))}, "They become equal"),
    "bends": lambda: plotting.gelu_forms(np.arange(3.0), {"a": np.ones(3), "b": np.zeros(3)}, np.arange(3) / 1e4,
                                         "Near"),
    "fits": lambda: plotting.fitted_curves([0, 1], [0, 1], {"64 places, no bend": [0, 0], "b": [1, 0]}, "One fits"),
    "parameters": lambda: plotting.parameter_bars({"token embedding": 31_087_104, "layer norms": 0}, "All in one part"),
    "span": lambda: plotting.span_probabilities(list("abc"), [0.1, 0.8, 0.1], [0, 0.2, 0.8], "It points"),
    "answer": lambda: plotting.answer_probabilities({"names": (["Ann", "Lee"], [0.9, 0.1])}, "Names are hard"),
    "by task": lambda: plotting.score_by_task({"QA\nexact match": {"copy": 0, "before": 3, "after": 100}}, "It learns"),
    "kinds of run": lambda: plotting.runs_by_kind({"a": [[3, 2, 2, 1], [3, 3, 2, 2]], "b": [[3] * 4]}, "One learns", 2,
                                                  (2.5, "blind")),
    "stacked shares": lambda: plotting.stacked_shares({"a": {"x": 0.97, "y": 0.03}, "b": {"x": 0.5, "y": 0.5}},
                                                      "share", "Half"),
    "runs side by side": lambda: plotting.runs_side_by_side({"a few": [0.5, 0.6, 0.7], "many": [0.8, 0.7, 0.9]},
                                                            "accuracy (%)", "Many are better"),
    "epochs": lambda: plotting.epoch_curves({"few": ([2, 1, 0.5], [2, 1.5, 1.7]), "many": ([1], [1])}, "One overfits"),
    "confusion": lambda: plotting.confusion_matrix([[3, 1], [0, 40]], ["ask", "a_long_name"], "One mistake"),
    "classes": lambda: plotting.class_bars({name: {"precision": 0.5, "recall": 1, "f1-score": 0.7, "support": 3}
                                            for name in ("ask", "a_long_name")}, "Both alike"),
    "listening": lambda: plotting.listening(np.full((2, 3), 1 / 3), ["[start]", "she", "$5"], "To all alike"),
    "labels": lambda: plotting.accuracy_by_labels([25, 100], {"a": [[1, 2], [50]]}, {"a": [(0, 3), (40, 60)]},
                                                   "More is better", 33.0),
    "methods": lambda: plotting.methods_chart([SimpleNamespace(method=m, trained=n, value=60, low=50, high=70)
                                               for m, n in (("zero", 0), ("few", 0), ("bias", 9), ("full", 999))],
                                              "accuracy (%)", "More is better", baseline=50),
    "update spectra": lambda: plotting.update_spectra({"trained": [2, 1, 0.5], "random": [1, 1, 1]}, "It falls", (2,)),
    "LoRA's shapes": lambda: plotting.lora_shapes(160, 160, 8),
    "accuracy matrices": lambda: plotting.accuracy_matrices(
        {name: [[0.9, 0.0], [0.1, 1.0]] for name in ("naive", "replay", "EWC", "a LoRA each")}, ["topic", "long name"],
        "One forgets"),
    "prompt calibration": lambda: plotting.calibration_panels({"a": [0.9, 0.8], "b": [0.7]}, {"a": [0.6], "b": [0.4]},
                                                              "a", "Less one-sided"),
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


def test_coloured_tokens_show_what_one_does_not_see_and_break_lines():
    figure = plotting.tokens_coloured(["a b", "\n", "\n$c$", "defghij", "\u4f60"], line_length=5)
    shown = [(text.get_text(), text.get_position()) for text in figure.axes[0].texts]
    assert shown == [("a·b", (0, 0)), ("↵", (3, 0)), ("↵", (0, 1)), ("$c$", (0, 2)), ("defgh", (0, 3)), ("ij", (0, 4)),
                     ("\\u4f6", (0, 5)), ("0", (0, 6))]  # fmt: skip


def test_bars_of_next_tokens_tell_a_space_from_a_full_stop():
    (axes,) = plotting.next_token_bars({"a b": {" ": 0.5, ".": 0.25}}, "What next?").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["␣", "."]
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.25]


def test_coloured_tokens_get_darker_with_their_number():
    figure = plotting.tokens_coloured(list("abcd"), [0.0, 1.0, 2.0, None], "bits", largest=1.0)
    colours = [patch.get_facecolor()[:3] for patch in figure.axes[0].patches]
    assert colours[0] == colours[3] == (1, 1, 1)
    assert colours[1] == colours[2] != (1, 1, 1)
    with pytest.raises(ValueError, match="4 tokens need as many"):
        plotting.tokens_coloured(list("abcd"), [1.0])
    with pytest.raises(ValueError, match="at most 5 categories"):
        plotting.tokens_coloured(list("abcdef"), list("ABCDEF"))


def test_a_loss_curve_in_bits_converts_every_line():
    records = [{"step": 3, "loss": 2 * np.log(2), "validation_loss": 3 * np.log(2)}]
    (axes,) = plotting.loss_curve(records, levels={"counting": 4 * np.log(2)}, in_bits=True).axes
    assert [line.get_ydata()[0] for line in axes.lines] == pytest.approx([2, 3, 4])
    assert "(bits)" in axes.get_ylabel()


def test_the_bits_shown_are_pytorchs():
    for value in (0.1, -259.0, 1 + 2**-8, 1 + 3 * 2**-8):  # the last two lie half-way
        words = [text.get_text() for text in plotting.number_formats(value, "Bits").axes[0].texts]
        assert f"= {torch.tensor(value).bfloat16().item():.9g}" in words
