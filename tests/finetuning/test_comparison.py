"""Methods side by side: what the table says is what was trained and saved; prompting trains nothing."""

import pytest
from test_run import SENTIMENT, config, write_base

from minigpt.cli import main
from minigpt.config import FinetuneConfig, MethodConfig
from minigpt.finetuning.comparison import ALL_METHODS, WITHOUT_TRAINING, compare_methods, comparison_table
from minigpt.finetuning.methods import LEARNING_RATES
from minigpt.finetuning.run import start


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "base"
    write_base(folder)
    return str(folder)


def test_every_method_has_a_learning_rate_and_a_row():
    methods = MethodConfig.__dataclass_fields__["method"].type.__args__
    assert set(LEARNING_RATES) == set(methods)
    assert set(ALL_METHODS) == {*methods, *WITHOUT_TRAINING} and len(ALL_METHODS) == len(set(ALL_METHODS))
    assert set(FinetuneConfig.__dataclass_fields__["method"].type.__args__) == set(ALL_METHODS)


@pytest.mark.parametrize("method", ["full", "bitfit"])
def test_a_method_takes_its_own_learning_rate_unless_one_is_given(base, method):
    for given, used in ((0.0, LEARNING_RATES[method]), (7e-4, 7e-4)):
        run = start(config(base, method, learning_rate=given), SENTIMENT)
        assert run.trainer.config.learning_rate == used


def test_the_outcomes_count_what_is_trained_and_saved(base):
    settings, runs = config(base, epochs=6, shots=3), {}
    few, bitfit, full = compare_methods(settings, SENTIMENT, ("few-shot", "bitfit", "full"), runs=runs)
    assert {method: run.config.method for method, run in runs.items()} == {"bitfit": "bitfit", "full": "full"}
    assert (few.trained, few.megabytes, few.seconds) == (0, 0, 0)
    for outcome in (bitfit, full):
        finetuned = start(config(base, outcome.method), SENTIMENT).finetuned
        assert outcome.trained == sum(tensor.numel() for tensor in finetuned.tensors().values())
        assert 4 * outcome.trained < 1e6 * outcome.megabytes < 4 * outcome.trained + 20_000
    assert full.value > 95 and full.trained > 5 * bitfit.trained and bitfit.seconds > 0
    assert all(outcome.low <= outcome.value <= outcome.high for outcome in (few, bitfit, full))
    table = comparison_table([few, full], "accuracy").splitlines()
    assert table[0].startswith("method") and f"{full.trained:,}" in table[2]


def test_training_without_training_is_refused(base):
    with pytest.raises(ValueError, match="the method 'few-shot' trains nothing"):
        start(config(base, "few-shot"), SENTIMENT)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    rows = [f"{example.text},{example.label}\n" for example in SENTIMENT.train[:100]]
    path.write_text("text,label\n" + "".join(rows))
    return str(path)


def test_the_command_asks_without_training_and_says_what_it_dropped(base, reviews, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = ["--task", "sentiment", "--data", reviews, "--from", base]
    few = ["--method", "few-shot", "--shots", "6", "--words", "positive=good,negative=bad"]
    few += ["--template", "{text} {label}"]
    assert main(["finetune", *places, *few]) == 0
    said = capsys.readouterr().out
    assert "nothing is trained, 6 examples stand before each question" in said
    assert "examples dropped, as the context has 32 tokens" in said and "95 % interval of accuracy" in said
    assert not (tmp_path / "runs").exists()
    assert main(["finetune", *places, "--method", "zero-shot", "--words", "neutral=meh"]) == 2
    assert "'neutral=meh' must be CLASS=WORDS" in capsys.readouterr().err


def test_the_command_compares_and_draws(base, reviews, capsys, tmp_path):
    chart = tmp_path / "chart.png"
    command = ["compare-methods", "--task", "sentiment", "--data", reviews, "--from", base, "--epochs", "1"]
    assert main([*command, "--methods", "zero-shot,bitfit", "--chart", str(chart), "--template", "{text} {label}"]) == 0
    said = capsys.readouterr().out
    assert "zero-shot         0" in said and "bitfit " in said and chart.stat().st_size > 1000
    assert main([*command, "--methods", "bitfat"]) == 2
    assert "did you mean 'bitfit'" in capsys.readouterr().err
