"""One fine-tuning run: a pretrained model, a task, a method; and the small folder that comes out of it.

The folder is laid out as that of a pretraining run: settings.json, metrics.jsonl, best/ and last/. A checkpoint holds
only what the method trained, and the hash of the base that it belongs on.
"""

import dataclasses
import functools
import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from minigpt.checkpoint import (
    empty_model,
    find_checkpoint,
    load_model,
    load_tensors,
    read_json,
    save_tensors,
    saying_where,
    verify,
    write_json,
)
from minigpt.config import FinetuneConfig, GPTConfig, MethodConfig, TrainingConfig, from_dict
from minigpt.datasets.task_sets import TaskSet
from minigpt.datasets.tasks import IGNORED, Encoder
from minigpt.devices import choose_device
from minigpt.finetuning.heads import (
    Classification,
    MultipleChoice,
    Regression,
    SpanAnswer,
    Tagging,
    Task,
    TaskModel,
    TextToText,
)
from minigpt.finetuning.methods import LEARNING_RATES, apply_method, trained_tensors, weights_hash
from minigpt.model import SelfAttention
from minigpt.tokenizers import load_tokenizer
from minigpt.training.optimizer import make_optimizer
from minigpt.training.trainer import Trainer

FORMAT = "minigpt-finetuned-1"
TASKS = {"classification": Classification, "regression": Regression, "tagging": Tagging, "span": SpanAnswer,
         "choice": MultipleChoice, "text": TextToText}  # fmt: skip


@dataclass(frozen=True)
class FinetunedModel:
    """A model for a task, ready to predict."""

    model: TaskModel
    task: Task
    encoder: Encoder
    base: str  # name or folder of the pretrained model
    base_hash: str
    method: MethodConfig
    base_config: GPTConfig
    trained: tuple[str, ...]  # names of the parameters that the method trains, whatever is frozen just now

    def tensors(self):
        """{name: tensor} of what is trained: all that has to be saved."""
        parameters = dict(self.model.named_parameters())
        return {name: parameters[name] for name in self.trained}

    def put_back(self, tensors, source):
        """Take these tensors in place of the trained ones.

        Raises:
            ValueError: if a name or a shape does not fit; names it, and the `source`.
        """
        expected = self.tensors()
        for name in sorted(expected.keys() | tensors.keys()):
            if name not in tensors or name not in expected or tensors[name].shape != expected[name].shape:
                raise ValueError(f"{source}: the weights {name!r} are missing, unknown or of another shape")
        with torch.no_grad():
            for name, parameter in expected.items():
                parameter.copy_(tensors[name])


@dataclass(frozen=True)
class FinetuningRun:
    """A run that is ready to train."""

    config: FinetuneConfig
    folder: Path | None
    finetuned: FinetunedModel
    trainer: Trainer
    task_set: TaskSet

    def train(self, on_step=None):
        """Train to the end; then, in a run with a folder, the weights are those of the lowest validation loss."""
        if self.folder is None:
            self.trainer.run(on_step)
            return
        with saying_where(self.folder):
            self.trainer.run(on_step)
        best = find_checkpoint(self.folder, prefer=("best",)) / "model.safetensors"
        self.finetuned.put_back(load_tensors(best), best)


def start(config: FinetuneConfig, task_set: TaskSet, folder=None, say=lambda line: None):
    """Prepare a run.

    Args:
        config: how to train; `config.base` names the pretrained model.
        task_set: the examples.
        folder: where to save; None saves nothing.
        say: is told, line by line, what was found.
    Raises:
        ValueError: if anything in the settings or the examples does not fit.
    """
    if folder is not None and Path(folder).exists() and any(Path(folder).iterdir()):
        raise ValueError(f"{folder} already exists: choose another --out, or go on with it by --resume {folder}")
    run = _prepare(config, task_set, folder, say)
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        settings = {"settings": dataclasses.asdict(config), "examples_sha256": _examples_hash(task_set)}
        write_json(Path(folder) / "settings.json", settings)
    return run


def resume(config: FinetuneConfig, task_set: TaskSet, folder, say=lambda line: None):
    """Prepare to go on with a run from its last checkpoint; it ends with the same bits as one that never stopped.

    Raises:
        ValueError: if examples or base are others, the checkpoint is missing or damaged, or the run is complete.
    """
    folder = Path(folder)
    if read_json(folder / "settings.json")["examples_sha256"] != _examples_hash(task_set):
        raise ValueError(f"{folder} was started with other examples of {task_set.name}")
    if not (folder / "last").exists():
        raise ValueError(f"{folder} stopped before its first checkpoint: start it anew")
    last = find_checkpoint(folder / "last")
    verify(last)
    run = _prepare(config, task_set, folder, say)
    if read_json(last / "config.json").get("base_hash") != run.finetuned.base_hash:
        raise ValueError(f"{folder} was started on another base than {config.base}, which has changed since")
    run.finetuned.put_back(load_tensors(last / "model.safetensors"), last / "model.safetensors")
    run.trainer.resume()
    if run.trainer.is_done:
        raise ValueError(f"{folder} is complete ({run.trainer.step} updates)")
    say(f"going on after update {run.trainer.step}")
    return run


def read_settings(folder):
    """The `FinetuneConfig` that a run was started with."""
    path = Path(folder) / "settings.json"
    if not path.is_file():
        raise ValueError(f"{folder} is not the folder of a run: it has no settings.json")
    try:
        return from_dict(FinetuneConfig, read_json(path)["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def check_changes(saved: FinetuneConfig, config: FinetuneConfig):
    """Raise a ValueError if a resumed run is given another setting than it was started with; the device may change."""
    for name in (field.name for field in dataclasses.fields(FinetuneConfig)):
        if name != "device" and getattr(saved, name) != getattr(config, name):
            raise ValueError(f"{name} cannot change when a run is resumed: start a new run instead")


def _prepare(config, task_set, folder, say):
    gpt, tokenizer = load_model(config.base, choose_device(config.device))
    base_hash = weights_hash(gpt)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        finetuned = _build(gpt, tokenizer, make_task(task_set, config), config.method_config(), config.dropout,
                           (config.base, base_hash))  # fmt: skip
    task, encoder, model = finetuned.task, finetuned.encoder, finetuned.model
    chosen = {"training": _chosen(task_set.train, config), "validation": task_set.validation, "test": task_set.test}
    encoded = {name: [task.encode(encoder, example) for example in part] for name, part in chosen.items()}
    for name, part in encoded.items():
        n_cut = sum(example.is_cut for example in part)
        n_lost = sum(place == -1 for example in part for place in example.places)
        n_unscored = sum(not _is_scored(example) for example in part if name != "test")  # the test leaves none out
        cut = f", {n_cut:,} of them cut at the context length" if n_cut else ""
        lost = f", {n_lost:,} words without tokens or cut off" if n_lost else ""
        unscored = f", {n_unscored:,} left out as their answers were cut off" if n_unscored else ""
        say(f"{name}: {len(part):,} examples{cut}{lost}{unscored}")
        if n_unscored == len(part):
            raise ValueError(f"no {name} example has its answer within the model's context of {encoder.context_length}")
    train, validation = ([example for example in encoded[name] if _is_scored(example)]
                         for name in ("training", "validation"))  # fmt: skip
    n_trained = sum(tensor.numel() for tensor in finetuned.tensors().values())
    say(f"method {config.method}: {n_trained:,} of {sum(p.numel() for p in model.parameters()):,} numbers trained")
    trainer = _make_trainer(config, finetuned, train, validation, folder)
    return FinetuningRun(config, None if folder is None else Path(folder), finetuned, trainer, task_set)


def load_finetuned(folder, base="", device="cpu"):
    """Read a fine-tuned model.

    Args:
        folder: of the run or of a checkpoint.
        base: the pretrained model, where it is not where it was.
        device: where to put it.
    Raises:
        ValueError: if something is missing or damaged, or the base is not the one that was fine-tuned.
    """
    folder = find_checkpoint(folder)
    settings = read_json(folder / "config.json")
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise ValueError(f"{folder} holds no fine-tuned model")
    verify(folder)
    try:
        method = from_dict(MethodConfig, settings["method"])
        config = from_dict(GPTConfig, settings["model"])
        task = _task_from_json(settings["task"])
        base, base_hash = base or settings["base"], settings["base_hash"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / 'config.json'} is damaged: {error}") from None
    if method.method == "full":  # everything was trained, so nothing is needed from the base
        gpt, tokenizer = empty_model(config).to_empty(device="cpu"), load_tokenizer(folder / "tokenizer.json")
    else:
        gpt, tokenizer = load_model(base)
        if weights_hash(gpt) != base_hash:
            raise ValueError(f"{folder} was trained on another base than {base}: give the right one by --base")
    finetuned = _build(gpt, tokenizer, task, method, 0.0, (base, base_hash))
    finetuned.put_back(load_tensors(folder / "model.safetensors"), folder / "model.safetensors")
    finetuned.model.to(device).eval()
    return finetuned


def make_task(task_set: TaskSet, config: FinetuneConfig) -> Task:
    """The task of a data set, with the classes that its training part has."""
    train = task_set.train
    if task_set.kind == "classification":
        counts = Counter(example.label for example in train)
        labels = tuple(sorted(counts))
        balanced = tuple(len(train) / (len(labels) * counts[label]) for label in labels)
        weights = balanced if config.class_weights == "balanced" else ()
        return Classification(labels, weights, language_loss=config.language_loss)
    if task_set.kind == "regression":
        values = [example.value for example in train]
        return Regression(float(np.mean(values)), float(np.std(values)) or 1.0)
    if task_set.kind == "tagging":
        tags = tuple(sorted({tag for example in train for tag in example.tags}))
        twice, causal = config.remedy == "read-twice", config.remedy != "no-mask"
        return Tagging(tags, twice, config.labelled_piece, task_set.separator, causal)
    if task_set.kind == "text":
        return TextToText(keep_end=task_set.keep_end)
    return TASKS[task_set.kind]()


def _build(gpt, tokenizer, task, method, dropout, base):
    config = gpt.config
    for module in gpt.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
        if isinstance(module, SelfAttention):
            module.dropout = dropout
    changed = apply_method(gpt, method)
    model = TaskModel(changed, task.n_outputs, task.causal, dropout)
    encoder = Encoder(tokenizer, config.vocab_size, changed.config.context_length)
    return FinetunedModel(model, task, encoder, *base, method, config, tuple(trained_tensors(model)))


def _make_trainer(config, finetuned, train, validation, folder):
    task, model = finetuned.task, finetuned.model
    device = next(model.parameters()).device
    steps_per_epoch = math.ceil(len(train) / config.batch_size)
    steps = config.epochs * steps_per_epoch
    training = TrainingConfig(
        steps=steps, batch_size=config.batch_size, learning_rate=config.learning_rate or LEARNING_RATES[config.method],
        final_learning_rate_share=0.0, warmup_steps=round(config.warmup_share * steps),
        weight_decay=config.weight_decay, gradient_clip=config.gradient_clip, optimizer=config.optimizer,
        evaluate_every=steps_per_epoch, checkpoint_every=steps_per_epoch, patience=config.patience, seed=config.seed,
        device=config.device, precision=config.precision,
    )  # fmt: skip

    @functools.lru_cache(maxsize=1)  # an epoch is put in order once, not at each of its steps
    def order(epoch):
        return _order(train, config.batch_size, [config.seed, epoch])

    def batches(step):
        epoch, index = divmod(step, steps_per_epoch)
        yield task.collate([train[i] for i in order(epoch)[index]]).to(device)

    def looks():
        ordered = sorted(validation, key=_length)
        for first in range(0, len(ordered), 64):
            yield task.collate(ordered[first : first + 64]).to(device)

    def save(path, step, loss):
        save_finetuned(path, finetuned, step=step, validation_loss=loss)

    def unfreeze(step):
        """The head first, then one block more each epoch, at last the embeddings (Howard & Ruder 2018, section 3.3)."""
        n_open = step // steps_per_epoch
        blocks = finetuned.model.gpt.blocks
        for depth, block in enumerate(reversed(blocks)):
            block.requires_grad_(depth < n_open)
        embeddings_learn = n_open > len(blocks)
        finetuned.model.gpt.token_embedding.base.requires_grad_(embeddings_learn)
        finetuned.model.gpt.position_embedding.requires_grad_(embeddings_learn)

    optimizer = make_optimizer(model, training)
    if config.layer_decay < 1:
        _scale_layers(optimizer, model, config.layer_decay)
    return Trainer(model, task.loss, batches, training, looks, folder, save, optimizer,
                   unfreeze if config.gradual_unfreezing else None)  # fmt: skip


def save_finetuned(folder, finetuned, **about):
    """Write what the method trained, and all that is needed to use it, into an existing folder."""
    folder = Path(folder)
    settings = {
        "format": FORMAT,
        "base": finetuned.base,
        "base_hash": finetuned.base_hash,
        "model": dataclasses.asdict(finetuned.base_config),
        "method": dataclasses.asdict(finetuned.method),
        "task": {"kind": type(finetuned.task).__name__, **dataclasses.asdict(finetuned.task)},
        "about": about,
    }
    write_json(folder / "config.json", settings)
    finetuned.encoder.tokenizer.save(folder / "tokenizer.json")
    save_tensors(folder / "model.safetensors", finetuned.tensors())


def _order(examples, batch_size, seed):
    """The batches of an epoch, as lists of indices: shuffled, but of similar lengths, so that little is padding."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(examples))
    pools = [sorted(order[start : start + 16 * batch_size], key=lambda index: _length(examples[index]))
             for start in range(0, len(order), 16 * batch_size)]  # fmt: skip
    batches = [pool[start : start + batch_size] for pool in pools for start in range(0, len(pool), batch_size)]
    return [batches[index] for index in random.permutation(len(batches))]


def _examples_hash(task_set):
    return hashlib.sha256(repr((task_set.train, task_set.validation)).encode()).hexdigest()


def _is_scored(example):
    """Whether anything of an example is a target."""
    target = example.target
    return target is not None and (not isinstance(target, list) or any(token != IGNORED for token in target))


def _length(example):
    return max(map(len, example.rows))


def _chosen(examples, config):
    """The examples to train on: all, or some drawn with the seed."""
    if not config.n_examples or config.n_examples >= len(examples):
        return examples
    chosen = np.random.default_rng([config.seed, 7]).permutation(len(examples))[: config.n_examples]
    return [examples[index] for index in sorted(chosen)]


def _scale_layers(optimizer, model, decay):
    """Split the optimizer's groups by depth: the head at full rate, each block below at `decay` of the one above it.

    Source: Howard & Ruder (2018), section 3.2, who divide by 2.6 from layer to layer.
    """
    n_blocks = len(model.gpt.blocks)
    depth = {}
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        if "blocks" in parts:
            depth[parameter] = n_blocks - int(parts[parts.index("blocks") + 1])
        elif "head" in parts or "final_norm" in parts or name.endswith(".new"):
            depth[parameter] = 0
        else:
            depth[parameter] = n_blocks + 1
    groups = []
    for group in optimizer.param_groups:
        for level in sorted({depth[p] for p in group["params"]}):
            alike = [p for p in group["params"] if depth[p] == level]
            groups.append({**group, "params": alike, "scale": decay**level})
    optimizer.param_groups[:] = groups


def _task_from_json(values):
    values = dict(values)
    kinds = {kind.__name__: kind for kind in TASKS.values()}
    kind = kinds[values.pop("kind")]
    fields = {field.name for field in dataclasses.fields(kind) if field.init}
    return kind(**{name: tuple(value) if isinstance(value, list) else value
                   for name, value in values.items() if name in fields})  # fmt: skip
