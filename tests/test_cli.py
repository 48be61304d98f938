"""The command line on real files, on wrong ones, and interrupted."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigpt import cli
from minigpt.checkpoint import load_model
from minigpt.datasets.catalog import python_docs
from minigpt.generation import TextWriter
from minigpt.training.trainer import read_metrics

SMALL = ["--preset", "tiny", "--vocab-size", "300", "--context-length", "16", "--n-layers", "1", "--d-model", "16",
         "--n-heads", "2", "--batch-size", "4", "--device", "cpu"]  # fmt: skip


def run(*arguments):
    """The program in a process of its own: what a shell would see."""
    return subprocess.run([sys.executable, "-m", "minigpt", *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "docs.txt"
    path.write_text(python_docs()[:30_000] + "漢字 😀", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("runs") / "docs"
    assert cli.main(["pretrain", "--data", str(text), "--out", str(folder), *SMALL, "--steps", "12"]) == 0
    return folder


def refused(capsys, *arguments):
    """The one line on stderr that a mistake gets."""
    capsys.readouterr()
    assert cli.main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("minigpt: error: ")
    return lines[0]


# ------------------------------------------------------------------------------ what works


def test_a_run_leaves_settings_metrics_figure_and_two_checkpoints(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {"settings.json", "metrics.jsonl", "loss.png", "best", "last"}
    assert (trained / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert read_metrics(trained / "metrics.jsonl")[-1]["validation_loss"] is not None
    model, tokenizer = load_model(trained)
    assert model.config.vocab_size == tokenizer.vocab_size <= 300
    assert model.config.n_heads == 2


def test_generate_continues_the_prompt(trained, capsys):
    for prompt in ("The value", "漢"):
        assert cli.main(["generate", str(trained), "--prompt", prompt, "--max-new-tokens", "9"]) == 0
        out = capsys.readouterr().out
        assert out.startswith(prompt)
        assert len(out) > len(prompt) + 1
    assert cli.main(["generate", str(trained), "--prompt", prompt, "--max-new-tokens", "9"]) == 0
    assert capsys.readouterr().out == out  # the same seed, the same text


def test_generate_ends_before_a_stop_text(trained, capsys):
    arguments = ["generate", str(trained), "--prompt", "The", "--max-new-tokens", "60", "--temperature", "1.5"]
    cli.main(arguments)
    free = capsys.readouterr().out
    stop = free[20:23]
    cli.main([*arguments, "--stop", stop])
    assert capsys.readouterr().out == free[: free.index(stop, 3)] + "\n"


def test_characters_spread_over_tokens_come_out_whole(trained):
    _, tokenizer = load_model(trained)
    writer = TextWriter(tokenizer)
    pieces = [writer.write(token) for token in tokenizer.encode("a漢b")]
    assert "".join([*pieces, writer.finish()]) == "a漢b"
    assert "\ufffd" not in "".join(pieces)


def test_evaluate_agrees_with_the_run(trained, text, capsys):
    assert cli.main(["evaluate", str(trained / "last"), "--data", str(text), "--split", "validation"]) == 0
    out = capsys.readouterr().out
    loss = float(re.search(r"loss +([\d.]+)", out)[1])
    assert loss == pytest.approx(read_metrics(trained / "metrics.jsonl")[-1]["validation_loss"], rel=0.02)
    bits, tokens, n_bytes = (float(re.search(p, out)[1].replace(",", "")) for p in (
        r"byte +([\d.]+)", r"predicted +([\d,]+)", r"for ([\d,]+) bytes"))  # fmt: skip
    assert bits == pytest.approx(loss / 0.693147 * tokens / n_bytes, rel=1e-3)


def test_tokenizer_train_encode_decode(tmp_path, text, capsys):
    path = tmp_path / "tokens.json"
    assert cli.main(["tokenizer", "train", "--data", str(text), "--vocab-size", "400", "--out", str(path)]) == 0
    capsys.readouterr()
    assert cli.main(["tokenizer", "encode", str(path), "--text", "the value 漢 😀\n"]) == 0
    ids = capsys.readouterr().out.split()
    assert cli.main(["tokenizer", "decode", str(path), *ids]) == 0
    assert capsys.readouterr().out == "the value 漢 😀\n"


def test_settings_default_then_preset_then_toml_then_flags(tmp_path):
    toml = tmp_path / "settings.toml"
    toml.write_text('preset = "small"\ndata = "x.txt"\n[model]\nd_model = 96\nn_layers = 5\n[training]\nseed = 7\n'
                    "learning_rate = 1\n")  # fmt: skip
    arguments = ["--config", str(toml), "--n-layers", "3"]
    flags = cli._parse(cli.PretrainFlags, arguments, "p", default=cli._pretrain_defaults(arguments)).run
    assert (flags.data, flags.training.seed, flags.training.learning_rate) == ("x.txt", 7, 1.0)
    assert (flags.model.context_length, flags.model.d_model, flags.model.n_layers) == (256, 96, 3)


def test_export_then_import_gives_the_same_text(trained, tmp_path, capsys):
    assert cli.main(["export", str(trained), "--out", str(tmp_path / "hf")]) == 0
    assert cli.main(["import", str(tmp_path / "hf"), "--out", str(tmp_path / "back")]) == 0
    texts = []
    for folder in (trained, tmp_path / "back"):
        capsys.readouterr()
        cli.main(["generate", str(folder), "--prompt", "The", "--max-new-tokens", "20"])
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_an_exported_folder_works_in_transformers(trained, tmp_path, capsys):
    transformers = pytest.importorskip("transformers")
    import torch

    cli.main(["export", str(trained), "--out", str(tmp_path / "hf")])
    model, tokenizer = load_model(trained)
    their_model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "hf").eval()
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "hf")
    text = "The value of 漢字 isn't 😀."
    assert their_tokenizer(text)["input_ids"] == tokenizer.encode(text)
    ids = torch.tensor([tokenizer.encode(text)[:16]])
    torch.testing.assert_close(their_model(ids).logits, model(ids), atol=1e-5, rtol=1e-5)


def test_quickstart_shows_samples_and_says_what_to_try_next(tmp_path, monkeypatch, capsys):
    small = {"data": "python-docs", "model": {"vocab_size": 300, "context_length": 16, "n_layers": 1, "n_heads": 2,
             "d_model": 16}, "training": {"steps": 4, "batch_size": 4}}  # fmt: skip
    monkeypatch.setattr(cli, "QUICKSTART", small)
    monkeypatch.chdir(tmp_path)
    for name in ("quickstart", "quickstart-2"):  # a second one does not overwrite the first
        assert cli.main(["quickstart"]) == 0
        out = capsys.readouterr().out
        assert out.index("Before training") < out.index("After training") < out.index("Next, try:")
        command = out.strip().splitlines()[-1].removeprefix("Next, try:").split("'")
        assert (tmp_path / "runs" / name / "loss.png").exists()
        assert cli.main([*command[0].split()[1:], command[1]]) == 0


def test_check_prints_a_table_or_json_and_fails_when_a_derivative_is_wrong(capsys, monkeypatch):
    from minigpt.by_hand import check_table, operations

    three = check_table.cases()[:3]
    monkeypatch.setattr(check_table, "cases", lambda: three)
    assert cli.main(["check"]) == 0
    assert "3 of 3 operations right" in capsys.readouterr().out
    assert cli.main(["check", "--json"]) == 0
    assert [row["passed"] for row in json.loads(capsys.readouterr().out)] == [True] * 3
    right = operations.linear_backward
    monkeypatch.setattr(operations, "linear_backward", lambda *a: (right(*a)[0] * 1.001, *right(*a)[1:]))
    wrong = [case for case in check_table._maps_and_lookups() if case.operation == "linear"]
    monkeypatch.setattr(check_table, "cases", lambda: wrong)
    assert cli.main(["check"]) == 1
    assert "0 of 1 operations right" in capsys.readouterr().out


@pytest.mark.parametrize("design", ["gpt1", "gpt2", "gpt3"])
def test_training_by_hand_lies_on_pytorchs_curve(tmp_path, capsys, design):
    assert cli.main(["by-hand", "--preset", design, "--steps", "12", "--out", str(tmp_path)]) == 0
    largest = float(re.search(r"largest difference between the two curves: (\S+)", capsys.readouterr().out)[1])
    assert largest < 1e-9
    assert (tmp_path / "loss.png").exists()


def test_help_and_the_list_of_data_sets(capsys):
    for arguments in ([], ["--help"], ["tokenizer"], ["data"], ["--version"]):
        assert cli.main(arguments) == 0
        assert capsys.readouterr().out
    for name in cli.COMMANDS:
        with pytest.raises(SystemExit) as stop:
            cli.main([*name.split(), "--help"])
        assert not stop.value.code
        assert "usage: minigpt " + name in capsys.readouterr().out


def test_help_and_import_do_not_wait_for_torch():
    code = "import sys, minigpt, minigpt.cli; minigpt.cli.main(['--help']); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines()[-1] == "False"


# ------------------------------------------------------------------------------ interrupted, resumed


def start_in_background(*arguments):
    command = [sys.executable, "-m", "minigpt", *map(str, arguments)]
    # As many threads as in this process: sums in another order have other last bits.
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one_thread)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_is_saved_and_goes_on_to_the_same_bits(tmp_path, text, number, status):
    settings = ["--data", text, *SMALL, "--steps", "400", "--checkpoint-every", "1000", "--evaluate-every", "1000"]
    process = start_in_background("pretrain", *settings, "--out", tmp_path / "stopped")
    log = tmp_path / "stopped" / "metrics.jsonl"
    wait_for(lambda: log.exists() and log.stat().st_size)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert "go on with it by --resume" in err.splitlines()[-1]
    assert 0 < json.loads((tmp_path / "stopped" / "last" / "config.json").read_text())["about"]["step"] < 400
    assert cli.main(["pretrain", "--resume", str(tmp_path / "stopped")]) == 0
    assert cli.main(["pretrain", *map(str, settings), "--out", str(tmp_path / "whole")]) == 0
    one, other = ((tmp_path / name / "last" / "model.safetensors").read_bytes() for name in ("stopped", "whole"))
    assert one == other


def test_interrupted_generation_ends_quietly(trained):
    process = start_in_background("generate", trained, "--prompt", "The", "--max-new-tokens", "1000000")
    process.stdout.read(30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""


def test_a_reader_that_leaves_early_is_no_error(trained):
    command = f"{sys.executable} -m minigpt generate {trained} --prompt The --max-new-tokens 3000 | head -c 20"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")


# ------------------------------------------------------------------------------ what bad input gets


@pytest.fixture
def out(tmp_path):
    """An output folder that a refused run must not leave behind."""
    folder = tmp_path / "never"
    yield folder
    assert not folder.exists()


def write(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data, message", [
    (b"", "is empty"),
    (b"text and\0binary", "a zero byte at offset 8"),
    (b"text and \xff\xfe more text", r"not UTF-8 text: byte 0xff at offset 9"),
    (b"too short", "too few for one window: context_length=16 needs 17"),
])  # fmt: skip
def test_a_text_that_cannot_be_trained_on(capsys, tmp_path, out, data, message):
    path = write(tmp_path / "text.txt", data)
    assert re.search(message, refused(capsys, "pretrain", "--data", path, "--out", out, *SMALL))


@pytest.mark.parametrize("arguments, message", [
    (["--data", "/nowhere/a.txt"], "/nowhere/a.txt does not exist"),
    (["--data", "python-dcos"], "unknown data set 'python-dcos': did you mean 'python-docs'?"),
    (["--vocab-size", "100"], "vocab_size=100"),
    (["--n-heads", "3"], "d_model=16 must be divisible by n_heads=3"),
    (["--preset", "gpt-2"], "unknown preset 'gpt-2': did you mean 'gpt2'?"),
    (["--lerning-rate", "1"], "--learning-rate"),
    (["--steps", "many"], "--steps: invalid literal for int() with base 10: 'many'"),
    (["--steps", "0"], "steps=0 must be at least 1"),
    (["--precision", "float8"], "invalid choice 'float8'"),
    (["--tokenizer", "missing.json"], "missing.json"),
    (["--config", "missing.toml"], "missing.toml: No such file or directory"),
    (["--resume", "missing"], "leave out --preset, --config and --out"),
    (["--d-model", "1000000000", "--n-heads", "1"], "not enough memory"),
    (["--d-model", "100000000000000000000", "--n-heads", "1"], "must be at least 1 and below 2**31"),
    (["--seed", "100000000000000000000"], "must be at least 0 and below 2**63"),
])  # fmt: skip
def test_wrong_settings_for_a_run(capsys, text, out, arguments, message):
    assert message in refused(capsys, "pretrain", "--data", text, "--out", out, *SMALL, *arguments)


@pytest.mark.parametrize("toml, message", [
    ("steps = 3", "unknown setting 'steps'"),
    ("[training]\nstep = 3", "unknown setting 'training.step': did you mean 'training.steps'?"),
    ('[training]\nsteps = "3"', "training.steps='3' must be of type int"),
    ("[training\nsteps = 3", "is not valid TOML"),
    ("x = " + "[" * 3000, "is not valid TOML"),
    ('preset = ["mini"]', "unknown preset"),
    ("[model]\ndropout = 1" + "0" * 400, "must be of type float"),
    ("model = 3", "model: expected a table"),
    ('preset = "gpt3-175"', "did you mean 'gpt3-175b'?"),
])  # fmt: skip
def test_wrong_settings_in_a_file(capsys, tmp_path, text, toml, message):
    path = write(tmp_path / "settings.toml", toml.encode())
    assert message in refused(capsys, "pretrain", "--data", text, "--config", path, "--out", tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_a_folder_in_use_is_not_overwritten(capsys, trained, text):
    before = sorted(trained.rglob("*"))
    assert "already exists" in refused(capsys, "pretrain", "--data", text, "--out", trained, *SMALL)
    assert sorted(trained.rglob("*")) == before


def test_two_processes_do_not_train_in_one_folder(tmp_path, text, capsys):
    folder = tmp_path / "run"
    process = start_in_background("pretrain", "--data", text, "--out", folder, *SMALL, "--steps", "100000")
    wait_for(lambda: (folder / "metrics.jsonl").exists())
    try:
        assert f"another minigpt is training in {folder}" in refused(capsys, "pretrain", "--resume", folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    load_model(folder)


@pytest.mark.parametrize("where, name, value", [
    ("training", "seed", 2), ("training", "weight_decay", 0.2), ("model", "dropout", 0.5), ("model", "n_layers", 2),
    (None, "validation_share", 0.2), (None, "tokenizer", "char"),
])  # fmt: skip
def test_a_run_whose_settings_were_edited_is_not_resumed(capsys, trained, tmp_path, where, name, value):
    shutil.copytree(trained, tmp_path / "copy")
    path = tmp_path / "copy" / "settings.json"
    settings = json.loads(path.read_text())
    (settings["settings"][where] if where else settings["settings"])[name] = value
    path.write_text(json.dumps(settings))
    message = refused(capsys, "pretrain", "--resume", tmp_path / "copy", "--steps", "20")
    assert "settings.json was changed since the run was saved" in message


def test_a_folder_of_a_run_that_never_saved_is_taken_again(tmp_path, text):
    folder = tmp_path / "run"
    for steps in ("3", "2"):
        (folder / "tokens").mkdir(parents=True, exist_ok=True)
        (folder / "settings.json").write_text("{}")
        (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 9.0}\n')
        assert cli.main(["pretrain", "--data", str(text), "--out", str(folder), *SMALL, "--steps", steps]) == 0
        assert [line["step"] for line in read_metrics(folder / "metrics.jsonl")] == [int(steps)]
        shutil.rmtree(folder)


def test_a_model_with_a_padded_vocabulary_writes_only_tokens_of_its_tokenizer(tmp_path, trained, capsys):
    import dataclasses

    from minigpt.checkpoint import replacing_folder, save_model
    from minigpt.model import GPT

    model, tokenizer = load_model(trained)
    padded = GPT(dataclasses.replace(model.config, vocab_size=5000))
    with replacing_folder(tmp_path / "padded") as folder:
        save_model(folder, padded, tokenizer)
    settings = ["--prompt", "a", "--max-new-tokens", "60", "--temperature", "5"]
    assert cli.main(["generate", str(tmp_path / "padded"), *settings]) == 0


def test_closed_standard_streams_are_no_error(trained):
    program = f"{sys.executable} -m minigpt"
    for command, status in ((f"{program} generate {trained} --prompt The --max-new-tokens 3 >&-", 0),
                            (f"{program} tokenizer decode {trained} 1 2 >&-", 0),
                            (f"{program} tokenizer encode {trained} <&-", 0),
                            (f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {program} --help", 0)):  # fmt: skip
        result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
        assert result.returncode == status, (command, result.stderr)
        assert "Traceback" not in result.stderr


def test_a_run_that_is_done_or_changed_is_not_resumed(capsys, trained, text):
    assert "is complete (12 steps)" in refused(capsys, "pretrain", "--resume", trained)
    changed = refused(capsys, "pretrain", "--resume", trained, "--steps", "20", "--d-model", "32")
    assert "model cannot change" in changed
    assert "training.seed cannot change" in refused(capsys, "pretrain", "--resume", trained, "--seed", "5")


def test_a_text_that_changed_is_not_resumed_on(capsys, trained, text, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    settings = json.loads((copy / "settings.json").read_text())
    settings["settings"]["data"] = str(write(tmp_path / "other.txt", text.read_bytes() + b"more"))
    (copy / "settings.json").write_text(json.dumps(settings))
    assert "it has changed since" in refused(capsys, "pretrain", "--resume", copy, "--steps", "20")


@pytest.mark.parametrize("prompt, message", [
    ("", "has no tokens"),
    ("word " * 40, "more than the model's context_length=16"),
])  # fmt: skip
def test_a_prompt_that_cannot_be_read(capsys, trained, prompt, message):
    assert message in refused(capsys, "generate", trained, "--prompt", prompt)


@pytest.mark.parametrize("arguments, message", [
    (["generate", "/nowhere"], "/nowhere does not exist"),
    (["generate", ".", "--prompt", "a"], "holds no checkpoint"),
    (["generat"], "unknown command 'generat': did you mean 'generate'?"),
    (["tokenizer", "encod"], "did you mean 'tokenizer encode'?"),
    (["import", "no-such-model-anywhere/at-all"], "a local folder works too"),
])  # fmt: skip
def test_commands_given_the_wrong_thing(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = [*arguments, "--prompt", "a"] if arguments == ["generate", "/nowhere"] else arguments
    assert message in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("settings, message", [
    (["--temperature", "-1"], "temperature=-1.0 must be"),
    (["--top-p", "0"], "top_p=0.0 must be"),
])  # fmt: skip
def test_wrong_sampling_settings(capsys, trained, settings, message):
    assert message in refused(capsys, "generate", trained, "--prompt", "a", *settings)


def test_ids_that_are_none(capsys, trained):
    assert "12345" in refused(capsys, "tokenizer", "decode", trained, 12345)
    for word in ("-1", "three", "²", "9" * 5000):
        assert "is not a token id" in refused(capsys, "tokenizer", "decode", trained, 1, word)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_cannot_be_written(capsys, tmp_path, text):
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused(capsys, "pretrain", "--data", text, "--out", tmp_path / "never", *SMALL)


def test_an_output_folder_below_a_file(capsys, text):
    assert "Not a directory" in refused(capsys, "pretrain", "--data", text, "--out", text / "below", *SMALL)


LIMITED = """
import resource, sys
from minigpt.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_takes_no_more(tmp_path, text):
    """A limit on the size of files stands in for a full disk: the system refuses the write in the same way."""
    arguments = ["pretrain", "--data", text, "--out", tmp_path / "run", *SMALL, "--steps", "5"]
    result = subprocess.run([sys.executable, "-c", LIMITED, *map(str, arguments)], capture_output=True, text=True,
                            timeout=120)  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert re.match(r"minigpt: error: .*(too large|model.safetensors)", result.stderr.splitlines()[-1])
    assert {path.name for path in (tmp_path / "run").iterdir()} <= {"settings.json", "metrics.jsonl", "loss.png"}


def test_a_file_that_cannot_be_written_is_named(capsys, monkeypatch, tmp_path, text):
    missing = tmp_path / "absent" / "tokens.json"
    arguments = ["tokenizer", "train", "--data", text, "--vocab-size", "300", "--out"]
    assert f"{missing} cannot be written" in refused(capsys, *arguments, missing)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    path = tmp_path / "tokens.json"
    assert f"{path}: No space left on device" in refused(capsys, *arguments, path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("minigpt.checkpoint._flush", full)
    run = tmp_path / "run"
    assert cli.main(["pretrain", "--data", str(text), "--out", str(run), *SMALL, "--steps", "3"]) == 2
    last_line = capsys.readouterr().err.splitlines()[-1]  # after the progress bar
    assert re.fullmatch(rf"minigpt: error: {run}/\S*: No space left on device", last_line)
    assert not list(run.glob("**/model.safetensors"))


def test_files_may_be_read_by_whoever_may_read_the_folder(trained):
    modes = {path.name: path.stat().st_mode & 0o777 for path in (trained / "best").iterdir()}
    assert len(set(modes.values())) == 1, modes


def test_a_package_that_is_not_installed_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "minigpt.by_hand.check_table", None)
    assert "needs the package 'minigpt.by_hand.check_table'" in refused(capsys, "check")


def test_data_that_cannot_be_fetched(capsys, monkeypatch, text, tmp_path):
    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    monkeypatch.setattr("pooch.retrieve", lambda *a, **k: (_ for _ in ()).throw(OSError("no network\nat all")))
    message = refused(capsys, "pretrain", "--data", "tinyshakespeare", "--out", tmp_path / "never")
    assert "(no network): download it by hand to tinyshakespeare/input.txt" in message


def test_python_without_its_documentation_trains_on_the_generated_world(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert len(python_docs()) > 500_000
    assert Path(cli.__file__).exists()
