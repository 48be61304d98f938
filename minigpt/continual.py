"""Continual learning: tasks arrive one after another, and what was learned first should not be forgotten.

`learn_in_turn` trains one model on each task in turn and measures it on all tasks after each: an `AccuracyMatrix`. How
forgetting is kept small is a `Strategy`: nothing at all, `Replay` of old examples, `EWC`, or `PartsPerTask`.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.config import TrainingConfig
from minigpt.datasets.text import IGNORED
from minigpt.multimodal.answering import PREPARE, answer_loss, collate, share_known
from minigpt.training.trainer import Trainer


@dataclass(frozen=True)
class AccuracyMatrix:
    """Accuracies on T ≥ 2 tasks that arrived in turn.

    Attributes:
        before: (T,) b_i, on each task before anything was learned.
        after: (T, T) R_ij, on task j after learning task i.
    Source: Lopez-Paz & Ranzato (2017), section 2; forgetting: Chaudhry et al. (2018), section 4.
    """

    before: np.ndarray
    after: np.ndarray

    @property
    def average_accuracy(self):
        """Mean over all tasks at the end: (1/T) Σ_i R_Ti."""
        return float(self.after[-1].mean())

    @property
    def backward_transfer(self):
        """What later tasks added to earlier ones: 1/(T-1) Σ_{i<T} (R_Ti - R_ii); negative where they were forgotten."""
        return float((self.after[-1] - np.diag(self.after))[:-1].mean())

    @property
    def forward_transfer(self):
        """What earlier tasks added to those not yet learned: 1/(T-1) Σ_{i>1} (R_{i-1,i} - b_i).

        The paper's b_i is of a random start; ours is of the pretrained one.
        """
        return float((np.diag(self.after, k=1) - self.before[1:]).mean())

    @property
    def forgetting(self):
        """How far each task fell from its best: 1/(T-1) Σ_{j<T} (max_{i<T} R_ij - R_Tj)."""
        return float((self.after[:-1].max(axis=0) - self.after[-1])[:-1].mean())


# ------------------------------------------------------------------------------------------------ strategies


class Strategy:
    """What is done about forgetting; this one does nothing, which is naive fine-tuning.

    `learn_in_turn` calls `begin` before a task, then for each batch `draw` and once `penalty`, then `end`; and `use`
    before each measurement.
    """

    def begin(self, model, index):
        """A task is about to be learned."""

    def draw(self, generator, examples, n):
        """Which n examples make a batch, of the task's own and perhaps others; the generator is NumPy's."""
        return _pick(generator, examples, n)

    def penalty(self, model):
        """What is added to a batch's mean loss; None for nothing."""

    def end(self, model, index, examples, gradients):
        """A task has been learned from these examples.

        `gradients(examples)` gives, one example after another, {name: the gradient of the log-probability of an answer
        that was drawn from the model}.
        """

    def use(self, model, index):
        """The model is about to be used for this task, which it may not have learned yet."""


class Replay(Strategy):
    """Some examples of each task are kept; half of each later batch is drawn from them.

    Source: Chaudhry et al. (2019), "On tiny episodic memories"; an equal share of the memory for each task is their
    ring buffer, with tasks in place of classes.

    Args:
        capacity: how many examples are kept in all.
        seed: of which.
    """

    def __init__(self, capacity: int, seed: int = 0):
        if capacity < 1:
            raise ValueError(f"capacity={capacity} must be at least 1")
        self.capacity = capacity
        self.generator = np.random.default_rng(seed)
        self.kept = []  # a list for each task, in random order

    @property
    def memory(self):
        """All that is kept."""
        return [example for of_task in self.kept for example in of_task]

    def draw(self, generator, examples, n):
        """Half new, half old."""
        n_old = n // 2 if self.memory else 0
        return _pick(generator, examples, n - n_old) + _pick(generator, self.memory, n_old)

    def end(self, model, index, examples, gradients):
        """Make room, and keep some of these."""
        order = self.generator.permutation(len(examples))
        self.kept.append([examples[i] for i in order])
        share, rest = divmod(self.capacity, len(self.kept))
        self.kept = [of_task[: share + (place < rest)] for place, of_task in enumerate(self.kept)]


class EWC(Strategy):
    """Elastic weight consolidation: what mattered for earlier tasks is tied to where it was.

        loss + Σ_earlier tasks t  (λ/2) Σ_k F_tk (θ_k - θ_tk)²

    F is the diagonal of the Fisher information: the mean square of the gradient of log p(answer), for answers that the
    model draws itself. With the labels of the data in their place it is something else (Kunstner et al. 2019).

    Source: Kirkpatrick et al. (2017), equation 3; one penalty for each earlier task, as there.

    Args:
        strength: λ.
        n_examples: how many examples of each task F is estimated from.
    """

    def __init__(self, strength: float, n_examples: int = 100):
        self.strength, self.n_examples = strength, n_examples
        self.anchors = []  # ({name: F}, {name: θ}) of each earlier task

    def penalty(self, model):
        """(λ/2) Σ F (θ - θ_t)²."""
        if not self.anchors:
            return None
        parameters = dict(model.named_parameters())
        return self.strength / 2 * sum((fisher[name] * (parameters[name] - old[name]) ** 2).sum()
                                       for fisher, old in self.anchors for name in fisher)  # fmt: skip

    def end(self, model, index, examples, gradients):
        """Estimate F here, and remember where here is."""
        fisher, n = {}, min(self.n_examples, len(examples))
        for of_one in gradients(examples[:n]):
            for name, gradient in of_one.items():
                fisher[name] = fisher.get(name, 0) + gradient**2 / n
        here = {name: p.detach().clone() for name, p in model.named_parameters() if name in fisher}
        self.anchors.append((fisher, here))


class PartsPerTask(Strategy):
    """Each task has parts of its own, and nothing else learns with it: what is not touched is not forgotten.

    With LoRA's matrices as parts this is one LoRA for each task (Hu et al. 2022, section 4.2: switching tasks by
    switching B A); with the layers that Flamingo adds, a text model that can see and is otherwise as it was.
    The task must be known when the model is used.

    Args:
        parts: parts(index, name) -> whether this parameter is a part of that task.
    """

    def __init__(self, parts):
        self.parts = parts
        self.start = None  # what can learn, {name: tensor} before the first task
        self.learned = {}  # {task: {name: tensor}}

    def begin(self, model, index):
        """Only this task's parts learn, from where they once started."""
        if self.start is None:
            self.start = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
        self.use(model, index)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in self.start and self.parts(index, name))
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ValueError(f"task {index} has no parts to learn with")

    def end(self, model, index, examples, gradients):
        """Put the parts aside, and let learn what could learn before."""
        self.learned[index] = {name: parameter.detach().clone() for name, parameter in model.named_parameters()
                               if parameter.requires_grad}  # fmt: skip
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in self.start)

    def use(self, model, index):
        """Put this task's parts in; those of a task that was not learned yet are as they started."""
        parameters = dict(model.named_parameters())
        with torch.no_grad():
            for name in self.start or ():
                if self.parts(index, name):
                    parameters[name].copy_(self.learned.get(index, self.start)[name])


# ------------------------------------------------------------------------------------------------ in turn


def learn_in_turn(model, tokenizer, tasks, strategy: Strategy, config: TrainingConfig, prepare=PREPARE, *,
                  part="test", optimizer=None, on_task=None):  # fmt: skip
    """Teach a model one task after another, and measure it on all of them after each.

    Args:
        model: a fused GPT, with or without encoders. It is changed.
        tokenizer: of its text.
        tasks: objects with a `name`, and `Shown` examples as `train` and as the measured part; two or more.
        strategy: what is done about forgetting.
        config: how each task is trained; the same budget for each, whatever the strategy.
        prepare: as in `collate`.
        part: what is measured: "test" or "validation".
        optimizer: optimizer(model, config) -> the one for a task; None for the one that the config names.
        on_task: on_task(index, accuracies) is called after each task.
    Returns:
        an `AccuracyMatrix`.
    """
    if len(tasks) < 2:
        raise ValueError(f"{len(tasks)} task: it takes two to forget one")

    def accuracies():
        values = []
        for index, task in enumerate(tasks):
            strategy.use(model, index)
            values.append(share_known(model, tokenizer, getattr(task, part), prepare))
        return values

    before, after = accuracies(), []
    for index, task in enumerate(tasks):
        strategy.begin(model, index)
        seed = int(np.random.SeedSequence((config.seed, index)).generate_state(1)[0])
        batches = _Batches(model, tokenizer, task.train, strategy, prepare, config.batch_size, seed)
        trainer = Trainer(model, _with_penalty(strategy), batches, config,
                          optimizer=optimizer and optimizer(model, config))  # fmt: skip
        trainer.run()
        strategy.end(model, index, task.train,
                     lambda examples, seed=seed: _gradients(model, tokenizer, examples, prepare, seed))  # fmt: skip
        after.append(accuracies())
        if on_task is not None:
            on_task(index, after[-1])
    return AccuracyMatrix(np.array(before), np.array(after))


@dataclass(frozen=True)
class _Batches:
    """The batches of one task, a function of the step's number."""

    model: torch.nn.Module
    tokenizer: object
    examples: tuple
    strategy: Strategy
    prepare: dict
    batch_size: int
    seed: int

    def __call__(self, step):
        generator = np.random.default_rng((self.seed, step))
        examples = self.strategy.draw(generator, self.examples, self.batch_size)
        changes = torch.Generator().manual_seed(int(generator.integers(2**62)))
        return [collate(self.model, self.tokenizer, examples, self.prepare, changes)]


def _with_penalty(strategy):
    def loss(model, batch):
        total, count = answer_loss(model, batch)
        penalty = strategy.penalty(model)
        return total if penalty is None else total + count * penalty, count  # the trainer divides by the count

    return loss


def _gradients(model, tokenizer, examples, prepare, seed):
    """For one example after another, the gradients of log p of an answer's tokens as the model draws them.

    Each token is drawn after the data's own tokens before it.
    """
    generator = torch.Generator().manual_seed(seed)
    names, parameters = zip(*((name, p) for name, p in model.named_parameters() if p.requires_grad))
    for example in examples:
        batch = collate(model, tokenizer, [example], prepare)
        hidden = model.hidden(batch.ids, batch.media, batch.padding_mask)[batch.targets != IGNORED]
        logits = model.to_logits(hidden).float()
        drawn = torch.multinomial(logits.detach().softmax(dim=-1), 1, generator=generator)[:, 0]
        loss = F.cross_entropy(logits, drawn, reduction="sum")
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        yield {name: torch.zeros_like(p) if g is None else g for name, p, g in zip(names, parameters, gradients)}


def _pick(generator, examples, n):
    return [examples[index] for index in generator.integers(len(examples), size=n)] if n else []
