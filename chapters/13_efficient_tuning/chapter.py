# ---
# jupyter:
#   chapter:
#     title: "Parameter-efficient and prompt tuning"
#     question: How little of a model must change for it to learn a task?
#     minutes: 3
#     cell_seconds: 150
#     need:
#       - fine-tuning a classifier (chapter 10)
#       - attention and its cache of keys and values (chapters 05, 08)
#       - the chain rule for a linear layer (chapter 04)
#     able:
#       - derive LoRA, count it, train it, merge it and take it out again
#       - say what adapters, BitFit, a prefix and a soft prompt train, and where they stand
#       - ask a pretrained model without training, and take away what it prefers anyway
#       - compare all of them at one budget, with intervals
#       - measure whether the change that full fine-tuning makes has a low rank
# ---

# %% [markdown]
# ## 1 · The question
#
# Fine-tuning a model changes all of its numbers. Ten tasks need ten whole models. For GPT-3, Hu et al. (2022, section
# 1) have 175 billion reasons to look for something else. This chapter asks how *little* has to change. There are many
# answers between "everything" and "nothing", and we try them all on one task, with the same examples.
#
# Hand-sized: our base has about two million numbers of four bytes in memory. What would a task cost, kept as a whole
# model, and what as a product of two thin matrices beside a few layers?

# %%
import copy
import dataclasses

import numpy as np
import torch
import torch.nn.functional as F

from minigpt import load_model, plotting
from minigpt.config import FinetuneConfig, MethodConfig, preset
from minigpt.datasets.task_sets import world
from minigpt.datasets.tasks import Labelled
from minigpt.finetuning import adapters, lora, soft_prompts
from minigpt.finetuning.comparison import ALL_METHODS, compare_methods, comparison_table
from minigpt.finetuning.evaluation import baseline, measure
from minigpt.finetuning.methods import LEARNING_RATES, apply_method, trained_tensors, weights_hash
from minigpt.finetuning.run import make_task
from minigpt.grading import grade
from minigpt.model import GPT
from minigpt.prompting import PromptedClassifier, Template, calibrate, draw_shown, option_scores, probabilities

np.set_printoptions(precision=3, suppress=True)
base, tokenizer = load_model("minigpt-base")
n_base = sum(p.numel() for p in base.parameters())
width, n_layers = base.config.d_model, base.config.n_layers
low_rank = n_layers * 2 * 2 * 8 * width  # in each block: query and value, A and B, rank 8
print(f"ours:  a whole model {4 * n_base / 1e6:5.2f} MB, LoRA of rank 8 {4 * low_rank / 1e6:.3f} MB")
large = preset("gpt3-175b")
with torch.device("meta"):
    n_large = GPT(large).n_parameters()
large_rank = large.n_layers * 2 * 2 * 8 * large.d_model
print(f"GPT-3: a whole model {2 * n_large / 1e9:5.0f} GB, LoRA of rank 8 {2 * large_rank / 1e9:.3f} GB (2 bytes each)")
assert low_rank / n_base < 0.02 and large_rank / n_large < 0.001

# %% [markdown]
# The larger the model, the smaller the share: a matrix grows with the square of the width, a thin product with the
# width. Keep this in mind for the end, since our model is very small.

# %% [markdown]
# ## 2 · LoRA, by hand
#
# Let $W$ be a weight of shape $d_{out} \times d_{in}$. Fine-tuning finds a change $\Delta W$ of the same shape. LoRA
# (Hu et al. 2022, section 4.1) allows only changes that are a product of two thin matrices:
#
# $$y = W x + b + \frac{\alpha}{r}\, B A\, x, \qquad A: r \times d_{in}, \quad B: d_{out} \times r.$$
#
# $W$ and $b$ stay as they are. $BA$ has at most rank $r$. Instead of $d_{out} d_{in}$ numbers, $r (d_{out} + d_{in})$
# learn.

# %%
plotting.lora_shapes(width, width, 8)

# %% [markdown]
# A case that fits in the head: $d_{in} = d_{out} = 2$, $r = 1$, $\alpha = 2$.

# %%
W, A, B = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 1]]), np.array([[3.0], [0]])
x, alpha, rank = np.array([1.0, 2]), 2.0, 1
print("A x =", A @ x, "  B A x =", B @ A @ x, "  y =", W @ x + alpha / rank * B @ A @ x)
print("as one matrix:\n", W + alpha / rank * B @ A)

# %% [markdown]
# **Why $B$ starts at zero.** Then $BA = 0$, and the model is the pretrained one before the first update. Why not both?
# The chain rule answers. Write $g = \partial \ell / \partial y$ for one input $x$, and $s = \alpha / r$. Then
#
# $$\frac{\partial \ell}{\partial B} = s\, g\, (A x)^\top, \qquad
# \frac{\partial \ell}{\partial A} = s\, B^\top g\, x^\top.$$
#
# With $B = 0$, no gradient reaches $A$, but $B$ learns, since $Ax \ne 0$. With $A = 0$ as well, neither would ever
# move. We check both formulas against central differences, every entry.

# %%
rng = np.random.default_rng(0)
x, upstream = rng.normal(size=5), rng.normal(size=4)
matrices = {"A": rng.normal(size=(3, 5)), "B": rng.normal(size=(4, 3))}
s = 7.0 / 3


def loss(matrices):
    return upstream @ (s * matrices["B"] @ matrices["A"] @ x)


formulas = {"A": s * np.outer(matrices["B"].T @ upstream, x), "B": s * np.outer(upstream, matrices["A"] @ x)}
for name, formula in formulas.items():
    numeric = np.zeros_like(formula)
    for place in np.ndindex(formula.shape):
        moved = [copy.deepcopy(matrices) for _ in range(2)]
        moved[0][name][place] += 1e-5
        moved[1][name][place] -= 1e-5
        numeric[place] = (loss(moved[0]) - loss(moved[1])) / 2e-5
    worst = np.abs(formula - numeric).max() / np.abs(numeric).max()
    print(f"gradient of {name}: formula and differences agree within 1e-7: {worst < 1e-7}")
    assert worst < 1e-7

# %% [markdown]
# In the package a layer is replaced by name, and nothing else in the model changes:

# %%
plotting.show_source(lora.LoRALinear)

# %%
torch.manual_seed(0)
layer = lora.LoRALinear(torch.nn.Linear(5, 4), rank=3, alpha=7.0)
inputs = torch.randn(6, 5)
assert torch.equal(layer(inputs), layer.base(inputs))  # at the start, the same bits
torch.nn.init.normal_(layer.up)
by_formula = layer.base(inputs) + 7.0 / 3 * inputs @ layer.down.T @ layer.up.T
torch.testing.assert_close(layer(inputs), by_formula)
torch.testing.assert_close(layer.merged()(inputs), layer(inputs), atol=1e-6, rtol=1e-5)
print("at the start the base's bits; later the formula's values; merged into one matrix, the same values")

# %% [markdown]
# **Merging** adds the product to $W$: then using the model costs nothing extra. Taking the product away again is exact
# only if $W$ was kept; subtracting what was added leaves rounding errors. `unmerge_lora` puts the old layers back.
#
# **A well-known mistake** is to scale by $\alpha$ instead of $\alpha / r$. Nobody notices at $r = 1$. The scale is
# there so that the rank can be changed without changing the learning rate. One update of $B$ by sign-like steps (as
# Adam's first one is) moves the output by an amount that grows with $r$:

# %%
print("rank   change of y, scale α/r   change of y, scale α   (α = 8, first Adam step of B, 0.01 everywhere)")
torch.manual_seed(0)
inputs = torch.randn(2000, 160)
moves = {}
for rank in (1, 4, 16, 64):
    down = lora.LoRALinear(torch.nn.Linear(160, 160), rank, 8.0).down.detach()
    low = inputs @ down.T  # B's gradient has one sign for each number of A x: take the step along it
    change = (0.01 * low.abs().sum(dim=1)).mean().item()
    moves[rank] = 8 / rank * change, 8 * change
    print(f"{rank:4} {moves[rank][0]:20.3f} {moves[rank][1]:22.3f}")
assert moves[64][0] < 2 * moves[1][0] and moves[64][1] > 30 * moves[1][1]

# %% [markdown]
# ## 3 · Other small places to learn in
#
# **Adapters** (Houlsby et al. 2019, section 2.1): behind each sub-layer a small network, $D \to m \to D$ with a bend
# between, added to what came in. Its last layer starts at zero. (Theirs start near zero, and they also train the layer
# norms; ours does not.) It cannot be merged, as the bend is in the way.

# %%
plotting.show_source(adapters.Adapted)

# %% [markdown]
# **BitFit** (Ben Zaken et al. 2022): train the biases, nothing else. No code at all, only a selection by name.
#
# **Prefix tuning** (Li & Liang 2021, section 4): every layer gets $P$ keys and values that no text has written. A cache
# of keys and values that learns. They find it better to train it through a small network; we train it directly.
#
# **Prompt tuning** (Lester et al. 2021): $P$ embeddings before the text, at the first layer only.

# %%
plotting.show_source(soft_prompts.SoftPrompt)

# %% [markdown]
# A soft prompt made of a text's own embeddings *is* that text: this says that positions and mask are right.

# %%
text = torch.tensor([tokenizer.encode("She was happy because the weather was good.")])
prompted = apply_method(copy.deepcopy(base), MethodConfig(method="prompt", prompt_length=3))
with torch.no_grad():
    prompted.prompt.copy_(base.token_embedding(text[0, :3]))
    plain, after = base(text)[:, 3:], prompted(text[:, 3:])[..., : base.config.vocab_size]
torch.testing.assert_close(after, plain, atol=1e-4, rtol=1e-4)
print("three embeddings as a prompt and the rest of the text: the logits of the whole text")

# %% [markdown]
# Before the first update, four of the methods leave the pretrained model as it is; a prompt and a prefix do not, since
# random words stand before the text.

# %%
with torch.no_grad():
    plain = base(text)
    print("method     trained    logits before training")
    for method in ("bitfit", "lora", "adapter", "top-k", "prefix", "prompt"):
        torch.manual_seed(0)
        changed = apply_method(copy.deepcopy(base), MethodConfig(method=method))
        n_trained = sum(t.numel() for name, t in trained_tensors(changed).items() if "token_embedding" not in name)
        same = torch.equal(changed(text)[..., : base.config.vocab_size], plain)
        print(f"{method:8} {n_trained:9,}    {'the same bits' if same else 'others'}")
        assert same == (method not in ("prefix", "prompt"))

# %% [markdown]
# ## 4 · Nothing at all: asking
#
# The task: is a sentence of a review positive or negative? The sentences come from the generated world (chapter 03).
# Names in the test part occur nowhere else.

# %%
everything = world("sentiment", 300, 200)
task_set = dataclasses.replace(everything, validation=everything.validation[:40])
for example in task_set.train[:4]:
    print(f"{example.label:8}  {example.text}")

# %% [markdown]
# A pretrained model can be *asked*: write the sentence, then compare how likely it finds two continuations (Radford et
# al. 2019; chapter 08, section 9). The words that stand for a class are called verbalisers. Two biases are built in.
#
# **Length.** $\log p$ of a continuation is a sum over its tokens, and each token can only lower it. With
# $\log p$ of $-1, -1, -1$ against $-2.5$, the sum prefers the short answer, the mean the long one. Brown et al. (2020,
# section 2.4) use the mean for most tasks.

# %%
long, short = torch.tensor([-1.0, -1, -1]), torch.tensor([-2.5])
print("sums:", option_scores([long, short]), "  means:", option_scores([long, short], "mean"))

# %% [markdown]
# **What is likely anyway.** A model may prefer one answer whatever the question. Zhao et al. (2021, section 5) measure
# that with questions without content, such as "N/A", and divide it away: $\hat q \propto p / p_{cf}$. If the answers
# get 0.8 and 0.2 after nothing, then 0.6 and 0.4 after a sentence speak for the *second*:

# %%
print(calibrate([0.6, 0.4], [0.8, 0.2]))
plotting.show_source(calibrate)

# %%
template = Template("{text} How {label}", {"negative": "terrible", "positive": "wonderful"}, " ")
shown = draw_shown(task_set.train, 8, seed=1)
task, asked = make_task(task_set, FinetuneConfig()), list(task_set.test[:100])
unlabelled = [Labelled(example.text, None) for example in task_set.train[:40]]
truth = np.array([example.label for example in asked])
print(template.shown(shown[0]), "\n")
print("examples  divided by                  says positive   right")
kept, accuracies, says = {}, [], []
for n_shown in (0, 8):
    classifier = PromptedClassifier(base, tokenizer, template, shown[:n_shown])
    plain = probabilities(classifier.scores(asked))
    priors = {"nothing": np.ones(2), "what N/A and such get": classifier.prior(),
              "what any sentence gets": probabilities(classifier.scores(unlabelled)).mean(axis=0)}  # fmt: skip
    for name, prior in priors.items():
        kept[n_shown, name] = found = calibrate(plain, prior)
        labels = [("negative", "positive")[row] for row in found.argmax(axis=1)]
        says.append(100 * np.mean([label == "positive" for label in labels]))
        accuracies.append(measure(task, asked, labels)["accuracy"])
        print(f"{n_shown:8}  {name:25} {says[-1]:13.0f} %   {accuracies[-1]:5.1f} %")
print(f"truly positive: {100 * (truth == 'positive').mean():.0f} %")
assert max(accuracies) < 70 and max(says) - min(says) > 25
only = PromptedClassifier(base, tokenizer, template, content_free=("N/A",))
np.testing.assert_allclose(only.probabilities([Labelled("N/A", None)]), [[0.5, 0.5]], atol=1e-6)  # nothing: uniform

# %%
panels = [{label: kept[0, name][truth == label, 1] for label in ("negative", "positive")}
          for name in ("nothing", "what any sentence gets")]  # fmt: skip
plotting.calibration_panels(*panels, "wonderful", "Calibration moves the answers; it does not tell them apart")

# %% [markdown]
# Be honest about this table. The accuracies are near chance, which is 50 %, in each row. What moves, and by a lot, is
# how often the model says "wonderful": with the examples, and with what we divide by. That instability is Zhao et
# al.'s starting point. Calibration is to take the preference away, but "N/A" is no sentence of a review, so what it
# gets is a poor guess at what a sentence gets. The last kind of row divides by the mean over sentences *without
# labels*. (Batch calibration, Zhou et al. 2024, is close to it; they use the questions themselves.) None of this adds
# knowledge: where blue and orange lie on top of each other, no shift can part them.
#
# In GPT-3, examples in the prompt help more the larger the model is (Brown et al. 2020, figure 1.2). Our base has about
# a hundred-thousandth of its parameters. Where a prompt does not fit into the context, the oldest examples are
# dropped, and counted.

# %% [markdown]
# ## 5 · All of them, at one budget
#
# The same 300 labelled sentences, the same 8 epochs, one seed; four examples for few-shot. Each method has a learning
# rate of its own, since what suits two million numbers is far too little for two thousand. They were chosen on the
# *validation* part of this task, at this number of examples and epochs, among two to four rates each. The sizes are
# the package's defaults. All train the head and the task's new tokens as well.

# %%
print("learning rates:", LEARNING_RATES)
config = FinetuneConfig(epochs=8, shots=4, device="cpu", precision="float32",
                        template=template.pattern, words="negative=terrible,positive=wonderful")
first = [name for name in ALL_METHODS if name not in ("full", "adapter", "top-k", "lora")]
runs = {}
outcomes = compare_methods(config, task_set, first, runs=runs)

# %%
outcomes += compare_methods(config, task_set, ["lora", "adapter", "top-k", "full"], runs=runs)
print(comparison_table(outcomes, "accuracy", with_seconds=False))
test = list(task_set.test)
commonest = measure(task, test, baseline(task, task_set.train, test))["accuracy"]
print(f"the commonest class: {commonest:.1f}")
value = {o.method: o.value for o in outcomes}
assert value["full"] == max(value.values()) and value["full"] > commonest + 20
assert value["full"] - 10 > value["prompt"] and value["lora"] > value["zero-shot"]

# %% tags=["clock"]
print("seconds:", {o.method: round(o.seconds, 1) for o in outcomes if o.trained})

# %%
plotting.methods_chart(outcomes, "accuracy (%), with 95 % interval",
                       "On a model this small, training more of it helps", commonest)

# %% [markdown]
# Read it with the intervals, which are wide and hold only the luck of the *test sentences*. Another seed
# would add its own. Neighbours in this chart are therefore not told apart. The ends are:
#
# - Full fine-tuning is the best here, and it has the largest file by far. LoRA's file is about eighty times smaller.
# - Training time falls less than the number of trained parameters: the forward pass is the same, and the gradient
#   still has to go *through* the frozen layers. What falls is what is saved, and the optimizer's memory.
# - Prompt tuning is poor. That is the finding of Lester et al. (2021, figure 1), too: far behind for small models, and
#   level with full tuning only at billions of parameters.
#
# Published results at scale are closer together: in Hu et al. (2022, table 4), LoRA equals full tuning of GPT-3. A
# base that knows much needs a small push. Ours knows little, so much has to be learned.
#
# Nothing of the base was touched by an efficient method. Its hash says so:

# %%
hash_before = weights_hash(base)
restored = copy.deepcopy(runs["lora"].finetuned.model.gpt)
for name, module in list(restored.named_modules()):
    if isinstance(module, lora.LoRALinear):
        restored.set_submodule(name, module.base)
restored.token_embedding = restored.token_embedding.base
assert weights_hash(restored) == hash_before == runs["lora"].finetuned.base_hash
print("after training, the weights below LoRA have the base's hash:", hash_before[:12])

# %% [markdown]
# ## 6 · Is the true change of low rank?
#
# LoRA's premise is that the change a task needs has a low "intrinsic rank" (Hu et al. 2022, section 1). We can look:
# fine-tune everything, subtract, and take the singular values of $\Delta W$. The best approximation of rank $r$ keeps
# the $r$ largest, and misses (Eckart & Young 1936)
#
# $$\frac{\lVert \Delta W - \Delta W_r \rVert_F}{\lVert \Delta W \rVert_F}
# = \sqrt{\frac{\sum_{i > r} \sigma_i^2}{\sum_i \sigma_i^2}}.$$

# %%
trained = runs["full"].finetuned.model.gpt
spectra, missed = {}, {}
for name in ("attention.query", "attention.value"):
    change = (trained.blocks[-1].get_submodule(name).weight - base.blocks[-1].get_submodule(name).weight).detach()
    spectra[name.split(".")[1]] = values = torch.linalg.svdvals(change).numpy()
    missed[name] = {r: float(np.sqrt((values[r:] ** 2).sum() / (values**2).sum())) for r in (1, 8, 32, 80)}
    print(f"{name:16} missed by rank", ", ".join(f"{r}: {100 * m:.0f} %" for r, m in missed[name].items()))
noise = torch.randn(width, width, generator=torch.Generator().manual_seed(0))
spectra["random matrix"] = values = torch.linalg.svdvals(noise).numpy()
of_noise = float(np.sqrt((values[8:] ** 2).sum() / (values**2).sum()))
print(f"{'random matrix':16} missed by rank 8: {100 * of_noise:.0f} %")
assert all(error[8] < of_noise - 0.05 and error[8] > 0.1 for error in missed.values())
plotting.update_spectra(spectra, "The change is concentrated, but not of rank 8")

# %% [markdown]
# The change is far more concentrated than a random matrix of this size. But it is *not* of low rank in the strict
# sense: rank 8 misses a visible part. And a small missed part need not matter for the task, nor does a product that
# was *trained* at rank 8 have to be the best approximation of this change. So the picture is consistent with LoRA's
# premise, and proves nothing about it. Adam adds to it: each of its steps moves all entries by similar amounts,
# whether they matter or not, which spreads the spectrum.

# %% [markdown]
# ## 7 · Can a learned prompt be read?
#
# A soft prompt lives among the word embeddings. Which words are nearest to it?

# %%
learned = runs["prompt"].finetuned.model.gpt.prompt.detach()
table = base.token_embedding.weight.detach()
similarity = F.cosine_similarity(learned[:, None], table[None], dim=2)
for vector in similarity[:4]:
    near = vector.topk(4)
    print("   ".join(f"{tokenizer.decode([token])!r} {size:.2f}" for token, size in
                     zip(near.indices.tolist(), near.values.tolist())))  # fmt: skip

# %% [markdown]
# The words have nothing to do with reviews, and some are pieces of characters, which print as �. The nearest one is
# each time the random token that the vector *started* from: training moved it only a little, in a direction that no
# word has. Lester et al. (2021, section 7) find clusters of related words near theirs in a much larger model, and
# still no prompt that one could read. A learned prompt is a set of numbers, not a sentence.

# %% [markdown]
# ## 8 · Where it fails
#
# **Small bases.** What must be learned has to fit into what learns. With a weak base, full tuning is worth its price.
#
# **Comparisons at one setting.** One task, one seed, one size for each method. LoRA at other layers, a longer prompt,
# more epochs: the order in the middle can change. Our rates were chosen on the validation part, among few.
#
# **Zero-shot words.** Another template gives another number. Choose it on validation, and report which one you took.
#
# **Many tasks at once.** Small checkpoints are cheap to keep, but each belongs to exactly one base. On another one its
# numbers mean nothing: `minigpt` saves the base's hash, and refuses any other.
#
# On your own data, in a terminal:
#
# ```
# minigpt finetune --task sentiment --method few-shot --shots 8
# minigpt compare-methods --task sentiment --data reviews.csv --chart methods.png
# ```

# %% [markdown]
# ## 9 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Then run the cell below, or `minigpt grade 13`.
#
# 1. `lora_forward`: with the right scale.
# 2. `lora_merge`: one matrix.
# 3. `lora_backward`: both gradients by hand.
# 4. `count_trained`: five methods.
# 5. `adapter_forward`: and nothing changes at the start.
# 6. `add_soft_prompt`: embeddings, positions, mask.
# 7. `attend_with_prefix`: keys and values that nobody wrote.
# 8. `choice_scores`: sums and means.
# 9. `calibrate`: what nothing gets.
# 10. `bitfit_names`: what has to learn.
# 11. `low_rank_error`: by singular values.

# %%
print(grade("13"))

# %% [markdown]
# ## 10 · What to read next
#
# - Houlsby, N. et al. (2019). *Parameter-Efficient Transfer Learning for NLP.* Section 2.1. arXiv:1902.00751.
# - Hu, E. et al. (2022). *LoRA: Low-Rank Adaptation of Large Language Models.* Sections 4 and 7. arXiv:2106.09685.
# - Ben Zaken, E., Goldberg, Y. & Ravfogel, S. (2022). *BitFit.* arXiv:2106.10199.
# - Li, X. L. & Liang, P. (2021). *Prefix-Tuning.* Section 4. arXiv:2101.00190.
# - Lester, B., Al-Rfou, R. & Constant, N. (2021). *The Power of Scale for Parameter-Efficient Prompt Tuning.*
#   arXiv:2104.08691.
# - Zhao, T. et al. (2021). *Calibrate Before Use.* Section 5. arXiv:2102.09690.
# - Zhou, H. et al. (2024). *Batch Calibration.* arXiv:2309.17249.
# - Brown, T. et al. (2020). *Language Models are Few-Shot Learners.* Section 2.4. arXiv:2005.14165.
# - Eckart, C. & Young, G. (1936). *The approximation of one matrix by another of lower rank.*
