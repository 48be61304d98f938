"""A pretrained run learns from new text, and the new model takes the old one's place only if it still knows the old.

The old validation parts, of the text that the run was trained on and of each text that came since, decide. What the new
model must not lose is measured on them before and after; until it has passed, nothing is written.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import tyro

from minigpt.checkpoint import find_checkpoint, load_model, read_config, read_json, replacing_folder, save_model
from minigpt.config import TrainingConfig
from minigpt.datasets.catalog import open_text
from minigpt.datasets.text import NextTokenWindows, token_ids
from minigpt.devices import autocast, choose_device
from minigpt.pretraining import lock_folder, read_settings
from minigpt.training.losses import mean_loss, next_token_loss
from minigpt.training.trainer import Trainer


@dataclass(frozen=True)
class UpdateFlags:
    """Let a pretrained run learn from new text; the old model stays until the new one has passed on the old texts."""

    run: tyro.conf.Positional[str]
    """folder of a run that `minigpt pretrain` or `minigpt quickstart` made"""
    data: str
    """the new text: a UTF-8 text file, or the name of a data set in the catalogue"""
    replay: float = 0.5
    """share of each batch that is old text, from 0 to below 1"""
    margin: float = 0.02
    """how much the loss on each old validation part may rise, in nats a token"""
    steps: int = 300
    """number of optimizer updates"""
    learning_rate: float = 0.0
    """highest learning rate; 0 takes a third of that which the run was trained with"""
    seed: int = 1
    """everything random follows from it"""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where to compute"""

    def __post_init__(self):
        if not 0 <= self.replay < 1:
            raise ValueError(f"replay={self.replay} must be from 0 to below 1")
        if not self.margin >= 0:
            raise ValueError(f"margin={self.margin} must be at least 0")
        if not 0 <= self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate={self.learning_rate} must be at least 0 and finite")


@dataclass(frozen=True)
class Text:
    """One text that the model has learned from or is to learn from, divided as the run divides texts."""

    name: str
    sha256: str
    training: NextTokenWindows
    validation: NextTokenWindows


@dataclass(frozen=True)
class Update:
    """An update that is ready to train.

    Attributes:
        flags: how.
        folder: of the run.
        model, tokenizer: the best checkpoint's; the model learns.
        about: what that checkpoint says of itself.
        old: the texts that it has learned from, the run's own first.
        new: the text to learn from.
        trainer: writes nothing.
        lock: held for as long as this object lives.
    """

    flags: UpdateFlags
    folder: Path
    model: torch.nn.Module
    tokenizer: object
    about: dict
    old: tuple[Text, ...]
    new: Text
    trainer: Trainer
    lock: object

    def losses(self):
        """{name of a text: loss on its whole validation part, in nats a token}, the new one's last."""
        device, precision = self.trainer.device, self.trainer.config.precision
        with autocast(device, precision):
            return {text.name: mean_loss(self.model, next_token_loss, _moved(text.validation.in_order(), device))
                    for text in (*self.old, self.new)}  # fmt: skip

    def refusal(self, before, after):
        """Why the new model may not take the old one's place, or "" if it may."""
        for text in self.old:
            risen = after[text.name] - before[text.name]
            if not risen <= self.flags.margin:
                return f"on {text.name} the loss rose by {risen:.4f}, more than the margin of {self.flags.margin:g}"
        if not after[self.new.name] < before[self.new.name]:
            return f"on {self.new.name} the loss did not fall: nothing was learned"
        return ""

    def accept(self, after):
        """Put the new model in the place of the run's best checkpoint, whole or not at all."""
        updates = [*self.about.get("updates", []),
                   {"data": self.flags.data, "sha256": self.new.sha256, "steps": self.trainer.step}]  # fmt: skip
        about = self.about | {"validation_loss": after[self.old[0].name], "updates": updates}
        with replacing_folder(self.folder / "best") as folder:
            save_model(folder, self.model, self.tokenizer, **about)


def prepare(flags: UpdateFlags, say=lambda line: None):
    """Read the run and all its texts.

    Args:
        flags: what to do.
        say: is told, line by line, what was found.
    Returns:
        an `Update`.
    Raises:
        ValueError: if this is no run, one of its texts has changed, or the new text does not fit.
    """
    folder = Path(flags.run)
    if not (folder / "settings.json").is_file():
        raise ValueError(f"{folder} is not the folder of a run: it has no settings.json, so its old text is not known")
    config = read_settings(folder)
    lock = lock_folder(folder)
    best = find_checkpoint(folder / "best")
    about = read_config(best)["about"]
    device = choose_device(flags.device)
    model, tokenizer = load_model(best, device)
    length = model.config.context_length

    def divided(data, sha256=None):
        source = open_text(data)
        if sha256 not in (None, source.sha256()):
            raise ValueError(f"{data} is not the text that {folder} learned from: it has changed since")
        parts = zip(("training", "validation"), source.split(config.validation_share))
        windows = [NextTokenWindows(token_ids(text, tokenizer), length, f"the {part} part of {source.name}")
                   for part, text in parts]  # fmt: skip
        return Text(source.name, source.sha256(), *windows)

    learned = [(config.data, read_json(folder / "settings.json")["data_sha256"])]
    learned += [(update["data"], update["sha256"]) for update in about.get("updates", [])]
    old, new = tuple(divided(*each) for each in learned), divided(flags.data)
    if new.sha256 in {text.sha256 for text in old}:
        raise ValueError(f"{folder} has learned from {flags.data} before: there is nothing new in it")
    for kind, text in [*(("old", text) for text in old), ("new", new)]:
        say(f"{kind} text: {text.name}, {len(text.training.ids):,} tokens to train on, "
            f"{len(text.validation.ids):,} to validate")  # fmt: skip
    training = dataclasses.replace(
        config.training, steps=flags.steps, warmup_steps=flags.steps // 10, seed=flags.seed, device=flags.device,
        learning_rate=flags.learning_rate or config.training.learning_rate / 3, final_learning_rate_share=0.0,
        evaluate_every=flags.steps, micro_batches=1, patience=0,
    )  # fmt: skip
    trainer = Trainer(model, next_token_loss, _mixed(old, new, flags.replay, training, device), training)
    return Update(flags, folder, model, tokenizer, about, old, new, trainer, lock)


def _mixed(old, new, replay, training: TrainingConfig, device):
    """Batches of new text, a share of them old; the old texts take turns."""
    n_old = min(round(replay * training.batch_size), training.batch_size - 1)
    n_new = training.batch_size - n_old

    def batches(step):
        parts = [new.training.batch(step, n_new, training.seed)]
        if n_old:
            turn, text = step // len(old), old[step % len(old)]
            parts.append(text.training.batch(turn, n_old, training.seed))
        return _moved(parts, device)

    return batches


def _moved(batches, device):
    return (tuple(tensor.to(device) for tensor in batch) for batch in batches)


def update_command(flags, say, progress):
    """Update a run, print losses before and after, and say which model stays.

    Args:
        flags: `UpdateFlags`.
        say: prints a line.
        progress: progress(trainer, train) shows a bar while train(on_step) runs.
    Returns:
        the exit status: 0 if the new model has taken the old one's place, else 1.
    """
    update = prepare(flags, say)
    before = update.losses()
    progress(update.trainer, update.trainer.run)
    update.model.eval()
    after = update.losses()
    width = max(map(len, before))
    say(f"\n{'loss on (nats a token)':{max(width, 22)}}  before   after")
    for name in before:
        say(f"{name:{max(width, 22)}}  {before[name]:.4f}  {after[name]:.4f}")
    refusal = update.refusal(before, after)
    if refusal:
        say(f"\nThe old model stays: {refusal}. More --replay, fewer --steps or a lower --learning-rate may help.")
        return 1
    update.accept(after)
    say(f"\nThe new model is now {update.folder / 'best'}.")
    return 0
