# ---
# jupyter:
#   chapter:
#     title: Self-attention
#     question: How does a token find out which earlier tokens matter to it?
#     minutes: 2
#     need:
#       - matrix products and NumPy arrays
#       - softmax and cross-entropy (chapter 03)
#       - the gradients of a linear map and of softmax (chapter 04), for section 8
#     able:
#       - compute attention with pencil and paper, and with ten lines of NumPy
#       - say what queries, keys and values are for, and why scores are divided by $\sqrt{K}$
#       - hide the future, distant tokens, or padding by a mask
#       - say what attention costs when a text gets longer
#       - write its backward pass, and prove by numbers that it is right
# ---

# %% [markdown]
# ## 1 · The question
#
# Read this: *Anna saw Rome: she stayed there.* Who is "she", and where is "there"? You looked back, and you looked at
# two different places for the two words. A language model has to do the same. So far our tokens know only themselves:
# an embedding is one row of a table, whatever stands around it.
#
# **Self-attention** is the only place in a GPT where one token learns anything about another. This chapter builds it
# in five steps: average, weight, scale, mask, several heads. Then it counts what that costs, and walks back through
# it.
#
# Letters as everywhere in this book: $T$ queries (tokens that read), $S$ keys (tokens that are read), $D$ numbers for
# each token, $H$ heads, $K$ numbers for each query and key.

# %%
import math
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from minigpt import model, plotting
from minigpt.by_hand import operations
from minigpt.by_hand.gradient_check import check_gradient, diagnose
from minigpt.config import preset
from minigpt.grading import grade

np.set_printoptions(precision=2, suppress=True)
tokens = ["Anna", "saw", "Rome", "she", "stayed", "there"]

# %% [markdown]
# ## 2 · Averaging
#
# The simplest way to know what came before is to take its average. To see something on paper, each token gets $D = 4$
# numbers, and we choose what they mean: *is a person*, *is a place*, *asks for a person*, *asks for a place*. (A
# trained model finds its own meanings, and they are rarely so neat.)

# %%
x = np.array([
    [1, 0, 0, 0],  # Anna: a person
    [0, 0, 0, 0],  # saw
    [0, 1, 0, 0],  # Rome: a place
    [0, 0, 1, 0],  # she: asks for a person
    [0, 0, 0, 0],  # stayed
    [0, 0, 0, 1],  # there: asks for a place
], dtype=float)  # (T, D)

averages = np.array([x[: t + 1].mean(axis=0) for t in range(len(x))])
print(averages)

# %% [markdown]
# The last row says: among the six tokens so far, one was a person, one a place, and so on, each with weight
# $1/6 \approx 0.17$. Every token was heard, and all of them equally.
#
# The loop is a matrix product in disguise. Row $t$ of the matrix $W$ holds the weights with which token $t$ listens:
#
# $$y_t = \sum_{u} w_{tu} x_u \qquad \text{with} \qquad w_{tu} = \frac{1}{t+1} \text{ for } u \le t,
# \quad \text{else } 0.$$

# %%
n_tokens = len(tokens)
equal_weights = np.tril(np.ones((n_tokens, n_tokens)))  # 1 where u <= t
equal_weights /= equal_weights.sum(axis=1, keepdims=True)
assert np.allclose(equal_weights @ x, averages)
plotting.attention_map(equal_weights, tokens, "An average listens to all earlier tokens alike")

# %% [markdown]
# Keep this picture in mind: **everything that follows only changes the numbers in this triangle.** Each row still
# sums to 1, and nothing ever stands above the diagonal.
#
# One more disguise. The same triangle comes out of a softmax: give every pair the *score* 0, forbid the upper
# triangle by the score $-\infty$, and normalise each row. $e^0 = 1$ for the allowed, $e^{-\infty} = 0$ for the
# forbidden.

# %%
may_look = np.tril(np.ones((n_tokens, n_tokens), dtype=bool))
zero_scores = np.zeros((n_tokens, n_tokens))


def softmax(scores):
    """Turn each row of scores into weights that sum to 1."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


assert np.allclose(softmax(np.where(may_look, zero_scores, -np.inf)), equal_weights)
print("softmax of equal scores = average")

# %% [markdown]
# ## 3 · Weighting: queries, keys and values
#
# Now let the scores differ. Where should they come from? From the tokens themselves. Think of a look-up in a
# dictionary: you come with a **query**, compare it with every **key**, and take the **value** of the key that fits. A
# Python dictionary demands an exact fit. Attention takes a soft one: the better a key fits, the more of its value you
# take.
#
# Each token makes all three from its own numbers, by three learned matrices:
#
# $$q_t = W_q x_t \qquad k_u = W_k x_u \qquad v_u = W_v x_u \qquad s_{tu} = q_t \cdot k_u$$
#
# - the query $q_t$: *what am I looking for?*
# - the key $k_u$: *what do I have on offer?*
# - the value $v_u$: *what do you get if you listen to me?*
#
# Here $K = 2$, and we write the matrices by hand. The query reads the two "asks for" numbers, the key the two "is"
# numbers, so that "asks for a person" meets "is a person". The factor 4 sets how strongly.

# %%
query_matrix = 4 * np.array([[0, 0, 1, 0], [0, 0, 0, 1]], dtype=float)  # (K, D)
key_matrix = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=float)
value_matrix = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=float)

query, key, value = x @ query_matrix.T, x @ key_matrix.T, x @ value_matrix.T  # each (T, K)
scores = query @ key.T  # (T, S): each query meets each key
print("scores of 'she':  ", scores[3])
weights = softmax(np.where(may_look, scores, -np.inf))
print("weights of 'she': ", weights[3])
print("what it gathered: ", (weights @ value)[3], "= [person, place]")

# %%
plotting.attention_map(weights, tokens, "'she' now listens to Anna, and 'there' to Rome")

# %% [markdown]
# Look at the row of "she". Its query met Anna's key with the score 4, every other with 0. Softmax made 0.95 of that,
# and three times 0.02 of the rest. What "she" gathered is almost purely *a person*. A token that asks for nothing,
# such as "stayed", has equal scores, so it still takes the plain average: attention cannot listen to nobody.
#
# This is all there is to it. Vaswani et al. (2017, section 3.2) define it so: an attention function maps a query and
# a set of key-value pairs to an output, a weighted sum of the values. *Self*-attention means that queries, keys and
# values are all made from the same tokens.

# %% [markdown]
# ## 4 · The scale: why divide by $\sqrt{K}$
#
# Here $K$ was 2. How wide are real heads?

# %%
print({name: f"K = {preset(name).head_dim}" for name in ("gpt1", "gpt2", "gpt3-175b")})

# %% [markdown]
# At that width something goes wrong that two numbers do not show. Suppose that the entries of $q$ and $k$ are
# independent, with mean 0 and variance 1. Each product $q_i k_i$ has mean 0 and variance $1 \cdot 1 = 1$. Variances
# of independent numbers add up:
#
# $$\mathrm{Var}(q \cdot k) = \sum_{i=1}^{K} \mathrm{Var}(q_i k_i) = K,
# \qquad \mathrm{Var}\left(\frac{q \cdot k}{\sqrt K}\right) = \frac{K}{K} = 1.$$
#
# This is footnote 4 in section 3.2.1 of Vaswani et al. (2017). Let us see whether it is true.

# %%
rng = np.random.default_rng(5)
widths = [1, 4, 16, 64, 256]
raw_variance, scaled_variance = [], []
for width in widths:
    q, k = rng.standard_normal((2, 20_000, width))
    dot_products = (q * k).sum(axis=1)
    raw_variance.append(dot_products.var())
    scaled_variance.append((dot_products / math.sqrt(width)).var())
    print(f"K = {width:3}: variance of q·k {raw_variance[-1]:6.1f}, after division by √K {scaled_variance[-1]:.2f}")
plotting.scaling_curves(widths, {"q·k": raw_variance, "q·k / √K": scaled_variance},
                        ("width of a head, K", "variance of a score (no unit)"),
                        "Without the scale, scores grow with the width of the head")

# %% [markdown]
# Why does a large score hurt? Because softmax **saturates**: if one score is 20 above the others, its weight is
# nearly 1 and the rest nearly 0, and small changes of the scores change nothing. From chapter 04, the derivative of a
# weight by its own score is $w_i(1 - w_i)$. Their sum over a row, $\sum_i w_i (1 - w_i)$, says how much room to move
# the row has left: 0 for a row that listens to one key only, $1 - 1/S$ for an average of $S$ keys.


# %%
def room_to_move(scores):
    """Mean over the rows of Σ w(1 - w), the sum of the softmax's own derivatives."""
    weights = softmax(scores)
    return (weights * (1 - weights)).sum(axis=-1).mean()


raw_room, scaled_room, largest = [], [], []
for width in widths:
    q, k = rng.standard_normal((2000, 1, width)), rng.standard_normal((2000, 16, width))  # 16 keys for each query
    raw_scores = (q @ k.transpose(0, 2, 1))[:, 0]
    raw_room.append(room_to_move(raw_scores))
    scaled_room.append(room_to_move(raw_scores / math.sqrt(width)))
    largest.append(softmax(raw_scores).max(axis=-1).mean())
    print(f"K = {width:3}: room {raw_room[-1]:.2f}, scaled {scaled_room[-1]:.2f}; "
          f"largest of 16 unscaled weights {largest[-1]:.2f} on average")
assert raw_room[-1] < 0.2 < 0.7 < scaled_room[-1]
plotting.scaling_curves(widths, {"softmax of q·k": raw_room, "softmax of q·k / √K": scaled_room},
                        ("width of a head, K", "Σ w(1 − w) of a row of 16 keys"),
                        "Without the scale, wide heads leave softmax no room to learn", logarithmic=False)

# %% [markdown]
# And a real query? At the start, GPT-2 draws its weights with standard deviation 0.02 (chapter 06), and a layer norm
# gives each token's numbers variance 1.

# %%
gpt2 = preset("gpt2")
normalised = torch.randn(64, gpt2.d_model, generator=torch.Generator().manual_seed(0))
initial_weights = 0.02 * torch.randn(2, gpt2.head_dim, gpt2.d_model, generator=torch.Generator().manual_seed(1))
q, k = (normalised @ weight.T for weight in initial_weights)  # one head
print(f"GPT-2 at the start: variance of an entry of q {q.var():.2f}, of q·k {(q @ k.T).var():.1f}, "
      f"of q·k / √K {(q @ k.T / math.sqrt(gpt2.head_dim)).var():.2f}")

# %% [markdown]
# The variance is below 1, so the scaled scores start even closer to 0: an almost plain average.
#
# In the experiment above, with 256 numbers and no scale, a query that knows nothing yet gave its best key the weight
# printed in the last line, as if it were sure. It was sure by accident, and had hardly a gradient left to change its
# mind. With the scale every width starts alike. So this is attention, complete (Vaswani et al. 2017, equation 1):
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\left(\frac{Q K^{\top}}{\sqrt{K}}\right) V$$
#
# In the fraction, the upper $K$ is the matrix of all keys and the lower one the width of a key; the paper calls the
# width $d_k$. Our ten lines:


# %%
def my_attention(query, key, value, mask):
    """softmax(Q Kᵀ / √K) V with a mask; gives the mixed values and the weights."""
    scores = query @ key.swapaxes(-2, -1)  # (…, T, S)
    scores = scores / math.sqrt(query.shape[-1])
    scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ value, weights


mixed, weights = my_attention(query, key, value, may_look)
print("'she', scaled:", weights[3], "gathers", mixed[3])

# %% [markdown]
# And this is `minigpt`'s. Compare line by line, then let numbers compare.

# %%
plotting.show_source(model.attention_by_formula)

# %%
generator = np.random.default_rng(0)
random_query, random_key, random_value = generator.standard_normal((3, 2, 3, 5, 4))  # B=2, H=3, T=5, K=4
ours, our_weights = my_attention(random_query, random_key, random_value, np.tril(np.ones((5, 5), dtype=bool)))
theirs, their_weights = model.attention_by_formula(*map(torch.tensor, (random_query, random_key, random_value)))
assert np.allclose(ours, theirs) and np.allclose(our_weights, their_weights)
fused = model.attention(*map(torch.tensor, (random_query, random_key, random_value)))
assert np.allclose(ours, fused)
print("equal to minigpt.model.attention_by_formula, and to PyTorch's fused kernel")

# %% [markdown]
# ## 5 · Masks: who may look at whom
#
# A mask forbids pairs. Three kinds are enough for every GPT.
#
# - **Causal**: a token sees itself and what came before. A model that learns to predict the next token must not see
#   it.
# - **Banded**: of those, only the nearest few. GPT-3 uses such layers in every second place (Brown et al. 2020,
#   section 2.1). The paper does not say how wide the band is; 3 here is our choice.
# - **Padding**: texts of different length are filled up to make a rectangle, and nobody may listen to the filling.
#   Here the first two tokens are filling.

# %%
causal = model.attention_mask(6, 6)[0, 0]
banded = model.attention_mask(6, 6, band_width=3)[0, 0]
is_real = torch.tensor([[False, False, True, True, True, True]])
padded = model.attention_mask(6, 6, key_is_real=is_real)[0, 0]
print("pairs allowed:", int(causal.sum()), "causal,", int(banded.sum()), "banded,", int(padded.sum()), "with padding")
plotting.mask_panels({"causal": causal, "banded, 3 wide": banded, "two tokens of padding": padded}, tokens,
                     "Three masks: no future, no distant past, no padding")

# %%
plotting.show_source(model.attention_mask)

# %% [markdown]
# Two details that people get wrong.
#
# **Before the softmax, not after.** Setting weights to 0 *after* the softmax leaves rows that no longer sum to 1.
# Worse: the forbidden scores are in the denominator, so the future still leaks through it. Try it: change only the
# last token, and see whether an earlier output changes.

# %%
changed_key, changed_value = random_key.copy(), random_value.copy()
changed_key[..., -1, :] += 1
changed_value[..., -1, :] += 1
small_mask = np.tril(np.ones((5, 5), dtype=bool))


def mask_after_softmax(query, key, value):
    """Wrong: the denominator has seen the future."""
    return softmax(query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])) * small_mask @ value


def largest_change_of_earlier_outputs(attend):
    before = attend(random_query, random_key, random_value)
    after = attend(random_query, changed_key, changed_value)
    return np.abs(before - after)[..., :-1, :].max()


right = largest_change_of_earlier_outputs(lambda *qkv: my_attention(*qkv, small_mask)[0])
wrong = largest_change_of_earlier_outputs(mask_after_softmax)
print(f"masked before the softmax: earlier outputs change by {right:.2f}")
print(f"masked after the softmax:  earlier outputs change by {wrong:.2f}")
assert right == 0 and wrong > 0.01

# %% [markdown]
# **A row that may look at nothing.** If all scores of a row are $-\infty$, softmax divides 0 by 0 and the result is
# NaN, which then spreads through every sum. That is why the padding mask above leaves each padding token itself.

# %%
with np.errstate(invalid="ignore"):
    print("softmax of a row in which everything is forbidden:", softmax(np.full((1, 3), -np.inf))[0])

# %% [markdown]
# ## 6 · Heads: several questions at once
#
# One head gives one set of weights for each token, so it can answer one question. Let a token ask for *both* a person
# and a place, and give Anna the value $+1$ and Rome the value $-1$. One head must share its weights between the two,
# and what comes out is their average. Two heads, each with its own query, keep them apart.

# %%
both = np.array([[1.0, 1.0]]) * 6  # a query for a person and a place
is_person_or_place = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])  # keys of Anna, saw, Rome
names = np.array([[1.0], [0.0], [-1.0]])  # values of Anna, saw, Rome
look_everywhere = np.ones((1, 3), dtype=bool)

one_head, one_weights = my_attention(both, is_person_or_place, names, look_everywhere)
print(f"one head: weights {one_weights[0]}, result {one_head[0, 0]:+.2f}")
for number, part in enumerate(("person", "place")):
    question, offer = both[:, [number]], is_person_or_place[:, [number]]  # the head's own K = 1
    result, head_weights = my_attention(question, offer, names, look_everywhere)
    print(f"head for a {part}: weights {head_weights[0]}, result {result[0, 0]:+.2f}")

# %% [markdown]
# One head: Anna and Rome cancel, and all is lost. Two heads: two clear answers, side by side. As the paper says:
# "With a single attention head, averaging inhibits this" (Vaswani et al. 2017, section 3.2.2).
#
# Heads are not extra work. The $D$ numbers of query, key and value are cut into $H$ pieces of $K = D/H$; each piece
# attends on its own; the results are laid side by side again, and one more linear map mixes them. The four matrices
# are $D \times D$ whatever $H$ is.


# %%
def my_self_attention(hidden, parameters, n_heads, mask):
    """Multi-head self-attention on hidden (B, T, D); parameters as `minigpt.model.SelfAttention` names them."""

    def linear(name, x):
        return x @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]

    def split(x):  # (B, T, D) -> (B, H, T, K)
        return x.reshape(*x.shape[:2], n_heads, -1).transpose(0, 2, 1, 3)

    mixed, weights = my_attention(*(split(linear(name, hidden)) for name in ("query", "key", "value")), mask)
    side_by_side = mixed.transpose(0, 2, 1, 3).reshape(hidden.shape)  # (B, H, T, K) -> (B, T, D)
    return linear("output", side_by_side), weights


torch.manual_seed(0)
tiny = preset("tiny")
layer = model.SelfAttention(tiny).double().eval()
parameters = {name: tensor.detach().numpy() for name, tensor in layer.named_parameters()}
hidden = np.random.default_rng(1).standard_normal((2, 7, tiny.d_model))  # B=2, T=7
ours, _ = my_self_attention(hidden, parameters, tiny.n_heads, np.tril(np.ones((7, 7), dtype=bool)))
theirs = layer(torch.tensor(hidden)).detach().numpy()
assert np.allclose(ours, theirs, atol=1e-12)
print(f"equal to minigpt.model.SelfAttention with D = {tiny.d_model}, H = {tiny.n_heads}, K = {tiny.head_dim}")
plotting.show_source(model.SelfAttention)

# %% [markdown]
# (`cache` keeps keys and values of tokens that were read before, so that generation need not read them again: chapter
# 08. `collected` hands out the weights, for pictures.)

# %% [markdown]
# ## 7 · The cost of length
#
# Twice as long a text: what happens? Count the multiplications of one layer for one text.
#
# - The four linear maps multiply each of $T$ tokens with a $D \times D$ matrix: $4TD^2$. Linear in $T$.
# - The scores are $T \times T$ dot products of $K$ numbers in each of $H$ heads: $T^2 K H = T^2 D$. The weighted sums
#   cost the same again. Together $2T^2D$: quadratic in $T$.
#
# A mask does not save work here: this code computes all scores, and then throws the forbidden ones away.


# %%
def multiplications(n_tokens, d_model):
    """Of the four linear maps, and of scores and weighted sums, in one layer and one text."""
    return 4 * n_tokens * d_model**2, 2 * n_tokens**2 * d_model


lengths = [128, 256, 512, 1024, 2048, 4096, 8192]
linear_counts, pair_counts = zip(*(multiplications(length, gpt2.d_model) for length in lengths))

# Ask PyTorch, which counts a multiplication and an addition as two operations.
with FlopCounterMode(display=False) as counter:
    model.attention_by_formula(*torch.zeros(3, 1, gpt2.n_heads, 128, gpt2.head_dim))
assert counter.get_total_flops() == 2 * pair_counts[0]

crossing = 2 * gpt2.d_model
print(f"GPT-2 small, D = {gpt2.d_model}: both cost the same at T = 2D = {crossing:,} tokens")
large = preset("gpt3-175b")
linear_cost, pair_cost = multiplications(large.context_length, large.d_model)
print(f"GPT-3, D = {large.d_model:,}, T = {large.context_length:,}: pairs are "
      f"{100 * pair_cost / (pair_cost + linear_cost):.0f} % of attention's multiplications")
plotting.scaling_curves(lengths, {"four linear maps, 4TD²": linear_counts, "all pairs, 2T²D": pair_counts},
                        ("length of the text, T (tokens)", "multiplications in one layer"),
                        f"Pairs cost more than linear maps beyond 2D = {crossing:,} tokens (D = {gpt2.d_model})",
                        marked=(crossing, "T = 2D"))

# %% [markdown]
# $4TD^2 = 2T^2D$ at $T = 2D$. Below that length, the famous quadratic cost is the smaller part. In the largest GPT-3
# it is a few per cent.
#
# Multiplications are not what hurts first. Training keeps what the backward pass needs, and among that are the
# weights: $H T^2$ numbers in every layer. We can ask PyTorch what it keeps, and compare the written-out formula with
# the fused kernel, which computes the weights piece by piece, and computes them again on the way back (Dao et al.
# 2022, section 3.1).


# %%
def bytes_kept(attend, n_tokens):
    """Memory that PyTorch holds for the backward pass of one attention."""
    tensors = torch.zeros(3, 1, gpt2.n_heads, n_tokens, gpt2.head_dim).unbind()
    storages = {}

    def remember(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        output = attend(*(tensor.clone().requires_grad_() for tensor in tensors))
    del output
    return sum(storages.values())


short_lengths = [128, 256, 512, 1024, 2048]
by_formula = [bytes_kept(lambda *qkv: model.attention_by_formula(*qkv)[0], n) / 2**20 for n in short_lengths]
by_kernel = [bytes_kept(model.attention, n) / 2**20 for n in short_lengths]
for length, formula, kernel in zip(short_lengths, by_formula, by_kernel):
    print(f"{length:5,} tokens: formula {formula:6.1f} MiB, fused kernel {kernel:5.1f} MiB")
growth = by_formula[-1] / by_formula[-2], by_kernel[-1] / by_kernel[-2]
print(f"the last doubling multiplied memory by {growth[0]:.1f} (formula) and {growth[1]:.1f} (fused kernel)")
plotting.scaling_curves(short_lengths, {"formula": by_formula, "fused kernel": by_kernel},
                        ("length of the text, T (tokens)", "kept for the backward pass (MiB)"),
                        "The formula keeps T² numbers, the fused kernel T (GPT-2 small, one layer)")

# %% [markdown]
# And time? Times differ from machine to machine, so we print none, and ask one question: four times as long a text,
# is that more than six times the work? (A linear cost would say four, a quadratic one sixteen.)


# %%
def best_time(n_tokens, repeats=7):
    """The shortest of some runs, in seconds: what other programs on the machine disturb least."""
    query, key, value = torch.zeros(3, 1, gpt2.n_heads, n_tokens, gpt2.head_dim)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.attention_by_formula(query, key, value)
        times.append(time.perf_counter() - start)
    return min(times)


print("four times the tokens, more than six times the time:", best_time(1024) / best_time(256) > 6)

# %% [markdown]
# ## 8 · Backward
#
# Training needs the gradients of query, key and value. Write $\bar v$ for $\partial L / \partial v$, the number that
# the code calls `d_value`, and walk the three steps of the forward pass in reverse. A value $v_u$ is used by every
# query that listens to it, so its gradient collects from all of them:
#
# $$y_{tk} = \sum_u w_{tu} v_{uk} \quad \Rightarrow \quad
# \bar v_{uk} = \sum_t w_{tu} \bar y_{tk}, \qquad \bar w_{tu} = \sum_k \bar y_{tk} v_{uk}$$
#
# $$w_t = \mathrm{softmax}(s_t) \quad \Rightarrow \quad
# \bar s_{tu} = w_{tu} \left( \bar w_{tu} - \sum_r w_{tr} \bar w_{tr} \right)$$
#
# $$s_{tu} = \frac{1}{\sqrt K} \sum_k q_{tk} k_{uk} \quad \Rightarrow \quad
# \bar q_{tk} = \frac{1}{\sqrt K} \sum_u \bar s_{tu} k_{uk}, \qquad
# \bar k_{uk} = \frac{1}{\sqrt K} \sum_t \bar s_{tu} q_{tk}$$
#
# Where is the mask? It needs no line: a forbidden pair has $w_{tu} = 0$, and so $\bar s_{tu} = 0$.


# %%
def my_attention_backward(d_output, query, key, value, weights):
    """Gradients of query, key and value."""
    d_value = weights.swapaxes(-2, -1) @ d_output
    d_weights = d_output @ value.swapaxes(-2, -1)
    d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))
    d_scores = d_scores / math.sqrt(query.shape[-1])
    return d_scores @ key, d_scores.swapaxes(-2, -1) @ query, d_value


# %% [markdown]
# Is it right? Chapter 04's rule: believe numbers. Each entry is moved a little, and the loss watched.

# %%
upstream = np.random.default_rng(2).standard_normal(random_value.shape)
inputs = {"query": random_query, "key": random_key, "value": random_value}


def loss(inputs):
    return (my_attention(**inputs, mask=small_mask)[0] * upstream).sum()


_, random_weights = my_attention(**inputs, mask=small_mask)
gradients = my_attention_backward(upstream, *inputs.values(), random_weights)
report = check_gradient(loss, inputs, dict(zip(inputs, gradients)))
assert report.passed
for mine, theirs in zip(gradients, operations.attention_backward(upstream, *inputs.values(), random_weights)):
    assert np.allclose(mine, theirs)
print(f"all {sum(row.n_checked for row in report.rows)} entries are right, "
      "and equal to minigpt.by_hand.operations.attention_backward")

# %% [markdown]
# And if one forgets the scale on the way back, for the query? The direction stays right, so a loss would still fall,
# only differently, and nobody would notice. The check does, and `diagnose` names the mistake.

# %%
head_width = random_query.shape[-1]
forgetful = dict(zip(inputs, (gradients[0] * math.sqrt(head_width), gradients[1], gradients[2])))
wrong_report = check_gradient(loss, inputs, forgetful)
assert not wrong_report.passed
for finding in diagnose(wrong_report.analytic, wrong_report.numeric, sizes={"√K": math.sqrt(head_width)}):
    print(finding)

# %% [markdown]
# Now the hand-sized example again. Suppose that the loss would fall if "she" gathered more of *person*. What does
# each score hear?

# %%
wish = np.zeros((n_tokens, 2))
wish[3] = [-1, 0]  # the loss falls when the first number of 'she' grows
d_weights = wish @ value.T
d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))
print("gradient of the scores of 'she':", d_scores[3], " sum:", f"{abs(d_scores[3].sum()):.2f}")
few = [0, 1, 2, 3]
plotting.heat_map(d_scores[np.ix_([2, 3, 4], few)], [tokens[row] for row in (2, 3, 4)], [tokens[u] for u in few],
                  ("query", "key", "gradient of the score"),
                  "'she' wants more of Anna, less of the rest", diverging=True)

# %% [markdown]
# The gradient is negative for Anna: raise this score, and the loss falls. The others are positive by the same total,
# since a row of weights always sums to 1: what one key wins, others lose. "Rome" and "stayed" have no wish, so their
# rows are 0.
#
# Let us train with these few lines. Texts of five tokens: a person, a place and two other words in any order, then a
# question, "who?" or "where?". The model must answer with the person or the place of *this* text. Nobody tells it to
# look back, or where.

# %%
words = ["Anna", "Ben", "Cleo", "Dan", "Rome", "Oslo", "Lima", "Kyiv", "saw", "near", "who?", "where?"]
draw = np.random.default_rng(3)


def random_texts(n_texts):
    """Ids of the texts (N, 5), and the id of each answer (N,): 0 to 3 are persons, 4 to 7 places."""
    persons, places = draw.integers(0, 4, n_texts), draw.integers(4, 8, n_texts)
    others = np.tile([8, 9], (n_texts, 1))
    story = draw.permuted(np.column_stack([persons, places, others]), axis=1)
    asks_where = draw.integers(0, 2, n_texts)
    return np.column_stack([story, 10 + asks_where]), np.where(asks_where, places, persons)


one_hot = np.eye(len(words))
learned = {name: 0.3 * draw.standard_normal(shape)
           for name, shape in {"query": (4, 12), "key": (4, 12), "value": (8, 12)}.items()}
causal_5 = np.tril(np.ones((5, 5), dtype=bool))
for step in range(301):
    ids, answers = random_texts(32)
    query, key, value = (one_hot[ids] @ learned[name].T for name in ("query", "key", "value"))
    mixed, weights = my_attention(query, key, value, causal_5)
    answer_loss, kept = operations.cross_entropy_forward(mixed[:, -1], answers)  # the last token answers
    if step in (0, 50, 300):
        correct = (mixed[:, -1].argmax(axis=-1) == answers).mean()
        print(f"update {step:3}: loss {answer_loss:.2f} nats, {100 * correct:.0f} % of 32 answers right")
    d_mixed = np.zeros_like(mixed)
    d_mixed[:, -1] = operations.cross_entropy_backward(1.0, *kept)
    for name, d_projected in zip(learned, my_attention_backward(d_mixed, query, key, value, weights)):
        gradient = np.einsum("bto,bti->oi", d_projected, one_hot[ids])  # a linear map's: sum over texts and tokens
        learned[name] -= 3.0 * gradient

# %%
text = ["near", "Cleo", "saw", "Oslo", "who?"]
text_ids = np.array([words.index(word) for word in text])
_, learned_weights = my_attention(*(one_hot[text_ids] @ learned[name].T for name in learned), causal_5)
assert learned_weights[-1].argmax() == text.index("Cleo")
print("'who?' listens to", dict(zip(text, learned_weights[-1].round(2).tolist())))
plotting.attention_map(learned_weights, text, "Learned from answers alone: 'who?' listens to the person")

# %% [markdown]
# Only the last row was ever trained: nobody asked the other tokens anything, so what they listen to means nothing.

# %% [markdown]
# ## 9 · Where it fails
#
# **It does not know the order.** Without a mask, shuffle the tokens, and the outputs are the same, only shuffled.
# "Dog bites man" is "man bites dog". GPT adds a position embedding to each token before the first layer (chapter 06).

# %%
shuffle = np.array([3, 0, 4, 1, 2])
see_all = np.ones((5, 5), dtype=bool)
straight, _ = my_attention(random_query, random_key, random_value, see_all)
shuffled, _ = my_attention(*(array[..., shuffle, :] for array in inputs.values()), see_all)
assert np.allclose(straight[..., shuffle, :], shuffled)
print("shuffled tokens in, the same outputs out, shuffled")

# %% [markdown]
# **It must listen to someone.** Weights sum to 1, so a token that needs nothing must still put its weight somewhere.
# Trained models often choose the very first token, an "attention sink" (Xiao et al. 2023, section 3.1).
#
# **A key's bias does nothing.** Add the same vector $b$ to every key: each score of row $t$ grows by the same
# $q_t \cdot b / \sqrt K$, and softmax does not see it. GPT-2 has such a bias in every layer, and its gradient is 0.

# %%
with_bias, _ = my_attention(random_query, random_key + np.array([3.0, -1.0, 2.0, 5.0]), random_value, small_mask)
assert np.allclose(with_bias, my_attention(**inputs, mask=small_mask)[0])
_, d_key, _ = gradients
print(f"gradient of a bias on all keys: {np.abs(d_key.sum(axis=-2)).max():.2f}")

# %% [markdown]
# **Weights are not reasons.** The maps above look like explanations. But in the recurrent models that Jain & Wallace
# (2019, section 4.2) studied, very different weights gave nearly the same predictions: read them as a hint, not as a
# proof.
#
# **It grows with the square of the length**, in memory and in time, unless pairs are left out or recomputed.

# %% [markdown]
# ## 10 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Each says what it takes and gives, with an example.
# Then run the cell below, or `minigpt grade 05` in a terminal.
#
# 1. `causal_average`: the mean of all tokens so far.
# 2. `causal_mask`: who may look at whom, with and without a band.
# 3. `hide_padding`: the same for texts with filling.
# 4. `attention`: section 4, in NumPy.
# 5. `split_heads`: from $(B, T, D)$ to $(B, H, T, K)$.
# 6. `multi_head_attention`: all of it in PyTorch, with gradients that flow.
# 7. `attention_backward`: section 8, checked by numbers.
# 8. `projections_backward`: one input, used three times.
# 9. `attention_multiplications`: what a layer costs, dense and banded.

# %%
grade("05")

# %% [markdown]
# ## 11 · What to read next
#
# - Chapter 06 puts attention into a block, with a feed-forward part, residuals and norms, and builds GPT-1.
# - Vaswani, A. et al. (2017). *Attention Is All You Need.* Sections 3.2 and 3.5. arXiv:1706.03762.
# - Bahdanau, D., Cho, K. & Bengio, Y. (2015). *Neural Machine Translation by Jointly Learning to Align and
#   Translate.* Section 3.1: where the weighted sum comes from. arXiv:1409.0473.
# - Brown, T. et al. (2020). *Language Models are Few-Shot Learners.* Section 2.1. arXiv:2005.14165.
# - Child, R. et al. (2019). *Generating Long Sequences with Sparse Transformers.* Section 4: the banded layers'
#   origin. arXiv:1904.10509.
# - Dao, T. et al. (2022). *FlashAttention.* Section 3.1: attention without storing the weights. arXiv:2205.14135.
# - Jain, S. & Wallace, B. (2019). *Attention is not Explanation.* arXiv:1902.10186.
# - Xiao, G. et al. (2023). *Efficient Streaming Language Models with Attention Sinks.* arXiv:2309.17453.
