# ---
# jupyter:
#   chapter:
#     title: Fine-tuning a classifier
#     question: How does a model that only continues texts learn to sort them?
#     minutes: 3
#     cell_seconds: 120
#     need:
#       - the GPT block, the causal mask and padding (chapters 05, 06)
#       - cross-entropy and its gradient (chapters 03, 04)
#       - training by AdamW, and validation (chapter 07)
#     able:
#       - divide labelled texts so that nothing leaks from training into the test
#       - put a head on a pretrained GPT, and say which token it must read
#       - choose what is trained, how fast and for how long, without a look at the test part
#       - say how good a classifier is, beside a baseline, with an interval and over several seeds
#       - write pairs of texts and relations as one sequence, as GPT-1 did
# ---

# %% [markdown]
# ## 1 · The question
#
# A pretrained GPT does one thing: it says what may come next. A shop wants another thing: is this message a greeting,
# an order, a question about the price? That is **classification**: a text goes in, one of $C$ classes comes out.
# Sentiment (is a review good or bad?), topic and intent are all of this form.
#
# Why not train a new model for it? Because labels are dear. Somebody has to read every example. Text without labels
# costs nothing, and a model that learned to continue it had to learn what words mean. GPT-1's idea (Radford et al.
# 2018): pretrain on text, then **fine-tune**: start from those weights, put a small new layer on top, and go on
# training on the few labelled examples,
#
# $$\hat\theta = \arg\min_\theta \frac1N \sum_{i=1}^N \ell\big(M_\theta(x_i), y_i\big),
# \qquad \text{starting at the pretrained } \theta.$$
#
# Nothing in the formula is new. What is new is where $\theta$ starts, and this chapter measures what that is worth.
# Five steps: data, head, settings, loop, test.

# %%
import collections
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from minigpt import plotting
from minigpt.checkpoint import load_model, replacing_folder, save_model
from minigpt.config import FinetuneConfig
from minigpt.datasets.splits import split_examples
from minigpt.datasets.task_sets import world
from minigpt.datasets.tasks import MARKS, Encoder, Labelled, Related
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.finetuning import evaluation, heads
from minigpt.finetuning.evaluation import baseline, class_measures, interval, measure, predict
from minigpt.finetuning.heads import Classification, Regression
from minigpt.finetuning.run import load_finetuned, start
from minigpt.grading import grade
from minigpt.model import GPT

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 2 · Step 1: the data
#
# Our examples are lines of dialogue from `tiny_world`, the generated world of chapter 03, and what each speaker wants.

# %%
task_set = world("intent", n_train=400, n_held_out=200)
task_set = dataclasses.replace(task_set, validation=task_set.validation[:80])
train, validation, test = task_set.train, task_set.validation, task_set.test
for example in train[:6]:
    print(f"{example.label:10} {example.text}")
counts = collections.Counter(example.label for example in train)
print(f"\n{len(train)} to train, {len(validation)} to validate, {len(test)} to test; {len(counts)} classes:")
print(", ".join(f"{label} {n}" for label, n in counts.most_common()))
assert set(counts) >= {example.label for example in validation + test}

# %% [markdown]
# Three parts, and each has one purpose. The **training** part makes gradients. The **validation** part makes choices:
# the learning rate, when to stop. The **test** part makes the number that you report, and nothing else. Whoever chooses
# on the test part reports how well they chose.
#
# ### How a division leaks
#
# The obvious way to divide texts is to shuffle them. It is often wrong. Here are sentences cut from documents, labelled
# with the topic of their document. A "classifier" that understands nothing looks only at names: if a name in the test
# sentence also stood in training, it answers what was said there, else it guesses the commonest class. Where *Ranger
# Choir* was music once, whatever mentions it is music.

# %%
sentences, names_of, records = [], [], []
for number, document in enumerate(TinyWorld("train", new_names=True).documents(150, seed=4)):
    for sentence in document.sentences:
        if sentence.entities:
            sentences.append(Labelled(sentence.text, document.topic))
            names_of.append({entity.text for entity in sentence.entities})
            records.append(number)
place_of = {example: place for place, example in enumerate(sentences)}


def accuracy_by_names(train_part, test_part):
    """Accuracy of who knows only names, and the share of test sentences with a name known from training."""
    votes, commonest = {}, collections.Counter(example.label for example in train_part).most_common(1)[0][0]
    for example in train_part:
        for name in names_of[place_of[example]]:
            votes.setdefault(name, collections.Counter())[example.label] += 1
    n_right = n_known = 0
    for example in test_part:
        vote = sum((votes.get(name, collections.Counter()) for name in names_of[place_of[example]]),
                   collections.Counter())  # fmt: skip
        n_known += bool(vote)
        n_right += (vote.most_common(1)[0][0] if vote else commonest) == example.label
    return n_right / len(test_part), n_known / len(test_part)


leak = {}
for how, record in (("by sentence", None), ("by document", records)):
    train_part, test_part = split_examples(sentences, (0.7, 0.3), seed=1, records=record)
    leak[how], known = accuracy_by_names(train_part, test_part)
    print(f"divided {how:12} {len(test_part)} test sentences, {known:.0%} with a known name, {leak[how]:.0%} right")
assert leak["by sentence"] > leak["by document"] + 0.15

# %% [markdown]
# The same sentences, the same useless classifier. Divided by sentence it looks as if it had learned something. Divided
# by **record** (the document from which a sentence was cut) it is left with guessing. So: find out what your texts were
# cut from (documents, dialogues, authors, days), and keep each record in one part. `split_examples` does so, and it
# also keeps equal texts together. In `world(...)` names of the test part never occur in training; and `minigpt
# finetune` counts, before it starts, the test texts that also stand in training.
#
# ## 3 · Step 2: the head
#
# ### One vector for a text
#
# The GPT turns $T$ tokens into $T$ vectors of width $D$. For a class we need one vector. Which? A causal model's vector
# at token $t$ depends on tokens $1 \dots t$ only. So the first vector knows one token, and **only the last one has read
# everything**. GPT-1 puts a special token there, [extract], and another, [start], in front. They are new rows of the
# embedding: their meaning is learned in fine-tuning.

# %%
gpt, tokenizer = load_model("minigpt-base", "cpu")
config = gpt.config
print(f"minigpt-base: {gpt.n_parameters():,} parameters, {config.n_layers} layers, width {config.d_model}")
encoder = Encoder(tokenizer, config.vocab_size, config.context_length)
mark_names = {config.vocab_size + number: f"[{name}]" for number, name in enumerate(MARKS)}


def pieces(row):
    """The tokens of a row as people read them."""
    return [mark_names.get(token) or tokenizer.decode([token]) for token in row]


row, _ = encoder.text("Do you have it in blue?")
print(" | ".join(pieces(row)))

# %% [markdown]
# The head is one linear layer, $z = W h_{\text{last}} + b$ with $W$ of shape $(C, D)$, and a softmax makes
# probabilities of it. By hand, with $D = 2$ and two classes: $h = (2, 1)$, $W$ the identity, $b = (0, 1)$ gives
# $z = (2, 2)$, and both classes have probability 1/2. If the first is right, the loss is $-\log \tfrac12 = 0.69$, and
# the gradient for $z$ is $p - y = (-\tfrac12, \tfrac12)$ (chapter 03): the right score rises, the other falls.

# %%
h, W, b = torch.tensor([2.0, 1.0]), torch.eye(2), torch.tensor([0.0, 1.0])
z = (W @ h + b).requires_grad_()
loss = F.cross_entropy(z, torch.tensor(0))
loss.backward()
print(f"scores {z.tolist()}, probabilities {z.softmax(0).tolist()}, loss {loss.item():.3f}, gradient {z.grad.tolist()}")
assert torch.allclose(z.grad, z.detach().softmax(0) - torch.tensor([1.0, 0.0]))
plotting.show_source(heads.TaskModel.at_the_end)

# %% [markdown]
# Texts of a batch have different lengths, so the short ones are padded, and "the last token" must mean the last *real*
# one. A classic mistake reads the last column instead: for most texts that is padding. Done right, padding changes
# nothing, on whichever side it stands. And what comes later changes nothing at an earlier token. We check both.

# %%
torch.manual_seed(0)
demo = start(FinetuneConfig(task="intent", seed=1, device="cpu", precision="float32"), task_set).finetuned
model = demo.model.eval()
row, _ = demo.encoder.text("Do you have it in blue?")


def scores(ids, is_real):
    """The head's scores for one padded row, with its hidden states."""
    batch = heads.TaskBatch(torch.tensor([ids]), torch.tensor([is_real]), None, torch.tensor([1]), ())
    hidden = model.hidden(batch)
    return model.at_the_end(hidden, batch.padding_mask)[0], hidden[0]


with torch.no_grad():
    alone, hidden = scores(row, [True] * len(row))
    padded_right, _ = scores(row + [0] * 5, [True] * len(row) + [False] * 5)
    padded_left, _ = scores([0] * 5 + row, [False] * 5 + [True] * len(row))
    other_end, other_hidden = scores(row[:-3] + row[1:4], [True] * len(row))
torch.testing.assert_close(padded_right, alone, atol=1e-4, rtol=1e-4)
torch.testing.assert_close(padded_left, alone, atol=1e-4, rtol=1e-4)
torch.testing.assert_close(other_hidden[:-3], hidden[:-3], atol=1e-4, rtol=1e-4)  # tokens before the change: the same
assert (other_end - alone).abs().max() > 0.001  # the last one has read it
print("padding on either side: the same scores; another end: other scores, but the same vectors before it")

# %% [markdown]
# ### Other heads
#
# | the answer is | head | loss |
# |---|---|---|
# | one of $C$ classes | linear, $D \to C$, at the last token | cross-entropy |
# | a number, such as a rating | linear, $D \to 1$, at the last token | mean squared error |
# | a class for each word (chapter 11) | linear, $D \to C$, at each word | cross-entropy |
# | a text (chapter 12) | the next-token layer that is there already | cross-entropy of the answer's tokens |
#
# The two losses treat an error differently. Squared error of a prediction $\hat y$ has the gradient $2(\hat y - y)$,
# which grows with the distance: right for ratings, where 1 star is further from 5 than 4 is. Classes have no distance.

# %%
scored = Regression(mean=3.0, deviation=2.0)  # the model predicts in units of the training values' deviation
print(f"a rating of 5 becomes the target {(5.0 - scored.mean) / scored.deviation}")
guess = torch.tensor([0.2], requires_grad=True)
F.mse_loss(guess, torch.tensor([1.0]), reduction="sum").backward()
print(f"guessed 0.2: gradient {guess.grad.item():.2f}")
assert abs(guess.grad.item() - 2 * (0.2 - 1.0)) < 1e-6

# %% [markdown]
# ### GPT-1's second loss
#
# Radford et al. (2018, equation 5) do not forget what the model did before: while it learns to classify, it goes on
# predicting the next token of the same texts,
#
# $$L = L_{\text{task}} + \lambda\, L_{\text{language}}, \qquad \lambda = 0.5.$$
#
# Their reason: it helps generalisation and speeds learning. Their own ablation (section 5) finds that the larger data
# sets profit, the smaller ones do not. In `minigpt` it is the setting `language_loss`.

# %%
examples = train[:5]
plain = Classification(demo.task.labels)
with_language = Classification(demo.task.labels, language_loss=0.5)
batch = plain.collate([plain.encode(demo.encoder, example) for example in examples])
with torch.no_grad():
    task_loss, n = plain.loss(model, batch)
    both, _ = with_language.loss(model, batch)
    language = 0.0
    for example in batch.examples:  # each text alone, by the formula
        ids = torch.tensor(example.rows)
        logits = model.gpt.to_logits(model.gpt.encode(model.gpt.embed(ids)))
        language += F.cross_entropy(logits[0, :-1], ids[0, 1:]).item()
print(f"task {task_loss / n:.2f} nats, language {language / n:.2f} nats, together {both / n:.2f}")
assert abs(both.item() - task_loss.item() - 0.5 * language) < 1e-2

# %% [markdown]
# Look at the task's loss: an untrained head gives all classes nearly the same probability, so it must be near
# $\log C$. If yours is far from it before the first update, something is wrong.

# %%
print(f"log {len(demo.task.labels)} = {np.log(len(demo.task.labels)):.2f}")
assert abs(task_loss.item() / n - np.log(len(demo.task.labels))) < 0.5

# %% [markdown]
# ## 4 · Step 3: the settings
#
# Everything that training does not learn is yours to set. The most important ones, and what we take:
#
# | setting | what it does | here |
# |---|---|---|
# | optimizer | AdamW adapts each number's step; SGD does not | AdamW |
# | learning rate | large models want $10^{-5}$ to $5 \cdot 10^{-5}$; small ones and small heads more | $10^{-3}$ |
# | warm-up, then a fall to 0 | the first steps are careful: the new head knows nothing yet | 10 % |
# | batch size, epochs | how many examples make an update, how often each is read | 16, a few |
# | weight decay, dropout | both against learning by heart | 0.01, 0.1 |
# | patience | stop when the validation loss has not fallen for so many epochs | see below |
# | class weights | the price of a mistake in a rare class | equal |
#
# Section 7 compares two rates on the validation part.
#
# **Which weights move** is a setting, too: the head alone (`frozen`); the top $k$ blocks; all of them (`full`); all,
# but lower layers more slowly (`layer_decay`); or from the top to the bottom, one block more in each epoch
# (`gradual_unfreezing`; Howard & Ruder 2018 proposed both). The thought behind the last two is the same: lower layers
# know general things, and should not be spoiled by the first, blind updates.

# %%
decayed = start(FinetuneConfig(task="intent", layer_decay=0.5, seed=1, device="cpu", precision="float32"), task_set)
scale_of = {id(p): group["scale"] for group in decayed.trainer.optimizer.param_groups for p in group["params"]}
parts = {"head": decayed.finetuned.model.head.weight}
parts |= {f"block {i}": decayed.finetuned.model.gpt.blocks[i].feed_forward.up.weight for i in (3, 2, 1, 0)}
parts |= {"positions": decayed.finetuned.model.gpt.position_embedding.weight}
print("layer_decay=0.5, rates as shares of the head's:", {name: scale_of[id(p)] for name, p in parts.items()})
assert [scale_of[id(p)] for p in parts.values()] == [0.5**level for level in range(6)]

# %% [markdown]
# **Class weights.** If *greet* is ten times as frequent as *order*, a mistake in *order* hardly shows in the mean. With
# weights $w_c = N / (C N_c)$ each class weighs alike in the sum, $\ell = -w_y \log p_y$. You buy recall of rare classes
# with precision of theirs and recall of the others.

# %%
weights = heads.Classification(("greet", "order"), (20 / (2 * 18), 20 / (2 * 2))).weights  # 18 greetings, 2 orders
print(f"weights {weights[0]:.2f} and {weights[1]:.2f}: 18 × {weights[0]:.2f} = {18 * weights[0]:.0f}, "
      f"2 × {weights[1]:.2f} = {2 * weights[1]:.0f}")

# %% [markdown]
# ## 5 · Step 4: the loop
#
# Batches, forward, backward, update; after each epoch a look at the validation part, and the best weights so far are
# kept. It is the trainer of chapter 07, unchanged: it knows no task, and asks `task.loss` for a sum of losses and their
# number. One helper runs it and remembers what we want to see.

# %%
workplace = tempfile.TemporaryDirectory()
scratch = Path(workplace.name) / "scratch"
torch.manual_seed(0)
with replacing_folder(scratch) as folder:  # the same architecture and tokenizer, weights as they are drawn
    save_model(folder, GPT(config), tokenizer)
bases = {"pretrained": "minigpt-base", "from scratch": str(scratch)}


@dataclasses.dataclass
class Result:
    finetuned: object
    folder: Path
    training: list  # mean loss of each epoch
    validation: list  # loss after each epoch
    predictions: list  # of the test part
    accuracy: float


def fine_tune(n_examples, epochs, seed=1, base="pretrained", **changes):
    """Fine-tune for intent, and predict the test part."""
    settings = {"learning_rate": 1e-3, "device": "cpu", "precision": "float32"} | changes
    folder = Path(tempfile.mkdtemp(dir=workplace.name))
    run = start(FinetuneConfig(task="intent", base=bases[base], n_examples=n_examples, epochs=epochs, seed=seed,
                               **settings), task_set, folder)  # fmt: skip
    training, looks, losses = [], [], []

    def note(report):
        losses.append(report.loss)
        if report.validation_loss is not None:
            training.append(float(np.mean(losses)))
            looks.append(report.validation_loss)
            losses.clear()

    run.train(note)
    f = run.finetuned
    predictions = list(predict(f.model, f.task, f.encoder, test))
    return Result(f, folder, training, looks, predictions, measure(f.task, test, predictions)["accuracy"])


few, many = fine_tune(25, epochs=16), fine_tune(400, epochs=4)
plotting.epoch_curves({"25 labels": (few.training, few.validation), "400 labels": (many.training, many.validation)},
                      f"25 labels are learned by heart: {few.training[-1]:.1f} nats in training, "
                      f"{few.validation[-1]:.1f} in validation")  # fmt: skip

# %%
gaps = {name: run.validation[-1] - run.training[-1] for name, run in (("25", few), ("400", many))}
print(f"validation minus training at the end: {gaps['25']:.2f} nats with 25 labels, {gaps['400']:.2f} with 400")
assert gaps["25"] > gaps["400"] + 0.2 and few.training[-1] < few.training[0] / 2


def stopped_at(losses, patience):
    """The epoch in which patience runs out, and the best one."""
    for epoch in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:epoch])) + 1
        if epoch - best == patience:
            return epoch, best
    return len(losses), int(np.argmin(losses)) + 1


for patience in (1, 2, 4):
    print(f"25 labels, patience {patience}: would end after epoch {stopped_at(few.validation, patience)[0]} of "
          f"{len(few.validation)}, and keep epoch {stopped_at(few.validation, patience)[1]}")  # fmt: skip

# %% [markdown]
# The training loss says how well the examples are remembered, and it always falls. What we want is the other curve. The
# distance between the two is **overfitting**, and more labels close it. Early stopping saves time; keeping the best
# weights, which the trainer does anyway, saves the result. (The training loss is measured *during* an epoch, with
# dropout, the validation loss after it and without. So in the first epochs the training loss may lie above.)
#
# ## 6 · Step 5: the test
#
# ### Before, after, and without any model
#
# A number alone says nothing. Three comparisons belong beside it: the **majority baseline**, which always answers the
# commonest class of the training part; the model **before** fine-tuning; and an **interval**.

# %%
with torch.no_grad():
    before = list(predict(demo.model, demo.task, demo.encoder, test))
task = many.finetuned.task
rows = {"majority baseline": baseline(task, train, test), "before fine-tuning": before, "after": many.predictions}
for name, predictions in rows.items():
    low, high = interval(task, test, predictions)
    found = measure(task, test, predictions)
    print(f"{name:18}  accuracy {found['accuracy']:5.1f} %  (95 % interval {low:.1f} to {high:.1f})   "
          f"macro-F1 {found['macro-F1']:5.1f} %")  # fmt: skip
majority = measure(task, test, rows["majority baseline"])["accuracy"]
assert interval(task, test, many.predictions)[0] > majority + 10
plotting.show_source(evaluation.interval)

# %% [markdown]
# The interval is the **bootstrap** (Efron & Tibshirani 1993). The test part is one draw of the texts that might have
# come. Draw new test parts from it, with replacement, measure each, and take the middle 95 %. By hand, with ten texts
# of which eight are right: the resampled accuracies scatter by about $\sqrt{0.8 \cdot 0.2 / 10} = 0.13$, so ten texts
# know the accuracy to about ±25 points. Halving the interval takes four times the texts.

# %%
draws = np.random.default_rng(0).integers(10, size=(10_000, 10))
resampled = (np.arange(10) < 8)[draws].mean(axis=1)
print(f"eight of ten: standard deviation {resampled.std():.3f}, by the formula {np.sqrt(0.8 * 0.2 / 10):.3f}; "
      f"95 % from {np.quantile(resampled, 0.025):.1f} to {np.quantile(resampled, 0.975):.1f}")  # fmt: skip
assert abs(resampled.std() - np.sqrt(0.016)) < 0.01

# %% [markdown]
# ### Which classes?
#
# Accuracy hides which classes fail. For one class, **precision** is the share of its predictions that are right,
# **recall** the share of its texts that were found, and $F_1 = 2PR/(P+R)$. **Macro-F1** is the mean over classes, so a
# class with three texts counts as much as one with sixty. The **confusion matrix** shows what is taken for what.

# %%
per_class = class_measures(task, test, many.predictions)["texts"]
present = sorted((label for label in task.labels if per_class[label]["support"]),
                 key=lambda label: -per_class[label]["support"])  # fmt: skip
worst = [label for label in present if per_class[label]["recall"] == 0]
print(f"classes of which no text was found: {len(worst)} of {len(present)}: {', '.join(worst) or 'none'}")
plotting.class_bars({label: per_class[label] for label in present[:12]}, "Frequent classes are learned first")

# %%
rare = [per_class[label]["recall"] for label in present if counts[label] < 10]
frequent = [per_class[label]["recall"] for label in present if counts[label] >= 25]
print(f"mean recall: {np.mean(frequent):.2f} of classes with at least 25 training texts, "
      f"{np.mean(rare):.2f} of those with fewer than 10")  # fmt: skip
assert np.mean(frequent) > np.mean(rare) + 0.1
order = {label: place for place, label in enumerate(present)}
for label in sorted(set(many.predictions) - set(present)):
    order[label] = len(order)
matrix = np.zeros((len(order), len(order)), dtype=int)
for example, predicted in zip(test, many.predictions):
    matrix[order[example.label], order[predicted]] += 1
assert matrix.trace() / matrix.sum() == np.mean([e.label == p for e, p in zip(test, many.predictions)])
plotting.confusion_matrix(matrix, list(order), f"{matrix.trace()} of {matrix.sum()} texts lie on the diagonal")

# %% [markdown]
# ### What does the last token look at?
#
# The head reads [extract] alone. All that it knows came there through attention. Here are the weights with which
# [extract] listens, averaged over the heads of each layer. They show where information *could* have come from. They do
# not prove what was used: by the last layers each token's vector already holds something of the tokens before it.

# %%
shown = next(example for example, predicted in zip(test, many.predictions)
             if example.label == predicted and example.label not in ("greet",) and len(example.text) < 60)  # fmt: skip
row = many.finetuned.task.encode(many.finetuned.encoder, shown).rows[0]
with torch.no_grad():
    collected = many.finetuned.model.eval().gpt.attention_weights(torch.tensor([row]))
listened = torch.stack([weights[0, :, -1].mean(dim=0) for weights in collected]).numpy()  # (layers, T)
assert np.allclose(listened.sum(axis=1), 1, atol=1e-4)
top = pieces(row)[int(listened[-1].argmax())]
print(f"{shown.label}: {shown.text}")
plotting.listening(listened, pieces(row), f"In the last layer [extract] listens most to “{top.strip()}”")

# %% [markdown]
# ## 7 · What pretraining is worth, and what a seed does
#
# Now the comparison of the chapter's start. Same architecture, same tokenizer, same labels, same updates; one model
# starts at minigpt-base's weights, the other at random ones. With 100 labels we take three seeds. A seed decides which
# 100 examples are drawn, how the head starts, the order of the batches, and the dropout.

# %%
epochs = {25: 16, 100: 6, 400: 4}
seeds = (1, 2, 3)
runs = {(name, n): [] for name in bases for n in epochs}
runs["pretrained", 25], runs["pretrained", 400] = [few], [many]
for name in bases:
    runs[name, 100] = [fine_tune(100, epochs[100], seed, name) for seed in seeds]
    print(f"100 labels, {name:12}: " + ", ".join(f"{run.accuracy:.1f} %" for run in runs[name, 100]))

# %%
for n in (25, 400):
    runs["from scratch", n] = [fine_tune(n, epochs[n], 1, "from scratch")]
means = {name: np.mean([run.accuracy for run in runs[name, 100]]) for name in bases}
gain = means["pretrained"] - means["from scratch"]
print(f"100 labels: pretraining is worth {gain:.0f} points on average over {len(seeds)} seeds")
assert gain > 10
plotting.accuracy_by_labels(
    list(epochs), {name: [[run.accuracy for run in runs[name, n]] for n in epochs] for name in bases},
    {name: [interval(task, test, runs[name, n][0].predictions) for n in epochs] for name in bases},
    f"With 100 labels pretraining is worth {gain:.0f} points", majority)  # fmt: skip

# %% [markdown]
# The model from scratch has to learn from a hundred lines what a word is. The pretrained one knows that; it only has to
# learn which of its features mean *order*. Read the figure with its conditions: the base has read text of this same
# generated world (other documents, other names), so it is on home ground. Both had the same few updates; whether the
# model from scratch would gain more from longer training, we did not try. Its random weights are the same in all
# three runs.
#
# And look at the seeds. One run is one draw from a distribution. **Publishing the best of several seeds is choosing on
# the test part.** What a report needs:
#
# 1. the seeds, and mean and spread over them (the chance of training);
# 2. an interval for the test part (the chance of the test texts); these are two different uncertainties;
# 3. a baseline.
#
# Many reports, our source document among them, give a single number without any of the three.

# %%
values = [run.accuracy for run in runs["pretrained", 100]]
low, high = interval(task, test, runs["pretrained", 100][0].predictions)
print(f"pretrained, 100 labels: mean {np.mean(values):.1f} %, seeds from {min(values):.1f} to {max(values):.1f} "
      f"(standard deviation {np.std(values, ddof=1):.1f})")  # fmt: skip
print(f"the first seed's 95 % interval from the test texts: {low:.1f} to {high:.1f}; baseline {majority:.1f}")
assert low < values[0] < high and low > majority

# %% [markdown]
# ### Which weights should move?
#
# The same 100 labels, seed 1; compared on the **validation** part, since this is a choice.

# %%
methods = {
    "full, rate 0.001": runs["pretrained", 100][0],
    "full, rate 0.0005": fine_tune(100, 6, learning_rate=5e-4),
    "head alone, rate 0.001": fine_tune(100, 6, method="frozen"),
    "head alone, rate 0.01": fine_tune(100, 6, method="frozen", learning_rate=1e-2),
    "top 2 blocks": fine_tune(100, 6, method="top-k", top_k=2),
    "gradual unfreezing": fine_tune(100, 6, gradual_unfreezing=True),
}
chosen = {}
for name, run in methods.items():
    f = run.finetuned
    chosen[name] = measure(f.task, validation, list(predict(f.model, f.task, f.encoder, validation)))["accuracy"]
    trained = sum(f.tensors()[tensor].numel() for tensor in f.trained)
    print(f"{name:24} {trained:9,} numbers trained, validation accuracy {chosen[name]:.1f} %")
assert chosen["head alone, rate 0.01"] > chosen["head alone, rate 0.001"] + 5

# %% [markdown]
# Two things to take from it. A method has its own best learning rate: the head alone looks hopeless at the rate that
# suits the whole model, and is far better at ten times that rate. A comparison of methods at *one* rate compares rates.
# And with a few dozen updates, methods that hold something back have little time to make up for it. With 80 validation
# texts, differences below ten points mean little here.
#
# ## 8 · Use it
#
# A run leaves a folder with its best weights, the task and the tokenizer. Loaded again it predicts the same.

# %%
loaded = load_finetuned(many.folder)
assert list(predict(loaded.model, loaded.task, loaded.encoder, test)) == many.predictions
new = ["Nora: Hello Tim! How nice to see you.", "Tim: How much is this lamp?", "Nora: Thank you so much, Tim!",
       "Tim: I must go now. See you on Monday!", "The cat slept on the roof."]  # fmt: skip
texts = [Labelled(text, None) for text in new]
batch = loaded.task.collate([loaded.task.encode(loaded.encoder, example) for example in texts])
with torch.no_grad():
    shares = loaded.task.probabilities(loaded.model, batch)
for text, probabilities in zip(new, shares):
    print(f"{loaded.task.labels[probabilities.argmax()]:10} {probabilities.max():.2f}   {text}")

# %% [markdown]
# The last line is no dialogue, and no class fits. A softmax cannot say so: its probabilities add up to 1, whatever
# comes in. In a terminal the whole chapter is two commands:
#
# ```
# minigpt finetune --task intent --out runs/intent
# minigpt predict runs/intent
# ```
#
# ## 9 · Two texts, two entities
#
# Not every task is one text, one class. GPT-1 changed the *input* instead of the model (Radford et al. 2018, section
# 3.3 and figure 1):
#
# - **Entailment**: premise [delimiter] hypothesis, in this order.
# - **Similarity** has no order. So both orders are read, and the two vectors are added before the head.
# - **Multiple choice**: each answer is read with the question, and the softmax is taken over the answers' scores.
#
# Relations between two marked parts of a sentence are not in the paper. We put marks around both, and read [extract]
# as before. The direction matters: swap the marks, and *founded* becomes *was founded by*.

# %%
pair, _ = encoder.text("A man plays.", "A person makes music.")
print("pair:      ", " | ".join(pieces(pair)))
both_rows = encoder.labelled(Labelled("A man plays.", "same", "A person makes music."), 0, both_orders=True).rows
print("two orders:", " / ".join("".join(pieces(row)) for row in both_rows))
text = "Anna founded the Red Choir."
relation = encoder.related(Related(text, (0, 4), (17, 26), "founded"), 0).rows[0]
swapped = encoder.related(Related(text, (17, 26), (0, 4), "none"), 0).rows[0]
print("relation:  ", " | ".join(pieces(relation)))
assert len(both_rows) == 2 and relation != swapped and len(relation) == len(swapped)

pairs_task = Classification(("other", "same"), both_orders=True)
example = Labelled("A man plays.", "same", "A person makes music.")
turned = Labelled(example.second, "same", example.text)
pair_model = heads.TaskModel(model.gpt, 2).eval()
with torch.no_grad():
    one, other = (pairs_task.outputs(pair_model, pairs_task.collate([pairs_task.encode(demo.encoder, e)]))
                  for e in (example, turned))  # fmt: skip
torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)  # no order, no difference

# %% [markdown]
# Adding the two vectors and then applying $W$, or applying $W$ to each and adding the scores, is the same but for the
# bias, which counts twice: the head is linear. The code does the second.
#
# ## 10 · Where it fails
#
# **It sorts into what it knows.** A text of no class gets a class, often with a high probability.
#
# **Rare classes** need labels, or prices on mistakes; the mean of a loss does not see them.
#
# **A causal model reads once, from left to right.** For whole texts [extract] makes up for that. For words in the
# middle nothing does: that is chapter 11.
#
# **The test part is of the same world.** A good number says nothing about messages of real customers. Take some of
# them, label them, and test again; and again when the world has changed.
#
# **Home ground.** Our base was pretrained on text of the same kind. On other texts expect less of it.

# %% [markdown]
# ## 11 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Each says what it takes and gives, with an example.
# Then run the cell below, or `minigpt grade 10` in a terminal.
#
# 1. `last_real`: the vector that has read everything, wherever the padding stands.
# 2. `class_probabilities`: the head.
# 3. `weighted_cross_entropy`: a price for each class, and the gradient.
# 4. `confusion`: what is taken for what.
# 5. `macro_f1`: each class counts alike.
# 6. `bootstrap_interval`: how sure is an accuracy?
# 7. `split_by_record`: nothing leaks.
# 8. `layer_rates`: lower layers learn more slowly.
# 9. `early_stopping`: patience.
# 10. `unfrozen`: one block more in each epoch.

# %%
print(grade("10"))

# %% [markdown]
# ## 12 · What to read next
#
# - Radford, A. et al. (2018). *Improving Language Understanding by Generative Pre-Training.* Sections 3.2, 3.3 and 5.
# - Howard, J. & Ruder, S. (2018). *Universal Language Model Fine-tuning for Text Classification.* Section 3.
#   arXiv:1801.06146.
# - Dodge, J. et al. (2020). *Fine-Tuning Pretrained Language Models: Weight Initializations, Data Orders, and Early
#   Stopping.* What seeds do. arXiv:2002.06305.
# - Efron, B. & Tibshirani, R. (1993). *An Introduction to the Bootstrap.* Chapter 13.
# - Kapoor, S. & Narayanan, A. (2022). *Leakage and the Reproducibility Crisis in ML-based Science.* arXiv:2207.07048.
#
# Chapter 11 gives a class to each word, and chapter 13 trains a hundredth of the weights.
