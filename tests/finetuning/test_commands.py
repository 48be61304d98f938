"""finetune, predict and evaluate as a person uses them: on a file, on a wrong one, and once more."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tiny_models import make_model

from minigpt.checkpoint import replacing_folder, save_model
from minigpt.cli import main
from minigpt.tokenizers import BPETokenizer

WORDS = ("good", "bad", "cat", "dog")
ROWS = [(" ".join(words), "positive" if "good" in words else "negative")
        for words in itertools.product(WORDS, repeat=4) if ("good" in words) != ("bad" in words)]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a base, a file of labelled texts, and a run that was trained on it."""
    folder = tmp_path_factory.mktemp("finetuning")
    tokenizer = BPETokenizer.train(" ".join(text for text, _ in ROWS), 280)
    for name, seed in (("base", 0), ("other", 1)):
        with replacing_folder(folder / name) as new:
            save_model(new, make_model(seed, vocab_size=tokenizer.vocab_size, context_length=24), tokenizer)
    (folder / "reviews.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS))
    assert finetune(folder, "run", "--method", "lora") == 0
    return folder


def finetune(folder, out, *flags):
    places = ["--data", str(folder / "reviews.csv"), "--from", str(folder / "base"), "--out", str(folder / out)]
    return main(["finetune", "--task", "sentiment", *places, "--epochs", "3", "--precision", "float32", *flags])


def refused(capsys, *arguments):
    """The one line that a wrong call prints."""
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_a_run_shows_the_baseline_before_and_after_and_saves_them(folder, capsys):
    assert finetune(folder, "second", "--method", "bitfit") == 0
    said = capsys.readouterr().out
    rows = [line.split()[0] for line in said.splitlines() if line.startswith(("baseline", "before", "after"))]
    assert rows == ["baseline", "before", "after"] and "95 % interval of accuracy" in said
    report = json.loads((folder / "second" / "test.json").read_text())
    assert report["measures"].keys() == {"baseline", "before", "after"}
    assert 0 <= report["interval"][0] <= report["measures"]["after"]["accuracy"] <= report["interval"][1] <= 100


def test_predict_answers_each_line_of_a_file_with_json(folder, capsys):
    (folder / "new.txt").write_text('good cat\n\n{"text": "bad dog", "id": 7}\n')
    capsys.readouterr()
    assert main(["predict", str(folder / "run"), "--data", str(folder / "new.txt")]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["text"] for answer in answers] == ["good cat", "bad dog"] and answers[1]["id"] == 7
    assert {answer["label"] for answer in answers} <= {"positive", "negative"}


def test_evaluate_gives_the_measures_of_the_run(folder, capsys):
    report = json.loads((folder / "run" / "test.json").read_text())
    capsys.readouterr()
    command = ["evaluate", str(folder / "run"), "--task", "sentiment", "--data", str(folder / "reviews.csv")]
    assert main(command) == 0
    assert f"model     {report['measures']['after']['accuracy']:8.2f}" in capsys.readouterr().out


def test_what_is_wrong_is_said_in_one_line(folder, capsys):
    run, base, reviews = folder / "run", folder / "base", folder / "reviews.csv"
    wrong = folder / "wrong.txt"
    wrong.write_text('{"words": ["a"]}\n')
    missing = "line 1: the model needs the field 'text', which is missing"
    assert missing in refused(capsys, "predict", run, "--data", wrong)
    wrong.write_text('fine\n{"text": \n')
    assert "line 2 is not JSON" in refused(capsys, "predict", run, "--data", wrong)
    assert "holds no fine-tuned model" in refused(capsys, "predict", base)
    assert "use minigpt predict" in refused(capsys, "generate", run, "--prompt", "a")
    other = ["--base", folder / "other"]
    assert "give the right one by --base" in refused(capsys, "predict", run, "--data", reviews, *other)
    start = ["finetune", "--task", "sentiment", "--from", base, "--data"]
    assert "already exists" in refused(capsys, *start, reviews, "--out", run)
    assert "is complete" in refused(capsys, "finetune", "--resume", run)
    one = folder / "one.csv"
    one.write_text("text,label\n" + "".join(f"cat {number},x\n" for number in range(30)))
    assert "nothing to learn" in refused(capsys, *start, one, "--out", folder / "new")
    one.write_text("text,label\na,x\nb\n")
    assert "one.csv" in refused(capsys, *start, one, "--out", folder / "new")
    assert not (folder / "new").exists()
    assert "did you mean 'sentiment'" in refused(capsys, "finetune", "--task", "sentimant", "--from", base)


def test_a_resumed_run_takes_no_other_settings(folder, capsys):
    run = folder / "run"
    for name, value in (("--epochs", "9"), ("--task", "topic"), ("--out", "elsewhere"), ("--from", "other"),
                        ("--learning-rate", "1")):  # fmt: skip
        words = {"--from": "base", "--learning-rate": "learning_rate"}.get(name, name.strip("-"))
        said = refused(capsys, "finetune", f"--resume={run}", name, value)
        assert f"{words} cannot change when a run is resumed" in said
    assert "is complete" in refused(capsys, "finetune", "--resume", run, "--epochs", "3", "--device", "cpu")
    assert "is not the folder of a run" in refused(capsys, "finetune", "--resume", folder / "nowhere")


def test_a_run_does_not_go_on_upon_another_base(folder, capsys):
    places = ["--from", folder / "moved", "--data", folder / "reviews.csv", "--out", folder / "upon"]
    shutil.copytree(folder / "base", folder / "moved")
    start = ["finetune", "--task", "sentiment", "--method", "lora", "--epochs", "1", *places]
    assert main(list(map(str, start))) == 0
    shutil.rmtree(folder / "moved")
    shutil.copytree(folder / "other", folder / "moved")
    assert "was started on another base than" in refused(capsys, "finetune", "--resume", folder / "upon")


def test_a_stopped_run_goes_on_to_the_same_bits(folder):
    flags = ["--task", "sentiment", "--data", str(folder / "reviews.csv"), "--from", str(folder / "base"),
             "--epochs", "40", "--precision", "float32"]  # fmt: skip
    out = folder / "stopped"
    command = [sys.executable, "-m", "minigpt", "finetune", *flags, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    deadline = time.monotonic() + 60
    while not (out / "last").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in error
    assert "go on with it by --resume" in error.splitlines()[-1]
    assert not (out / "test.json").exists()
    assert main(["finetune", "--resume", str(out)]) == 0
    assert main(["finetune", *flags, "--out", str(folder / "whole")]) == 0
    one, whole = ((folder / name / "best" / "model.safetensors").read_bytes() for name in ("stopped", "whole"))
    assert one == whole


TAGGED = "".join(f"Ann{n} B-PER\nsaw O\n\n" for n in range(30))
BAD = {
    "a tag is missing": ("entities", {"x.conll": "Ann B-PER\nsaw O\nRome\n\n"}, "x.conll, line 3: 1 column where 2"),
    "a tag is none": ("entities", {"x.conll": "Ann B-PER\nsaw Q\n\n"}, "x.conll, line 2: the tag 'Q'"),
    "a tag of the test alone": ("entities", {"train.conll": TAGGED, "test.conll": "Rome B-LOC\n\n"},
                                "'B-LOC' is a label of the test part, but of no training example"),
    "fewer tags than words": ("entities", {"x.jsonl": '{"words": ["a", "b"], "tags": ["O"]}\n'},
                              "line 1: 2 words have 1 tags"),
    "a class is empty": ("sentiment", {"x.csv": "text,label\ngood,a\nbad,\n"}, "x.csv, line 3: the label is empty"),
    "a class of the test alone": ("sentiment", {"train.csv": "text,label\ngood,a\nbad,b\nfar,a\n", "test.csv":
                                                "text,label\nso,c\n"}, "'c' is a label of the test part"),
    "an answer from elsewhere": (
        "questions", {"x.jsonl": '{"context": "a cat", "question": "who?", "answer": "dog"}\n'},
        "line 1: the answer 'dog' is not in its context"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_wrong_examples_are_named_by_place_and_nothing_is_written(folder, tmp_path, capsys, case):
    task, files, message = BAD[case]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    data = tmp_path if len(files) > 1 else tmp_path / next(iter(files))
    start = ["finetune", "--task", task, "--data", data, "--from", folder / "base", "--out", tmp_path / "new"]
    assert message in refused(capsys, *start)
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_what_is_doubtful_is_counted(folder, tmp_path, capsys):
    rows = ROWS + [(" ".join(["cat"] * 60) + f" {n}", "negative") for n in range(4)]
    text = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    for name in ("train.csv", "validation.csv", "test.csv"):
        (tmp_path / name).write_text(text)
    start = ["finetune", "--task", "sentiment", "--data", tmp_path, "--from", folder / "base", "--epochs", "1"]
    assert main(list(map(str, [*start, "--out", tmp_path / "new"]))) == 0
    said = capsys.readouterr().out
    assert f"note: {len(rows)} of {len(rows)} test inputs also stand in the training part" in said
    for part in ("training", "validation", "test"):
        assert f"{part}: {len(rows)} examples, 4 of them cut at the context length" in said
