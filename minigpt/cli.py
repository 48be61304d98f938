"""The command line: one subcommand, one function.

Nothing heavy is imported before it is needed, so that `minigpt --help` answers at once. A mistake of the user's ends
with one line on stderr and exit status 2.
"""

import contextlib
import dataclasses
import io
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from minigpt.config import PretrainConfig, SamplingConfig, from_dict, preset, read_toml, unknown

# ------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class PretrainFlags:
    """Train a GPT from scratch on a text.

    Settings come from the defaults, then the preset, then the TOML file, then the flags: the last one counts.
    """

    preset: str = "mini"
    """model shape to start from: tiny, mini, small, gpt1, gpt2, gpt2-medium, ..., gpt3-small, ..., gpt3-175b"""
    config: str = ""
    """TOML file with settings: top-level names as below, tables [model] and [training]"""
    resume: str = ""
    """folder of a run that was stopped: go on with it, with its settings, to the same bits as without the stop"""
    run: PretrainConfig = field(default_factory=PretrainConfig)


def pretrain(arguments):
    """Train a GPT from scratch on a text"""
    flags = _parse(PretrainFlags, arguments, "minigpt pretrain", default=_pretrain_defaults(arguments))
    from minigpt.training.distributed import is_first, processes

    with processes(flags.run.training.device):
        _pretrain(flags, say=_say if is_first() else lambda line: None)


def _pretrain(flags, say):
    from minigpt import pretraining

    run = pretraining.resume(flags.resume, flags.run, say) if flags.resume else pretraining.start(flags.run, say)
    _train(run)
    loss = run.validation_loss()
    say(f"validation loss over the whole split: {loss:.4f} nats a token, {run.bits_per_byte(loss):.4f} bits a byte")
    say(f"run folder: {run.folder} (loss curve: {run.folder / 'loss.png'})")
    say(f"next: minigpt generate {run.folder} --prompt 'The '")


def _pretrain_defaults(arguments):
    """What stands where a flag says nothing: the preset, then the TOML file or the resumed run's own settings."""
    early = _early(arguments, "preset", "config", "resume", "out")
    if early.resume:
        if early.preset or early.config or early.out:
            raise ValueError("--resume goes on with a run's own settings: leave out --preset, --config and --out")
        from minigpt.pretraining import read_settings

        return PretrainFlags(resume=early.resume, run=read_settings(early.resume))
    values = read_toml(early.config) if early.config else {}
    name = early.preset or values.pop("preset", "mini")
    values.pop("preset", None)
    base = dataclasses.replace(PretrainConfig(), model=preset(name))
    return PretrainFlags(preset=name, config=early.config or "", run=from_dict(PretrainConfig, values, base))


def _early(arguments, *names):
    """What is given for a few flags, before all are read, as these decide what the others' defaults are."""
    import argparse

    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in names:
        first.add_argument(f"--{name}", default="", nargs="?")
    return first.parse_known_args(arguments)[0]


def _train(run):
    """Train with a progress bar: loss, bits per byte, validation loss, tokens per second."""
    from minigpt.training.distributed import is_first

    tokens, started = 0, time.monotonic()

    def told(loss, validation, report):
        nonlocal tokens
        tokens += report.n_targets
        speed = tokens / (time.monotonic() - started)
        return f"loss {loss:.3f} ({run.bits_per_byte(loss):.3f} bits/byte){validation}, {speed:,.0f} tokens/s"

    _with_bar(run.trainer, run.train, told, shown=is_first())


def _train_task(trainer, train):
    """Train with a progress bar: loss, and the validation loss after each epoch."""
    _with_bar(trainer, train, lambda loss, validation, report: f"loss {loss:.3f}{validation}", memory=0.9)


def _with_bar(trainer, train, told, memory=0.95, shown=True):
    """Call train(on_step), and draw after each step how far it is, the time left, and told(loss, validation, report).

    The loss is a moving average that keeps `memory` of itself at each step.
    """
    from tqdm import tqdm

    shape = "{percentage:3.0f}%|{bar:24}| {n_fmt}/{total_fmt} [{elapsed} < {remaining}{postfix}]"
    smooth, validation = None, ""
    with tqdm(total=trainer.config.steps, initial=trainer.step, bar_format=shape, dynamic_ncols=True, mininterval=0.3,
              disable=not shown) as bar:  # fmt: skip

        def show(report):
            nonlocal smooth, validation
            smooth = report.loss if smooth is None else memory * smooth + (1 - memory) * report.loss
            if report.validation_loss is not None:
                validation = f", validation {report.validation_loss:.3f}"
            bar.set_postfix_str(told(smooth, validation, report), refresh=False)
            bar.update()

        train(show)


def update(arguments):
    """Learn from new text; keep the old model unless the new one still knows the old"""
    from minigpt import updating
    from minigpt.training.trainer import TrainingInterrupted

    flags = _parse(updating.UpdateFlags, arguments, "minigpt update")
    try:
        return updating.update_command(flags, _say, _train_task)
    except TrainingInterrupted as interrupted:
        print(f"\nminigpt: {interrupted}; the old model stays", file=sys.stderr)
        return 128 + interrupted.signal_number


@dataclass(frozen=True)
class QuickstartFlags:
    """Train a small GPT from scratch on text that comes with Python, in about a minute."""

    out: str = ""
    """folder for the run; empty means runs/quickstart, or the next free number after it"""


def quickstart(arguments):
    """Train a small GPT in about a minute, on text that comes with Python"""
    flags = _parse(QuickstartFlags, arguments, "minigpt quickstart")
    from minigpt import pretraining
    from minigpt.checkpoint import free_folder

    config = from_dict(PretrainConfig, QUICKSTART | {"out": flags.out or str(free_folder("runs/quickstart"))})
    _say("A GPT learns to write by guessing the next token of a text, millions of times.")
    run = pretraining.start(config, say=_say)
    prompt = "The value of"
    _show_sample("Before training, it writes", run, prompt)
    _train(run)
    loss = run.validation_loss()
    _show_sample("After training, it writes", run, prompt)
    _say(f"On text it has never seen: {loss:.3f} nats a token, {run.bits_per_byte(loss):.3f} bits a byte "
         "(guessing bytes at random costs 8).")  # fmt: skip
    _say(f"Checkpoint: {run.folder / 'best'}   loss curve: {run.folder / 'loss.png'}")
    _say(f"\nNext, try:  minigpt generate {run.folder} --prompt 'A function is'")


# About a minute on two CPU cores.
QUICKSTART = {
    "data": "python-docs",
    "model": {"vocab_size": 1024, "context_length": 64, "n_layers": 4, "n_heads": 4, "d_model": 128, "dropout": 0.0},
    "training": {"steps": 1100, "batch_size": 12, "evaluate_every": 100, "evaluation_windows": 100},
}


def _show_sample(title, run, prompt):
    from minigpt.generation import generate

    ids = run.tokenizer.encode(prompt)
    (new,) = generate(run.model, [ids], SamplingConfig(max_new_tokens=60, temperature=0.7, top_k=40, seed=1))
    text = run.tokenizer.decode(ids + new)
    _say(f"\n{title}:\n" + "\n".join("    " + line for line in text.splitlines()) + "\n")


# ------------------------------------------------------------------------------------------- fine-tuning


def finetune(arguments):
    """Fine-tune a pretrained model for a task"""
    from minigpt.finetuning import commands

    renamed = [re.sub("^--from(?==|$)", "--base", argument) for argument in arguments]
    early = _early(renamed, "resume")
    default = commands.resumed_flags(early.resume) if early.resume else None
    flags = _parse(commands.FinetuneFlags, renamed, "minigpt finetune", default)
    return commands.finetune_command(flags, _say, _train_task)


def compare_methods(arguments):
    """Try every method of fine-tuning on one task: one table"""
    from minigpt.finetuning import commands

    renamed = [re.sub("^--from(?==|$)", "--base", argument) for argument in arguments]
    return commands.compare_command(_parse(commands.CompareFlags, renamed, "minigpt compare-methods"), _say)


def predict(arguments):
    """Label new texts with a fine-tuned model"""
    from minigpt.finetuning import commands

    return commands.predict_command(_parse(commands.PredictFlags, arguments, "minigpt predict"), _say)


# ------------------------------------------------------------------------------------------- images and sounds


def caption(arguments):
    """Say what a picture shows"""
    from minigpt.multimodal import commands

    return commands.caption_command(_parse(commands.CaptionFlags, arguments, "minigpt caption"), _say)


def transcribe(arguments):
    """Write down what a recording says"""
    from minigpt.multimodal import commands

    return commands.transcribe_command(_parse(commands.TranscribeFlags, arguments, "minigpt transcribe"), _say)


def draw(arguments):
    """Draw what a text asks for"""
    from minigpt.multimodal import commands

    return commands.draw_command(_parse(commands.DrawFlags, arguments, "minigpt draw"), _say)


# ------------------------------------------------------------------------------------------- using a model


@dataclass(frozen=True)
class GenerateFlags:
    """Continue a prompt with a trained model; tokens appear as they are drawn."""

    run: tyro.conf.Positional[str]
    """folder of a run, or of a checkpoint"""
    prompt: str | None = None
    """text to continue; without it, standard input is read"""
    stop: tuple[str, ...] = ()
    """end before this text appears; several may be given"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute"""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


def generate(arguments):
    """Continue a prompt with a trained model"""
    flags = _parse(GenerateFlags, arguments, "minigpt generate")
    prompt = flags.prompt
    if prompt is None:
        if sys.stdin.isatty():
            raise ValueError("give a --prompt, or text on standard input")
        prompt = "".join(_standard_input_pieces())
    from minigpt.checkpoint import load_model
    from minigpt.devices import choose_device
    from minigpt.generation import TextWriter, stream

    model, tokenizer = load_model(flags.run, choose_device(flags.device))
    ids = tokenizer.encode(prompt)
    if not ids:
        raise ValueError(f"the prompt {prompt!r} has no tokens: give at least one character")
    stops = tokenizer.special_tokens.values()
    new_ids = stream(model, ids, flags.sampling, stop_ids=stops, n_tokens=tokenizer.vocab_size)
    sys.stdout.write(prompt)
    writer = TextWriter(tokenizer, flags.stop)
    for token in new_ids:
        sys.stdout.write(writer.write(token))
        sys.stdout.flush()
        if writer.stopped:
            break
    sys.stdout.write(writer.finish() + "\n")


@dataclass(frozen=True)
class EvaluateFlags:
    """Measure a model's loss on a text, every token but the first once; or a fine-tuned model on its task."""

    run: tyro.conf.Positional[str]
    """folder of a run, or of a checkpoint"""
    data: str = ""
    """a UTF-8 text file, or the name of a data set in the catalogue"""
    task: str = ""
    """of a fine-tuned model: the task to measure it on"""
    base: str = ""
    """of a fine-tuned model: the pretrained model, where it is not where it was"""
    split: Literal["all", "training", "validation"] = "all"
    """which part of the text"""
    validation_share: float = 0.1
    """share of the text, at its end, that is the validation part"""
    batch_size: int = 64
    """windows worked through at a time"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute"""


def evaluate(arguments):
    """Measure a model's loss on a text"""
    flags = _parse(EvaluateFlags, arguments, "minigpt evaluate")
    if flags.task:
        from minigpt.finetuning.commands import evaluate_command

        return evaluate_command(flags.run, flags.task, flags.data, flags.base, flags.device, _say)
    if not flags.data:
        raise ValueError("give a --data file or name, or the --task of a fine-tuned model")
    if flags.batch_size < 1:
        raise ValueError(f"batch_size={flags.batch_size} must be at least 1")
    if not 0 < flags.validation_share < 1:
        raise ValueError(f"validation_share={flags.validation_share} must be above 0 and below 1")
    from minigpt.checkpoint import load_model
    from minigpt.datasets.catalog import open_text
    from minigpt.datasets.text import NextTokenWindows, token_ids
    from minigpt.devices import choose_device
    from minigpt.metrics import bits_per_byte, perplexity
    from minigpt.training.losses import mean_loss, next_token_loss

    device = choose_device(flags.device)
    text = open_text(flags.data)
    model, tokenizer = load_model(flags.run, device)
    if flags.split != "all":
        text = dict(zip(("training", "validation"), text.split(flags.validation_share)))[flags.split]
    windows = NextTokenWindows(token_ids(text, tokenizer), model.config.context_length, flags.data)
    batches = ([tensor.to(device) for tensor in batch] for batch in windows.in_order(flags.batch_size))
    loss = mean_loss(model, next_token_loss, batches)
    n_targets = len(windows.ids) - 1
    n_bytes = text.n_bytes - len(tokenizer.token_bytes(int(windows.ids[0])))
    _say(f"tokens predicted   {n_targets:,}, standing for {n_bytes:,} bytes")
    _say(f"loss               {loss:.4f} nats a token")
    _say(f"perplexity         {perplexity(loss):.3f}")
    _say(f"bits per byte      {bits_per_byte(loss * n_targets, n_bytes):.4f}")


@dataclass(frozen=True)
class ServeFlags:
    """Serve a model over HTTP, in the shape of OpenAI's API, with a page to look inside it."""

    run: tyro.conf.Positional[str]
    """folder of a run, of a checkpoint, or of a fine-tuned model"""
    host: str = "127.0.0.1"
    """address to listen on; 0.0.0.0 lets other machines in: set a key then"""
    port: int = 8000
    """port to listen on; 0 takes a free one"""
    batch_size: int = 16
    """texts written side by side"""
    queue: int = 64
    """texts that may wait; more are refused with status 429"""
    max_tokens: int = 1024
    """most tokens that one request may ask for"""
    api_key_file: str = ""
    """file with the key that clients must send; without it, the environment variable MINIGPT_API_KEY counts"""
    grace: int = 30
    """seconds that running requests get to finish when the server is told to stop"""
    base: str = ""
    """of a fine-tuned model: the pretrained model, where it is not where it was"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute"""

    def __post_init__(self):
        for name, least in (("batch_size", 1), ("queue", 0), ("max_tokens", 1), ("port", 0), ("grace", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} must be at least {least}")
        if self.port > 65535:
            raise ValueError(f"port={self.port} must be at most 65535")


def serve(arguments):
    """Serve a model over HTTP: OpenAI's API, and a page to look inside"""
    flags = _parse(ServeFlags, arguments, "minigpt serve")
    from minigpt import serving

    return serving.serve(flags, _say)


# ------------------------------------------------------------------------------------------- tokenizers


@dataclass(frozen=True)
class TokenizerTrainFlags:
    """Learn a vocabulary from a text."""

    data: str
    """a UTF-8 text file, or the name of a data set in the catalogue"""
    out: str = "tokenizer.json"
    """file to write"""
    kind: Literal["bpe", "char"] = "bpe"
    """byte-level BPE, or one token for each character"""
    vocab_size: int = 4096
    """number of tokens a BPE learns at most"""


def tokenizer_train(arguments):
    """Learn a vocabulary from a text"""
    flags = _parse(TokenizerTrainFlags, arguments, "minigpt tokenizer train")
    from minigpt.datasets.catalog import open_text
    from minigpt.tokenizers import BPETokenizer, CharTokenizer

    if Path(flags.out).is_dir() or not Path(flags.out).absolute().parent.is_dir():
        raise ValueError(f"{flags.out} cannot be written: it is a folder, or its folder does not exist")
    pieces = open_text(flags.data).pieces()
    started = time.monotonic()
    char = flags.kind == "char"
    tokenizer = CharTokenizer.train(pieces) if char else BPETokenizer.train(pieces, flags.vocab_size)
    tokenizer.save(Path(flags.out))
    _say(f"{flags.out}: {tokenizer.vocab_size:,} tokens, learned in {time.monotonic() - started:.1f} s")


@dataclass(frozen=True)
class TokenizerEncodeFlags:
    """Turn text into token ids, on one line, separated by spaces."""

    tokenizer: tyro.conf.Positional[str]
    """tokenizer.json, or a folder that holds one"""
    text: str | None = None
    """text to encode; without it, standard input is read"""


def tokenizer_encode(arguments):
    """Turn text into token ids"""
    flags = _parse(TokenizerEncodeFlags, arguments, "minigpt tokenizer encode")
    tokenizer = _load_tokenizer(flags.tokenizer)
    pieces = _standard_input_pieces() if flags.text is None else [flags.text]
    separator = ""
    for ids in tokenizer.encode_stream(pieces):
        if ids:
            sys.stdout.write(separator + " ".join(map(str, ids)))
            separator = " "
    sys.stdout.write("\n")


@dataclass(frozen=True)
class TokenizerDecodeFlags:
    """Turn token ids into text."""

    tokenizer: tyro.conf.Positional[str]
    """tokenizer.json, or a folder that holds one"""
    ids: tyro.conf.Positional[tuple[str, ...]] = ()
    """token ids; without them, standard input is read"""


def tokenizer_decode(arguments):
    """Turn token ids into text"""
    flags = _parse(TokenizerDecodeFlags, arguments, "minigpt tokenizer decode")
    tokenizer = _load_tokenizer(flags.tokenizer)
    words = flags.ids or "".join(_standard_input_pieces()).split()
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 10)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a token id: give whole numbers separated by spaces")
    sys.stdout.write(tokenizer.decode(map(int, words)))


def _load_tokenizer(path):
    from minigpt.tokenizers import load_tokenizer

    path = Path(path)
    if path.is_dir():
        folders = [path, path / "best", path / "last"]
        path = next((f / "tokenizer.json" for f in folders if (f / "tokenizer.json").is_file()), path)
    return load_tokenizer(path)


def _standard_input_pieces():
    from minigpt.datasets.text import TextSource

    data = sys.stdin.buffer.read()
    return TextSource("standard input", lambda: io.BytesIO(data), 0, len(data)).pieces()


# ------------------------------------------------------------------------------------------- gradients by hand


@dataclass(frozen=True)
class CheckFlags:
    """Check every hand-written derivative of a GPT against numbers; exit status 1 if one is wrong."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """print JSON instead of a table"""


def check(arguments):
    """Check every hand-written derivative of a GPT against numbers"""
    flags = _parse(CheckFlags, arguments, "minigpt check")
    from minigpt.by_hand.check_table import format_table, run_checks

    rows = run_checks()
    _say(json.dumps([row.to_dict() for row in rows], indent=2) if flags.json else format_table(rows))
    return 0 if all(row.passed for row in rows) else 1


@dataclass(frozen=True)
class ByHandFlags:
    """Train a small GPT twice, from the same start on the same batches: by hand in NumPy, and with PyTorch."""

    data: str = "python-docs"
    """a UTF-8 text file, or the name of a data set; its first 20,000 characters are used"""
    preset: Literal["gpt1", "gpt2", "gpt3"] = "gpt2"
    """which GPT's design; the size is small"""
    steps: int = 100
    """number of updates"""
    seed: int = 1
    """seed of weights and batches"""
    out: str = "runs/by-hand"
    """folder for the figure of the two loss curves"""


def by_hand(arguments):
    """Train a GPT by hand-written gradients in NumPy, beside PyTorch's"""
    flags = _parse(ByHandFlags, arguments, "minigpt by-hand")
    if flags.steps < 1:
        raise ValueError(f"steps={flags.steps} must be at least 1")
    if flags.seed < 0:
        raise ValueError(f"seed={flags.seed} must be at least 0")
    path = Path(flags.out) / "loss.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    from minigpt.datasets.catalog import open_text
    from minigpt.plotting import two_curves
    from minigpt.training.beside_by_hand import train_twice

    text = "".join(open_text(flags.data).pieces())[:20_000]
    ours, theirs = train_twice(text, preset(flags.preset if flags.preset != "gpt3" else "gpt3-small"),
                               flags.steps, flags.seed)  # fmt: skip
    _say("update  by hand, nats    PyTorch, nats    difference")
    for step in sorted({*range(0, flags.steps, max(1, flags.steps // 10)), flags.steps - 1}):
        _say(f"{step + 1:6}  {ours[step]:.10f}     {theirs[step]:.10f}     {abs(ours[step] - theirs[step]):.1e}")
    largest = max(abs(one - other) for one, other in zip(ours, theirs))
    _say(f"largest difference between the two curves: {largest:.1e} nats")
    two_curves({"by hand, in NumPy": ours, "PyTorch": theirs}, largest).savefig(path)
    _say(f"figure: {path}")


# ------------------------------------------------------------------------------------------- other formats, data


@dataclass(frozen=True)
class ImportFlags:
    """Bring in a published GPT-1 or GPT-2, in the Hugging Face layout."""

    source: tyro.conf.Positional[str]
    """a local folder, or a name on the Hugging Face hub, such as gpt2 or gpt1"""
    out: str = ""
    """checkpoint folder to write; empty means runs/ and the source's name"""


def import_(arguments):
    """Bring in a published GPT-1 or GPT-2 from a folder or the hub"""
    flags = _parse(ImportFlags, arguments, "minigpt import")
    from minigpt.checkpoint import replacing_folder, save_model
    from minigpt.pretrained import fetch_hugging_face, read_hugging_face, read_hugging_face_tokenizer

    folder = Path(flags.source) if Path(flags.source).is_dir() else fetch_hugging_face(flags.source)
    out = Path(flags.out or Path("runs") / Path(flags.source).resolve().name)
    _refuse_existing(out)
    model = read_hugging_face(folder)
    tokenizer = read_hugging_face_tokenizer(folder, model.config)
    with replacing_folder(out) as new:
        save_model(new, model, tokenizer, source=flags.source)
    _say(f"{out}: {model.n_parameters():,} parameters, {tokenizer.vocab_size:,} tokens")
    _say(f"next: minigpt generate {out} --prompt 'Once upon a time'")


@dataclass(frozen=True)
class ExportFlags:
    """Write a model in the Hugging Face layout, for transformers' AutoModelForCausalLM and AutoTokenizer."""

    run: tyro.conf.Positional[str]
    """folder of a run, or of a checkpoint"""
    out: str
    """folder to write"""


def export(arguments):
    """Write a model in the Hugging Face layout"""
    flags = _parse(ExportFlags, arguments, "minigpt export")
    from minigpt.checkpoint import load_model, replacing_folder
    from minigpt.pretrained import write_hugging_face

    out = Path(flags.out)
    _refuse_existing(out)
    model, tokenizer = load_model(flags.run)
    with replacing_folder(out) as new:
        write_hugging_face(new, model, tokenizer)
    _say(f"{out}: load it with transformers.AutoModelForCausalLM.from_pretrained({str(out)!r})")


def _refuse_existing(folder):
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} already exists: choose another --out")


@dataclass(frozen=True)
class DataFlags:
    """List the data sets that commands know by name, and the tasks of minigpt finetune."""


def data(arguments):
    """List the data sets and the tasks that are known by name"""
    _parse(DataFlags, arguments, "minigpt data")
    from minigpt.datasets.catalog import CATALOG
    from minigpt.datasets.task_catalog import TASKS

    width = max(map(len, [*CATALOG, *TASKS]))
    for name, entry in CATALOG.items():
        _say(f"{name:{width}}  {entry.what}. Licence: {entry.licence}")
    _say("\nTasks of minigpt finetune, and the data that each takes unless told otherwise:\n")
    for name, task in TASKS.items():
        _say(f"{name:{width}}  {task.what} (data: {task.data or 'give --data'})")


# ------------------------------------------------------------------------------------------- exercises


def grade(arguments):
    """Grade your answers to a chapter's exercises"""
    from minigpt.grading import commands

    return commands.grade_command(_parse(commands.GradeSettings, arguments, "minigpt grade"), say=_say)


def grade_class(arguments):
    """Grade a folder of submissions into a table"""
    from minigpt.grading import commands

    return commands.grade_class_command(_parse(commands.GradeClassSettings, arguments, "minigpt grade-class"), say=_say)


def handout(arguments):
    """Write the tree that students get, without solutions"""
    from minigpt.grading import commands

    return commands.handout_command(_parse(commands.HandoutSettings, arguments, "minigpt handout"), say=_say)


# ------------------------------------------------------------------------------------------- the program

COMMANDS = {
    "quickstart": quickstart,
    "pretrain": pretrain,
    "update": update,
    "generate": generate,
    "evaluate": evaluate,
    "finetune": finetune,
    "compare-methods": compare_methods,
    "predict": predict,
    "caption": caption,
    "transcribe": transcribe,
    "draw": draw,
    "serve": serve,
    "tokenizer train": tokenizer_train,
    "tokenizer encode": tokenizer_encode,
    "tokenizer decode": tokenizer_decode,
    "check": check,
    "by-hand": by_hand,
    "grade": grade,
    "handout": handout,
    "grade-class": grade_class,
    "import": import_,
    "export": export,
    "data": data,
}


def main(arguments=None):
    """Run the program; returns the exit status: 0 well, 2 the user's mistake, 130 interrupted, 143 terminated."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # PyTorch's threads on Linux wait for each other in a busy loop. While two other programs kept both cores busy, a
    # training step took 6.8 s so, and 0.4 s with a short wait; on an idle machine the two are equal.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    _mend_standard_streams()
    try:
        return _run(arguments) or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `minigpt generate … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141 if arguments[0] in ("quickstart", "pretrain") else 0  # these did not do all that was asked
    except ModuleNotFoundError as error:  # an extra that was not installed
        message = f"this command needs the package {error.name!r}: pip install {error.name}"
        print(f"minigpt: error: {message}", file=sys.stderr)
        return 2
    except (ValueError, OSError, MemoryError, RuntimeError) as error:
        out_of_memory = any(words in str(error) for words in ("allocate memory", "out of memory", "Storage size"))
        if os.environ.get("MINIGPT_TRACEBACK") or (isinstance(error, RuntimeError) and not out_of_memory):
            raise
        error = MemoryError() if out_of_memory else error
        rank = os.environ.get("RANK", "0")  # torchrun's number of this process
        if rank == "0":
            print(f"minigpt: error: {_one_line(error)}", file=sys.stderr)
        elif not isinstance(error, ValueError):  # the user's mistakes are the same in all processes: one says them
            print(f"minigpt: error in process {rank}: {_one_line(error)}", file=sys.stderr)
        return 2


def _mend_standard_streams():
    """A closed stream becomes an empty one; a terminal that cannot show a character shows a question mark."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - stays open, as streams do
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _run(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        from minigpt import __version__

        print(__version__)
        return 0
    n_words = 2 if arguments[0] == "tokenizer" else 1
    name = " ".join(arguments[:n_words])
    if name in ("tokenizer", "tokenizer -h", "tokenizer --help"):
        print(_overview("tokenizer"))
        return 0
    if name not in COMMANDS:
        raise ValueError(unknown("command", name, COMMANDS))
    try:
        return COMMANDS[name](arguments[n_words:])
    except Exception as error:
        # Told apart by name: importing the trainer's module here would import torch.
        if type(error).__name__ != "TrainingInterrupted":
            raise
        print(f"\nminigpt: {error}; the run is saved, go on with it by --resume", file=sys.stderr)
        return 128 + error.signal_number


def _overview(prefix=""):
    rows = {name: function for name, function in COMMANDS.items() if name.startswith(prefix)}
    width = max(map(len, rows))
    lines = [f"  {name:{width}}  {function.__doc__}" for name, function in rows.items()]
    return "\n".join(["usage: minigpt COMMAND …", "", "Learn how GPT works by building one.", "", "commands:", *lines,
                      "", "minigpt COMMAND --help explains a command's settings."])  # fmt: skip


def _parse(settings, arguments, program, default=None):
    """Flags -> the settings object; a mistake in them is one ValueError, in one line."""
    messages = io.StringIO()
    keywords = {} if default is None else {"default": default}
    markers = (tyro.conf.OmitArgPrefixes,)
    try:
        with contextlib.redirect_stderr(messages):
            return tyro.cli(settings, args=arguments, prog=program, config=markers, **keywords)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ValueError(_from_box(messages.getvalue())) from None


def _from_box(text):
    """The message that tyro frames in a box of several lines, as one line."""
    lines = [line.strip("│ ") for line in text.splitlines() if not line.startswith(("╭", "╰"))]
    parts = re.split("─+|-{5,}", " ".join(line for line in lines if line))  # tyro draws in ASCII where it must
    parts = [part.strip().removeprefix("Value error ") for part in parts if part.strip()]
    return "; ".join(part for part in parts if not part.startswith(("For full helptext", "Argument helptext")))


def _one_line(error):
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split()) or type(error).__name__


def _say(line):
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
