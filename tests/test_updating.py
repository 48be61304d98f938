"""A run learns from new text: the new model takes the old one's place only if it still knows the old texts."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigpt.checkpoint import find_checkpoint, load_model, read_config
from minigpt.cli import main
from minigpt.updating import UpdateFlags, prepare


def sentences(words, sign, n=900, seed=1):
    draw = random.Random(seed)
    return "".join(f"{draw.choice(words)} {sign} {draw.choice(words)}.\n" for _ in range(n))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("updating")
    texts = {"old": sentences(["cat", "dog", "bird"], "sees"), "new": sentences(["RED", "BLUE"], "=+="),
             "third": sentences(["12", "475"], "<>")}  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    (folder / "run.toml").write_text(
        f'data = "{folder / "old.txt"}"\n[model]\nvocab_size = 280\ncontext_length = 16\nn_layers = 1\nn_heads = 2\n'
        "d_model = 24\ndropout = 0.0\n[training]\nsteps = 120\nbatch_size = 8\nlearning_rate = 0.01\n"
        'warmup_steps = 10\nprecision = "float32"\ndevice = "cpu"\n', encoding="utf-8")  # fmt: skip
    assert main(["pretrain", "--config", str(folder / "run.toml"), "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made / "run", tmp_path / "run")


def by_name(losses):
    return {Path(name).name: loss for name, loss in losses.items()}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def update(run, data, *flags):
    return main(["update", str(run), "--data", str(data), "--steps", "60", "--device", "cpu", *flags])


def test_a_model_that_still_knows_the_old_takes_its_place(made, run, capsys):
    before = contents(run)
    assert update(run, made / "new.txt", "--margin", "0.1") == 0
    assert "The new model is now" in capsys.readouterr().out
    after = contents(run)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {f"best/{name}" for name in ("model.safetensors", "config.json", "checksums.json")}
    about = read_config(run / "best")["about"]
    assert [(u["data"], u["steps"]) for u in about["updates"]] == [(str(made / "new.txt"), 60)]
    load_model(run)  # whole, with the hashes beside it
    again = prepare(UpdateFlags(str(run), str(made / "third.txt"), device="cpu"))
    losses = by_name(again.losses())
    assert losses["old.txt"] == pytest.approx(about["validation_loss"], abs=1e-6)
    assert list(losses) == ["old.txt", "new.txt", "third.txt"]  # what came since is an old text, too
    assert losses["new.txt"] < losses["third.txt"]


def test_a_model_that_forgot_is_not_kept(made, run, capsys):
    before = contents(run)
    assert update(run, made / "new.txt", "--replay", "0", "--learning-rate", "0.02") == 1
    out = capsys.readouterr().out
    assert f"The old model stays: on {made / 'old.txt'} the loss rose by" in out and "margin of 0.02" in out
    assert contents(run) == before and {p.name for p in run.iterdir()} == {p.name for p in (made / "run").iterdir()}


def test_a_text_that_came_since_may_not_be_forgotten_either(made, run, capsys):
    assert update(run, made / "new.txt", "--margin", "0.1") == 0
    kept = contents(run)
    ready = prepare(UpdateFlags(str(run), str(made / "third.txt"), margin=0.1, device="cpu"))
    old, new, third = (str(made / f"{name}.txt") for name in ("old", "new", "third"))
    worse = {old: 1.0, new: 1.2, third: 2.0}
    assert f"on {new} the loss rose by 0.2000" in ready.refusal({old: 1.0, new: 1.0, third: 3.0}, worse)
    assert "nothing was learned" in ready.refusal(worse, worse)
    assert ready.refusal(worse | {third: 2.1}, worse) == ""
    assert ready.refusal(worse | {third: 2.1}, worse | {new: float("nan")}) and contents(run) == kept


def test_old_text_makes_the_share_that_was_asked_for(made, run):
    for replay, n_old in ((0.5, 4), (0.0, 0), (0.99, 7)):
        ready = prepare(UpdateFlags(str(run), str(made / "new.txt"), replay=replay, device="cpu"))
        sizes = [len(inputs) for inputs, _ in ready.trainer.batches(3)]
        assert sizes == [8 - n_old] + [n_old] * bool(n_old)
        new = ready.tokenizer.decode(next(iter(ready.trainer.batches(0)))[0][0].tolist())
        assert "=+=" in new
        del ready  # and with it the lock


def refused(capsys, *arguments):
    assert main(["update", *map(str, arguments)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("minigpt: error: ") and err.count("\n") == 1
    return err


def test_what_is_no_run_or_not_its_text_is_refused(made, run, tmp_path, capsys):
    new = made / "new.txt"
    assert "has no settings.json" in refused(capsys, "minigpt-base", "--data", new)
    assert "has no settings.json" in refused(capsys, run / "best", "--data", new)
    assert "does not exist" in refused(capsys, run, "--data", tmp_path / "none.txt")
    assert "there is nothing new in it" in refused(capsys, run, "--data", made / "old.txt")
    assert "replay=1.0" in refused(capsys, run, "--data", new, "--replay", "1")
    assert "margin=-1.0" in refused(capsys, run, "--data", new, "--margin", "-1")
    assert "steps=0" in refused(capsys, run, "--data", new, "--steps", "0")
    (tmp_path / "short.txt").write_text("few words")
    assert "too few for one window" in refused(capsys, run, "--data", tmp_path / "short.txt")
    old = (made / "old.txt").read_text()
    try:
        (made / "old.txt").write_text(old + "more")
        assert "it has changed since" in refused(capsys, run, "--data", new)
    finally:
        (made / "old.txt").write_text(old)
    assert contents(run) == contents(made / "run")


def test_a_run_in_use_waits(made, run, capsys):
    ready = prepare(UpdateFlags(str(run), str(made / "new.txt"), device="cpu"))
    assert "another minigpt is training in" in refused(capsys, run, "--data", made / "new.txt")
    del ready


def test_an_updated_run_cannot_be_resumed(made, run, capsys):
    assert update(run, made / "new.txt", "--margin", "0.1") == 0
    capsys.readouterr()
    assert main(["pretrain", "--resume", str(run), "--steps", "130"]) == 2
    assert "has learned from new text since" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_update_that_is_stopped_leaves_the_old_model(made, run):
    before = contents(run)
    flags = [str(run), "--data", str(made / "new.txt"), "--steps", "100000"]
    process = subprocess.Popen([sys.executable, "-m", "minigpt", "update", *flags], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    assert process.stdout.readline() and process.stdout.readline()  # both texts are read: training begins
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "the old model stays" in err and "Traceback" not in err
    assert contents(run) == before and find_checkpoint(run) == run / "best"
