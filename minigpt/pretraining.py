"""One pretraining run from start to end: text, tokenizer, model, trainer, run folder.

A run folder holds settings.json, metrics.jsonl, loss.png, and two checkpoints: best/ (lowest validation loss) and
last/ (with the state that `resume` needs).
"""

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from minigpt.checkpoint import find_checkpoint, load_model, read_config, save_model, saying_where
from minigpt.config import PretrainConfig, TrainingConfig, from_dict
from minigpt.datasets import catalog
from minigpt.datasets.text import NextTokenWindows, token_ids
from minigpt.devices import autocast, choose_device
from minigpt.metrics import bits_per_byte
from minigpt.model import GPT
from minigpt.tokenizers import BPETokenizer, CharTokenizer, GPT1Tokenizer, load_tokenizer
from minigpt.training import distributed
from minigpt.training.losses import mean_loss, next_token_loss
from minigpt.training.trainer import Trainer, read_metrics

# What may differ when a run is resumed: how long, how often to look, and where. All else would make another run of it.
_BEFORE_A_CHECKPOINT = {"settings.json", "metrics.jsonl", "loss.png", "tokens"}
_MAY_CHANGE = {"steps", "patience", "evaluate_every", "evaluation_windows", "checkpoint_every", "log_every", "device"}
_OF_OTHER_OPTIMIZERS = {"optimizer", "matrix_learning_rate", "momentum"}


@dataclass(frozen=True)
class PretrainingRun:
    """A run that is ready to train."""

    config: PretrainConfig
    folder: Path
    tokenizer: object
    model: GPT
    trainer: Trainer
    training: NextTokenWindows
    validation: NextTokenWindows
    bytes_per_token: float  # mean, in the validation text
    lock: object = None  # held for as long as this object lives

    def train(self, on_step=None):
        """Train to the end; see `Trainer.run`. The loss figure is drawn even if the run is stopped."""
        with saying_where(self.folder):
            try:
                self.trainer.run(on_step)
            finally:
                if distributed.is_first():
                    self._draw()

    def validation_loss(self):
        """Mean loss of the model as it now is, over the whole validation text, in nats for each token."""
        device = self.trainer.device
        batches = _moved(distributed.own_share(self.validation.in_order()), device)
        with autocast(device, self.config.training.precision):
            return mean_loss(self.model, next_token_loss, batches)

    def bits_per_byte(self, loss):
        """The same loss (nats for each token) in bits for each byte of the validation text."""
        return bits_per_byte(loss, self.bytes_per_token)

    def _draw(self):
        from minigpt.plotting import loss_curve

        path = self.folder / "metrics.jsonl"
        if path.exists():
            loss_curve(read_metrics(path)).savefig(self.folder / "loss.png")


def start(config, say=lambda line: None):
    """Prepare a new run; the folder is made only once text, tokenizer and model are known to fit.

    Args:
        config: a `PretrainConfig`.
        say: is told, line by line, what was found.
    Raises:
        ValueError: if anything in the settings or the text does not fit.
    """
    with distributed.first_then_the_others():
        return _start(config, say)


def _start(config, say):
    folder = Path(config.out or Path("runs") / _folder_name(config.data))
    if distributed.is_first() and folder.exists() and not _is_free(folder):
        raise ValueError(f"{folder} already exists: choose another --out, or go on with it by --resume {folder}")
    device = choose_device(config.training.device)
    source = catalog.open_text(config.data)
    tokenizer = _make_tokenizer(config, source, say)
    windows = _windows(config, source, tokenizer, folder, say)
    with torch.random.fork_rng():
        torch.manual_seed(config.training.seed)
        model = GPT(dataclasses.replace(config.model, vocab_size=tokenizer.vocab_size)).to(device)
    folder.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(folder)
    data_sha256 = source.sha256()
    run = _assemble(config, folder, tokenizer, model, *windows, data_sha256, lock)
    together = f", in {distributed.n_processes()} processes" if distributed.n_processes() > 1 else ""
    say(f"model: {model.n_parameters():,} parameters, on {device.type}{together}")
    if not distributed.is_first():
        return run
    (folder / "metrics.jsonl").unlink(missing_ok=True)  # of a run that never came to a checkpoint
    settings = {"settings": dataclasses.asdict(config), "data_sha256": data_sha256}
    (folder / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return run


def resume(folder, config, say=lambda line: None):
    """Prepare to go on with a run from its last checkpoint.

    Args:
        folder: the run's folder.
        config: its settings (`read_settings`), with such changes as a resumed run allows.
    Raises:
        ValueError: if a setting was changed that may not be, the text is another one, or the checkpoint is damaged.
    """
    with distributed.first_then_the_others():
        return _resume(Path(folder), config, say)


def _resume(folder, config, say):
    saved, data_sha256 = _read_settings(folder)
    _check_changes(saved, config)
    lock = lock_folder(folder)
    try:
        last = find_checkpoint(folder / "last")
    except ValueError:
        if (folder / "last").exists():
            raise
        raise ValueError(f"{folder} stopped before its first checkpoint: start it anew") from None
    if (folder / "best").exists() and read_config(find_checkpoint(folder / "best"))["about"].get("updates"):
        raise ValueError(f"{folder} has learned from new text since: going on would lose that; use minigpt update")
    if read_config(last)["about"].get("run") != _identity(saved, data_sha256):
        raise ValueError(f"{folder / 'settings.json'} was changed since the run was saved")
    source = catalog.open_text(config.data)
    if source.sha256() != data_sha256:
        raise ValueError(f"{config.data} is not the text that this run was started with: it has changed since")
    model, tokenizer = load_model(last, choose_device(config.training.device))
    windows = _windows(config, source, tokenizer, folder, say)
    run = _assemble(config, folder, tokenizer, model, *windows, data_sha256, lock)
    run.trainer.resume()
    if run.trainer.is_done:
        raise ValueError(f"{folder} is complete ({run.trainer.step} steps): give more --steps to go on")
    say(f"going on after step {run.trainer.step}")
    return run


def read_settings(folder):
    """The `PretrainConfig` that a run was started with."""
    return _read_settings(Path(folder))[0]


def _make_tokenizer(config, source, say):
    kind = config.tokenizer
    if kind == "char":
        tokenizer = CharTokenizer.train(source.pieces())
    elif kind == "bpe":  # merges are learned from the training part alone
        training_text, _ = source.split(config.validation_share)
        tokenizer = BPETokenizer.train(training_text.pieces(), config.model.vocab_size)
    elif kind == "gpt2":
        tokenizer = BPETokenizer.from_gpt2_files(*catalog.locate("gpt2-bpe"))
    elif kind == "gpt1":
        tokenizer = GPT1Tokenizer.from_files(*catalog.locate("gpt1-bpe"))
    else:
        tokenizer = load_tokenizer(Path(kind))
    say(f"tokenizer: {kind}, {tokenizer.vocab_size:,} tokens")
    return tokenizer


def _windows(config, source, tokenizer, folder, say):
    """Windows of the training and of the validation part, and the bytes that a validation token stands for."""
    training_text, validation_text = source.split(config.validation_share)
    length = config.model.context_length
    parts = []
    for part, text in (("training", training_text), ("validation", validation_text)):
        ids = token_ids(text, tokenizer, folder / "tokens")
        parts.append(NextTokenWindows(ids, length, f"the {part} part of {source.name}"))
    training, validation = parts
    say(f"text: {source.name}, {len(training.ids):,} tokens to train on, {len(validation.ids):,} to validate")
    return training, validation, validation_text.n_bytes / len(validation.ids)


def _assemble(config, folder, tokenizer, model, training, validation, bytes_per_token, data_sha256, lock):
    settings = config.training
    identity = _identity(config, data_sha256)
    device = next(model.parameters()).device
    n_parts = settings.micro_batches * distributed.n_processes()
    if n_parts > settings.batch_size:
        raise ValueError(f"batch_size={settings.batch_size} is too small for {settings.micro_batches} micro-batches in "
                         f"each of {distributed.n_processes()} processes")  # fmt: skip

    def batches(step):
        parts = training.micro_batches(step, settings.batch_size, n_parts, settings.seed)
        return _moved(distributed.own_share(parts), device)

    def looks():
        windows = validation.in_order(at_most=settings.evaluation_windows)
        return _moved(distributed.own_share(windows), device)

    trainer = Trainer(
        model,
        next_token_loss,
        batches,
        settings,
        validation=looks,
        folder=folder,
        save_model=lambda path, step, loss: save_model(
            path, model, tokenizer, step=step, validation_loss=loss, run=identity
        ),
    )
    return PretrainingRun(config, folder, tokenizer, model, trainer, training, validation, bytes_per_token, lock)


def _is_free(folder):
    """Whether a run may begin here: nothing is in it, or only what a run leaves that never came to a checkpoint."""
    return folder.is_dir() and {path.name for path in folder.iterdir()} <= _BEFORE_A_CHECKPOINT


def lock_folder(folder):
    """Keep other processes from training in this folder for as long as the returned object lives.

    The system lets go of the lock when the process ends, however it ends. Windows has no such lock for folders.
    """
    if not distributed.is_first():
        return None
    try:
        import fcntl
    except ImportError:
        return None
    lock = _FolderLock(os.open(folder, os.O_RDONLY))
    try:
        fcntl.flock(lock.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"another minigpt is training in {folder}: wait for it, or choose another --out") from None
    return lock


class _FolderLock:
    """Lets go of the lock when nobody holds this object any more."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def __del__(self):
        os.close(self.descriptor)


def _identity(config, data_sha256):
    """Hash of all that makes a run this run: settings that may not change, and the text."""
    training = {name: value for name, value in dataclasses.asdict(config.training).items() if name not in _MAY_CHANGE}
    if config.training.optimizer == "adamw":  # as runs were named before there was a choice
        training = {name: value for name, value in training.items() if name not in _OF_OTHER_OPTIMIZERS}
    # The text counts, not where it lies: it may be moved.
    fixed = dataclasses.asdict(config) | {"training": training, "out": "", "data": data_sha256}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def _moved(batches, device):
    return (tuple(tensor.to(device, non_blocking=True) for tensor in batch) for batch in batches)


def _read_settings(folder):
    path = folder / "settings.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not the folder of a run: it has no settings.json")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return from_dict(PretrainConfig, stored["settings"]), stored["data_sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _check_changes(saved, config):
    for name in (field.name for field in dataclasses.fields(PretrainConfig)):
        if name not in ("training", "out") and getattr(saved, name) != getattr(config, name):
            raise ValueError(f"{name} cannot change when a run is resumed: start a new run instead")
    for name in (field.name for field in dataclasses.fields(TrainingConfig)):
        if name not in _MAY_CHANGE and getattr(saved.training, name) != getattr(config.training, name):
            raise ValueError(f"training.{name} cannot change when a run is resumed: start a new run instead")


def _folder_name(data):
    return re.sub(r"[^\w.-]+", "-", Path(data).stem).strip("-.") or "run"
