# ---
# jupyter:
#   chapter:
#     title: Images
#     question: How can a model that reads text see a picture, and draw one?
#     minutes: 3
#     cell_seconds: 120
#     need:
#       - self-attention, the block and the GPT (chapters 05, 06)
#       - softmax, cross-entropy and bits (chapter 03)
#       - pretraining and fine-tuning (chapters 07, 10)
#     able:
#       - turn a picture into tokens by hand
#       - derive the contrastive loss, and say what it is when nothing is known
#       - put pictures into a GPT in the two published ways, and say what each costs
#       - check that a model looks at the picture at all
#       - let a GPT draw, and judge what it drew by bits, by Bayes' rule and by a classifier
# ---

# %% [markdown]
# ## 1 · The question
#
# GPT-4 reads texts and pictures. How it does so was never published: its report says that it is a Transformer that
# predicts the next token, and that it contains "no further details about the architecture" (OpenAI 2023, section 2). So
# nobody outside can teach you GPT-4. What can be taught is how it *can* be done. There are published designs, and this
# chapter builds them in small:
#
# | | design | source |
# |---|---|---|
# | seeing | a picture as a sentence of patches | ViT: Dosovitskiy et al. (2021) |
# | | pictures and words in one space | CLIP: Radford et al. (2021) |
# | | pictures as tokens among the words | LLaVA: Liu et al. (2023) |
# | | new layers that look at pictures, behind gates | Flamingo: Alayrac et al. (2022) |
# | drawing | pixels as words | iGPT: Chen et al. (2020) |
# | | few learned codes in place of pixels | VQ-VAE: van den Oord et al. (2017) |
# | | text, then codes | DALL·E: Ramesh et al. (2021) |
#
# The text model is minigpt-base, which has never seen a picture. The pictures are 1,797 handwritten digits of 8 × 8
# pixels, so that everything fits into three minutes.

# %%
import dataclasses
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.svm import SVC

from minigpt import plotting
from minigpt.by_hand.operations import contrastive_forward
from minigpt.checkpoint import load_model
from minigpt.config import GPTConfig, TrainingConfig
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import IMAGE, addition_facts, captions, held_out_pairs, questions, sums
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.grading import grade
from minigpt.model import GPT
from minigpt.multimodal import fusion, image_gpt
from minigpt.multimodal.answering import PREPARE, AnswerBatches, answer_loss, collate, share_right, write_answers
from minigpt.multimodal.contrastive import contrastive_loss, recall_at_k
from minigpt.multimodal.image_gpt import ImageTokens, bits_per_dimension, class_log_likelihoods
from minigpt.multimodal.run import FusionConfig, align, build, train
from minigpt.multimodal.vision import PatchEmbedding, VisionConfig, VisionEncoder, as_other_writers
from minigpt.multimodal.vq_vae import (
    VQ_TRAINING,
    Codebook,
    PromptedBatches,
    TextToImage,
    VQVAEConfig,
    reconstruction_error,
    train_vq_vae,
)
from minigpt.tokenizers import CharTokenizer
from minigpt.training.losses import next_token_loss
from minigpt.training.trainer import Trainer

np.set_printoptions(precision=3, suppress=True)
images, validation, test = (digit_images(part) for part in ("train", "validation", "test"))
print(f"{len(images):,} pictures to learn from, {len(validation)} to choose by, {len(test)} to test; "
      f"each is an array of shape {images.pixels[0].shape}, from {images.pixels.min():g} (paper) "
      f"to {images.pixels.max():g} (ink)")  # fmt: skip
first = [int(np.flatnonzero(images.labels == digit)[0]) for digit in range(10)]
plotting.picture_grid(images.pixels[first], list(images.names), "Ten words, and what people write for them")

# %% [markdown]
# In the file each writer's digits stand together, and we divide by the order of the file. So the test part is written
# mostly by other hands than the training part.
#
# ## 2 · A picture as a sentence
#
# A Transformer reads a sequence of vectors. A text gives it one for each token. A picture is a grid of numbers: what is
# its sequence? Taking every pixel for a token makes long sequences, and attention costs the square of the length.
# Dosovitskiy et al. (2021) cut the picture into **patches** of $P \times P$ pixels. Each patch, written as one row of
# numbers, goes through one linear map, the same for all patches:
#
# $$ t_n = W x_n + b + p_n. $$
#
# $p_n$ is a learned vector for the place, as for words: without it, attention could not tell where a patch stood. A
# photograph of 224 × 224 pixels in patches of 16 × 16 becomes $14 \cdot 14 = 196$ tokens.
#
# By hand: a 4 × 4 picture of a seven, cut into four patches of 2 × 2, with $D = 2$. The first row of $W$ asks how much
# ink there is, the second whether there is more ink above than below.

# %%
seven = np.array([[1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=np.float32)
rows = np.stack([seven[top : top + 2, left : left + 2].ravel() for top in (0, 2) for left in (0, 2)])  # (4, 4)
W = np.array([[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, -0.25, -0.25]], dtype=np.float32)
tokens = rows @ W.T
for number, (row, token) in enumerate(zip(rows, tokens), 1):
    print(f"patch {number}: pixels {row.astype(int)}, token {token}")

stem = PatchEmbedding(channels=1, patch_size=2, d_model=2)
with torch.no_grad():
    stem.linear.weight.copy_(torch.from_numpy(W).view(2, 1, 2, 2))
    stem.linear.bias.zero_()
    theirs = stem(torch.from_numpy(seven)[None, None])[0]
assert np.allclose(theirs.numpy(), tokens)
plotting.cut_picture(2 * seven - 1, 2, "A picture of 4 × 4 pixels is a sentence of four tokens")

# %% [markdown]
# The package writes the same as a convolution whose stride is its size, because that is what a convolution is: one
# linear map, applied at many places.

# %%
plotting.show_source(PatchEmbedding)

# %% [markdown]
# The encoder's blocks are the GPT's own. One thing is missing: the causal mask. A picture has no before and after, so
# every patch may look at every other.
#
# There is another way to make the first vectors. A linear map of a whole patch has to learn separately that a stroke in
# the patch's left half and one in its right half are the same stroke. Small **convolutions** know that from the start,
# because they apply one 3 × 3 map at all places. Xiao et al. (2021) put a few of them in front in place of the patches,
# and report steadier training. Section 4 measures both on our pictures.
#
# ## 3 · What a picture has to do with a word
#
# The encoder gives vectors, but vectors that mean nothing yet. CLIP (Radford et al. 2021) teaches it with pairs of
# pictures and texts: make the vectors of a pair similar, and those of all other combinations in the batch less so.
#
# Give all vectors length 1. Then $u \cdot v$ is the cosine of their angle. With a scale $e^\lambda$, the table
# $s_{ij} = e^\lambda\, u_i \cdot v_j$ says how well picture $i$ goes with text $j$. Read row $i$ as the scores of a
# classifier that has to find picture $i$'s text among those of the batch, and take its cross-entropy. Do the same with
# the columns: each text finds its picture. The loss is the mean of both,
#
# $$ L = \tfrac12 \Big( -\frac1B \sum_i \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}
#   -\frac1B \sum_j \log \frac{e^{s_{jj}}}{\sum_i e^{s_{ij}}} \Big). $$
#
# Three pairs by hand:

# %%
table = np.array([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])  # three pictures (rows), three texts (columns)
shares_of_rows = np.exp(table) / np.exp(table).sum(axis=1, keepdims=True)
shares_of_columns = np.exp(table) / np.exp(table).sum(axis=0, keepdims=True)
by_rows, by_columns = (-np.log(np.diag(shares)).mean() for shares in (shares_of_rows, shares_of_columns))
print("pictures choose texts, row by row:", *np.round(shares_of_rows, 2).tolist(), sep="\n  ")
print(f"loss of the rows {by_rows:.3f}, of the columns {by_columns:.3f}, mean {(by_rows + by_columns) / 2:.3f} nats")
table_again = torch.from_numpy(table)
assert math.isclose(F.cross_entropy(table_again, torch.arange(3)).item(), by_rows)
assert math.isclose(F.cross_entropy(table_again.T, torch.arange(3)).item(), by_columns)

# %% [markdown]
# Picture 2 likes two texts equally well, and its row costs most. If *all* scores are equal, every choice has the
# probability $1/B$, and the loss is $\log B$: the value to expect before training. A batch of 128 begins near
# $\log 128 = 4.85$; a loss that stays there has learned nothing.
#
# Our batches have a twist. There are only ten words, so of 128 pictures a dozen show a seven, and all belong to the
# same word. With *several* right answers, the wanted distribution is uniform over them (Khosla et al. 2020, equation
# 2). `minigpt` has this loss twice, in PyTorch and by hand, with the gradient derived there.

# %%
generator = torch.Generator().manual_seed(0)
seen, said = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (5, 3))
shown, meant = torch.tensor([0, 2, 2, 1, 0]), torch.arange(3)  # five pictures of three words
log_scale = torch.tensor(math.log(5.0), dtype=torch.float64)
ours = contrastive_loss(seen, said, log_scale, shown, meant)
by_hand, _ = contrastive_forward(seen.numpy(), said.numpy(), log_scale.numpy(), (shown[:, None] == meant).numpy())
same = torch.ones(6, 4, dtype=torch.float64)
print(f"five pictures, three words: {ours:.4f} nats, by hand {by_hand:.4f}; "
      f"six pairs that are all alike: {contrastive_loss(same, same, log_scale):.4f} = log 6")  # fmt: skip
assert abs(ours.item() - by_hand) < 1e-9
assert abs(contrastive_loss(same, same, log_scale).item() - math.log(6)) < 1e-9
plotting.show_source(contrastive_loss)

# %% [markdown]
# ## 4 · An encoder learns ten words
#
# CLIP trains a text encoder together with the picture's. We keep minigpt-base as it is, and take its own vectors of the
# words " zero" to " nine". What is learned: the picture's encoder, and one matrix on each side into a common space.
#
# 1,100 pictures are few. So each time a picture is used, it is moved, turned, thickened and blurred a little, as other
# people might have written it.

# %%
gpt, tokenizer = load_model("minigpt-base", "cpu")
base, _ = load_model("minigpt-base", "cpu")  # to compare with later
print(f"minigpt-base: {gpt.n_parameters():,} parameters, width {gpt.config.d_model}")
varied = as_other_writers(torch.from_numpy(images.pixels[[first[7]] * 9]), torch.Generator().manual_seed(0))
plotting.picture_grid([images.pixels[first[7]], *varied.clamp(-1, 1)], ["as it is"] + [""] * 9,
                      "One seven, and nine that other people might have written")  # fmt: skip

# %%
items = {"image": (list(images.pixels), images.labels)}


def settings(steps, batch_size=64, learning_rate=2e-3):
    return TrainingConfig(steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.05,
                          warmup_steps=20, precision="float32")  # fmt: skip


def embedded(aligner, pictures):
    """Vectors of pictures and of the ten words in the common space."""
    with torch.no_grad():
        both = aligner({"image": torch.from_numpy(pictures.pixels), "text": torch.arange(10)})
    return both["image"], both["text"]


def aligned(stem, steps):
    torch.manual_seed(1)
    encoder = VisionEncoder(VisionConfig(stem=stem))
    return align({"image": encoder}, gpt, tokenizer, items, images.names, settings(steps, 128, 3e-3))


def share_found(aligner, pictures):
    """How often a picture is most similar to its own word."""
    seen, words = embedded(aligner, pictures)
    return (seen @ words.T).argmax(dim=1).eq(torch.from_numpy(pictures.labels)).double().mean().item()


aligners = {(stem, steps): aligned(stem, steps) for stem in ("patch", "conv") for steps in (30, 250)}
found = {run: share_found(aligner, validation) for run, aligner in aligners.items()}
for (stem, steps), share in found.items():
    print(f"{stem:5} {steps:3} updates: {share:.1%} of the validation pictures find their word")
assert min(found["patch", 250], found["conv", 250]) > 0.9
assert abs(found["patch", 250] - found["conv", 250]) < 0.06  # not enough to choose by
aligner = aligners["patch", 250]

# %% [markdown]
# Patches or convolutions: at these sizes we see no difference that one run with 250 validation pictures could show.
# That is no objection to the paper, whose pictures and models are far larger. We go on with the patches, which cost
# half the arithmetic.
#
# On the test part, and in both directions: does a picture find its word, and does a word find pictures that show it?

# %%
seen, words = embedded(aligner, test)
labels = torch.from_numpy(test.labels)
to_word = recall_at_k(seen @ words.T, labels[:, None] == torch.arange(10), 1)
to_pictures = recall_at_k(words @ seen.T, torch.arange(10)[:, None] == labels, 1)
print(f"test part: {to_word:.1%} of the pictures find their word; "
      f"for {to_pictures:.0%} of the words the most similar picture is right")  # fmt: skip
assert to_word > 0.85
similar = torch.stack([(seen[labels == digit] @ words.T).mean(dim=0) for digit in range(10)])
assert (similar.argmax(dim=1) == torch.arange(10)).all()
plotting.heat_map(similar.numpy(), test.names, test.names, ("what the pictures show", "word", "mean cosine"),
                  "Each digit's pictures lie nearest to their own word", diverging=True)  # fmt: skip

# %% [markdown]
# This is a classifier whose classes are words. CLIP's surprise was that it also works for words that never were
# classes, because it was trained on 400 million pictures with their captions. Ours knows ten words, and was taught all
# ten.
#
# From here on the encoder is **frozen**: it does not learn any more.
#
# ## 5 · Why a GPT can read a vector that is no word
#
# Look at what a GPT does with an id: it takes a row of a table, and adds the row for the position. After that line ids
# are gone. The blocks get vectors, and nobody in there asks where they came from. So here is a sentence whose third
# token is no word at all, but lies half-way between two:

# %%
ids = torch.tensor([tokenizer.encode("The cat slept on")])
with torch.no_grad():
    vectors = gpt.embed(ids)
    assert torch.equal(gpt.to_logits(gpt.encode(vectors)), gpt(ids))  # embed, then the blocks: that is the model
    between = vectors.clone()
    between[0, 1] = (vectors[0, 1] + vectors[0, 2]) / 2
    next_words = gpt.to_logits(gpt.encode(between))[0, -1].softmax(dim=0)
print(f"a token between “{tokenizer.decode([ids[0, 1].item()])}” and “{tokenizer.decode([ids[0, 2].item()])}”: "
      f"the probabilities add up to {next_words.sum():.4f}; the likeliest next token is "
      f"“{tokenizer.decode([int(next_words.argmax())])}”")  # fmt: skip

# %% [markdown]
# It reads it, and goes on. That is LLaVA's whole idea: give the GPT vectors of a picture where words' vectors would
# stand, and train until it understands them. Two parts are needed.
#
# A **placeholder**: `<|image|>` in the text says where the picture stands. It becomes as many ids as the picture has
# tokens, with an id above the vocabulary, which no text can contain and no sampling can draw.
#
# A **projector**: the encoder's vectors have 96 numbers, the GPT's 160. LLaVA took one matrix; LLaVA-1.5 (Liu et al.
# 2024) two with a bend between them, which we use. Models with many patches also merge four neighbouring tokens into
# one, "pixel shuffle", or let a fixed number of learned queries read them, the "resampler".

# %%
def fused(**parts):
    """minigpt-base and the aligned, frozen encoder, joined."""
    torch.manual_seed(1)
    gpt, _ = load_model("minigpt-base", "cpu")
    model = build(gpt, FusionConfig(image=aligner.encoders["image"].config, **parts))
    model.encoders["image"].load_state_dict(aligner.encoders["image"].state_dict())
    model.encoders["image"].requires_grad_(False)
    return model.eval()


llava = fused(fusion="projected", projector="mlp")
example = captions(test[:1])[0]
batch = collate(llava, tokenizer, [example])
n_words = gpt.config.vocab_size
pieces = [IMAGE if token >= n_words else tokenizer.decode([token]) for token in batch.ids[0].tolist()]
print(" | ".join(pieces))
print("answer wanted:", repr(example.answer))
with torch.no_grad():
    seeing = llava.seeing(batch.media)
    embedding = seeing.embed(batch.ids)[0]  # (T, D)
    features = llava.projectors["image"](llava.encoders["image"](batch.media["image"].items))[0]  # (4, D)
    places = llava.gpt.position_embedding(torch.arange(batch.ids.shape[1]))
    of_words = llava.gpt.token_embedding(batch.ids[0, 4:])
assert torch.equal(embedding, torch.cat([features, of_words]) + places)
print(f"{len(features)} vectors of the picture, {len(of_words)} of words: {tuple(embedding.shape)} enter the blocks")
plotting.show_source(fusion.ProjectedGPT.embed)

# %% [markdown]
# ## 6 · LLaVA: it describes and answers
#
# The loss is that of chapter 12: cross-entropy of the answer's tokens only; the prompt and the picture are given. LLaVA
# trains in two stages: first the projector alone, then projector and language model, with the encoder frozen in both
# (Liu et al. 2023, section 4.2). On our small task the second stage alone is enough, and we give it captions and three
# kinds of questions.

# %%
def draw(generator, n):
    """Fresh examples: half captions, half questions."""
    chosen = images[generator.integers(len(images), size=n // 2)]
    asked = questions(images[generator.integers(len(images), size=n - n // 2)])
    return captions(chosen) + [asked[3 * index + int(kind)]
                               for index, kind in enumerate(generator.integers(3, size=n - n // 2))]  # fmt: skip


def teach(model, steps):
    losses = []
    train(model, tokenizer, draw, settings(steps, 48), on_step=lambda report: losses.append(report.loss))
    return losses


losses = {"LLaVA: projector and GPT": teach(llava, 60)}
test_captions, test_questions = captions(test), questions(test)
for prompt in (0, 1, 2):
    asked = test_questions[prompt::3]
    print(f"{asked[0].prompt.removeprefix(IMAGE):16} {share_right(llava, tokenizer, asked):6.1%}")
right = {"LLaVA": share_right(llava, tokenizer, test_captions)}
print(f"{'a handwritten …':16} {right['LLaVA']:6.1%}")
assert right["LLaVA"] > 0.85

# %%
some = np.linspace(0, len(test) - 1, 10).astype(int)
written = write_answers(llava, tokenizer, [test_captions[index] for index in some])
even = write_answers(llava, tokenizer, [test_questions[3 * index + 1] for index in some])
big = write_answers(llava, tokenizer, [test_questions[3 * index + 2] for index in some])
said = [f"{word.strip()}\n{parity.strip()}, >4: {size.strip()}" for word, parity, size in zip(written, even, big)]
plotting.picture_grid(test.pixels[some], said, "What LLaVA in small writes under digits of other people")

# %% [markdown]
# ### Does it look?
#
# A model can be right without looking: if most answers are "yes", it learns to say "yes". So take the pictures away.
# Give each question the picture of *another* example. A model that looks must fall to chance; one that does not look
# keeps its score.

# %%
turned = np.random.default_rng(5).permutation(len(test))
chance = np.mean(test.labels == test.labels[turned])
swapped = [dataclasses.replace(example, images=test_captions[other].images)
           for example, other in zip(test_captions, turned)]  # fmt: skip
without = share_right(llava, tokenizer, swapped)
odd = [dataclasses.replace(test_questions[3 * index + 1], images=test_captions[other].images)
       for index, other in enumerate(turned)]  # fmt: skip
odd_share, odd_chance = share_right(llava, tokenizer, odd), np.mean(test.labels % 2 == test.labels[turned] % 2)
print(f"captions, pictures shuffled: {without:.1%} right; the shuffled picture shows the same digit in {chance:.1%}")
print(f"even or odd, shuffled:       {odd_share:.1%} right; the same parity in {odd_chance:.1%}")
assert abs(without - chance) < 0.05 and abs(odd_share - odd_chance) < 0.06

# %% [markdown]
# The score falls to what coincidence gives. Whatever number you read about a model that sees, ask for this one beside
# it. And where does it look? The last token of the prompt is the one that writes the answer. Here are the weights with
# which it listens, layer by layer. The picture's four tokens are its four quarters.

# %%
with torch.no_grad():
    collected = []
    seeing = llava.seeing(batch.media)
    seeing.encode(seeing.embed(batch.ids), collected=collected)
last = len(pieces) - 2  # the last token of the prompt; the answer's follows
listened = torch.stack([weights[0, :, last, : last + 1].mean(dim=0) for weights in collected]).numpy()
on_picture = listened[:, :4].sum(axis=1)
print("share of attention on the picture, by layer:", on_picture)
names = ["upper left", "upper right", "lower left", "lower right", *pieces[4 : last + 1]]
plotting.listening(listened, names, f"Up to {on_picture.max():.0%} of a layer's attention goes to the picture")

# %% [markdown]
# Means over heads and one example; and as in chapter 10, weights show where information could have come from. The proof
# that the picture is used is the shuffling above.
#
# ## 7 · Flamingo: it looks through gates
#
# LLaVA changes the language model. Alayrac et al. (2022) wanted to keep a large, expensive one exactly as it was. In
# Flamingo the text stays a text; one mark says where a picture stood. Between the frozen blocks stand new layers that
# let the text look at the picture, by **cross-attention**: queries from the text, keys and values from the picture,
#
# $$ h \leftarrow h + \tanh(\alpha) \cdot \mathrm{CrossAttention}(h, \text{picture}), \qquad
#    h \leftarrow h + \tanh(\beta) \cdot \mathrm{FeedForward}(h). $$
#
# $\alpha$ and $\beta$ are single numbers that start at 0, and $\tanh 0 = 0$. So the new model begins as the old one:
# not nearly, but bit for bit.

# %%
plotting.show_source(fusion.GatedCrossAttention)
flamingo = fused(fusion="cross-attention", projector="resampler", every=2, train_text=False)
gated_batch = collate(flamingo, tokenizer, [example])
with torch.no_grad():
    seeing = flamingo.seeing(gated_batch.media)
    embedding = seeing.embed(gated_batch.ids)
    through = flamingo.to_logits(seeing.encode(embedding))
    plain = base.to_logits(base.encode(embedding))
assert torch.equal(through, plain)
print(f"with a picture before it and all gates at 0: {through.numel():,} logits, all the same bits as minigpt-base's")

# %% [markdown]
# Why does anything learn, if the gate is closed? With $y = x + \tanh(\alpha) f$ and an upstream gradient $g$,
#
# $$ \frac{\partial L}{\partial \alpha} = (1 - \tanh^2 \alpha) \sum g \cdot f, \qquad
#    \frac{\partial L}{\partial f} = \tanh(\alpha)\, g. $$
#
# At $\alpha = 0$ the second is 0, the first is not. So the gate moves first, and what stands behind it begins to learn
# once the gate is ajar. (The gates get ten times the learning rate here: they are single numbers.)

# %%
loss, _ = answer_loss(flamingo, gated_batch)
loss.backward()
look = flamingo.gpt.blocks[0].look
behind = look.attention.query.weight.grad.abs().max().item()
print(f"before the first update: gradient of the gate {look.attention_gate.grad.item():.4f}, "
      f"largest gradient of the queries behind it {behind:.4f}")  # fmt: skip
assert look.attention_gate.grad.item() != 0 and behind == 0
flamingo.zero_grad(set_to_none=True)

losses["Flamingo: new layers, GPT frozen"] = teach(flamingo, 150)
right["Flamingo"] = share_right(flamingo, tokenizer, test_captions)
gates = [f"{gate.tanh().item():+.2f}" for name, gate in flamingo.named_parameters() if name.endswith("attention_gate")]
print(f"captions of the test part: {right['Flamingo']:.1%}; tanh of the attention's gates: {', '.join(gates)}")
assert right["Flamingo"] > 0.75 and all(float(gate) != 0 for gate in gates)

# %% [markdown]
# With several pictures in one text, a token may look at the *latest* picture before it, and at no other (section 2.3
# there). Earlier pictures still reach it, through the tokens that stood between. Each picture costs the text one mark;
# in LLaVA it costs as many tokens as it has patches, and all of them are read by every layer.
#
# ## 8 · What was learned, and what was forgotten
#
# A third model for comparison: LLaVA's first stage, in which the projector alone learns and the GPT is frozen.

# %%
stage_one = fused(fusion="projected", projector="mlp", train_text=False)
losses["LLaVA: projector alone"] = teach(stage_one, 60)
right["projector alone"] = share_right(stage_one, tokenizer, test_captions)
print(f"captions of the test part: {right['projector alone']:.1%}")
after = [f"{np.mean(values[55:60]):.1f}" for values in losses.values()]
print("loss after 60 updates, in nats:", ", ".join(f"{name} {loss}" for name, loss in zip(losses, after)))
assert right["projector alone"] < min(right["LLaVA"], right["Flamingo"]) - 0.2
plotting.curves_by_step(losses, "loss of the answer (nats per token)",
                        f"After 60 updates: {after[0]}, {after[1]} and {after[2]} nats")  # fmt: skip

# %% [markdown]
# The whole GPT learns fastest: it can bend every layer to the new kind of token. Flamingo's new layers begin behind a
# closed gate and get there later; we gave them 150 updates. The projector alone has one place to act: it must find, for
# each picture, vectors that a GPT which was never told about pictures already reads as the right word. LLaVA's first
# stage does just this, with a far larger GPT and half a million pictures. Here it gets part of the way.
#
# Now the other side of the account. All three began as minigpt-base, which was trained to write texts of the small
# world of chapter 03. Can they still? We measure the loss per token on documents that none of them has seen, without
# any picture.

# %%
documents = [document.text for document in TinyWorld("test").documents(40, seed=14)]


@torch.no_grad()
def text_loss(model):
    """Mean loss of the next token on the documents, in nats."""
    total = count = 0.0
    for document in documents:
        ids = torch.tensor([tokenizer.encode(document)[: model.config.context_length]])
        total += F.cross_entropy(model(ids)[0, :-1], ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    return total / count


kept = {"minigpt-base": text_loss(base), "LLaVA": text_loss(llava.gpt), "Flamingo": text_loss(flamingo.gpt),
        "projector alone": text_loss(stage_one.gpt)}  # fmt: skip
trained = {name: sum(p.numel() for p in model.parameters() if p.requires_grad)
           for name, model in (("LLaVA", llava), ("Flamingo", flamingo), ("projector alone", stage_one))}  # fmt: skip
for name, loss in kept.items():
    print(f"{name:16} text loss {loss:.3f} nats; captions {right.get(name, 0):6.1%}; {trained.get(name, 0):9,} trained")
assert kept["Flamingo"] == kept["projector alone"] == kept["minigpt-base"]
assert kept["LLaVA"] > kept["minigpt-base"] + 0.5
rise = kept["LLaVA"] - kept["minigpt-base"]
plotting.learned_and_kept({name: (right.get(name, 0.0), loss) for name, loss in kept.items()},
                          f"LLaVA's text loss rose by {rise:.1f} nats; a frozen GPT forgets nothing")  # fmt: skip

# %% [markdown]
# | | LLaVA | Flamingo |
# |---|---|---|
# | where the picture is | among the text's tokens | beside the text |
# | new parts | a projector | a resampler and gated layers |
# | the language model | learns too (second stage) | frozen |
# | at the start | reads noise where the picture stands | bit for bit the old model |
# | one picture costs | N tokens in every layer | a mark, and cross-attention in the new layers |
# | old skills | must be watched; mix old text into the training | kept without a picture, by construction |
#
# A few dozen updates on captions made LLaVA's GPT a worse writer. That is **forgetting**. Remedies: freeze, as here;
# train fewer weights (LoRA, chapter 13); or mix text into every batch. Flamingo's promise has a limit, too: it holds as
# long as there is no picture. After one, the gates are open.
#
# ## 9 · Two pictures and a sum
#
# Can what a model knows from *text* be used on what it *sees*? Two pictures of digits, and the question is their sum.
# Ten pairs of digits are held out (in both orders): no two pictures of such a pair are ever shown with their sum. As
# text, `3+6=9`, all sums are known.
#
# Two ways to answer. **Directly**: the sum alone. Or **written out**: first what is seen, " 3+6=", then the sum. To
# train two models quickly, we take a new, small GPT that reads characters, and the same frozen encoder.

# %%
characters = CharTokenizer.train("0123456789+=sum: a handwritten" + "\n".join(images.names))
held_out, rest = held_out_pairs(np.random.default_rng(1))


def pick(pairs, n, generator):
    return [pairs[index] for index in generator.integers(len(pairs), size=n)]


def adder(direct):
    """A small model that learns sums of two pictures, captions, and sums as text beside pictures that do not matter."""

    def draw(generator, n):
        shown = sums(images, pick(rest, n // 2, generator), generator, direct)
        named = captions(images[generator.integers(len(images), size=n // 8)])
        facts = pick(held_out + rest, n - n // 2 - n // 8, generator)
        return shown + named + addition_facts(facts, images, generator)

    torch.manual_seed(1)
    small = GPT(GPTConfig(characters.vocab_size, 48, n_layers=2, n_heads=4, d_model=64, dropout=0.0))
    model = build(small, FusionConfig(image=aligner.encoders["image"].config))
    model.encoders["image"].load_state_dict(aligner.encoders["image"].state_dict())
    model.encoders["image"].requires_grad_(False)
    batches = AnswerBatches(model, characters, draw, PREPARE, batch_size=64)
    Trainer(model, answer_loss, batches, settings(300, learning_rate=3e-3)).run()
    return model.eval()


def measured(model, direct):
    """Right answers on unseen pictures of held-out pairs and of the others, and on held-out sums as text."""
    generator = np.random.default_rng(99)
    shown = [share_right(model, characters, sums(test, pick(pairs, 300, generator), generator, direct))
             for pairs in (held_out, rest)]  # fmt: skip
    return (*shown, share_right(model, characters, addition_facts(held_out)))


print(f"held out: {', '.join(f'{a}+{b}' for a, b in held_out[::2])}, and the other way round")
by_way = {}
for way, direct in (("directly", True), ("written out", False)):
    by_way[way] = measured(adder(direct), direct)
    print(f"{way:12} held-out pairs {by_way[way][0]:6.1%}, other pairs {by_way[way][1]:6.1%}, "
          f"held-out sums as text {by_way[way][2]:6.1%}")  # fmt: skip
assert by_way["directly"][2] > 0.9 and by_way["directly"][0] < 0.15
assert by_way["written out"][0] > by_way["directly"][0] + 0.4

# %% [markdown]
# Both know all sums as text. Asked directly, the model can hardly use them on pictures: nothing in its training ever
# joined those two pictures to that sum, and inside one pass of two layers it would have to read both digits first and
# add them afterwards. Even the pairs that it was shown are mostly beyond it in so few updates. Written out, the task
# falls apart into steps that it knows: name the first digit, name the second, continue "3+6=" as in the text. Each
# token that it writes is read again by all layers, so the writing is its scratch paper.
#
# This is the small relative of "think step by step" (Kojima et al. 2022). One detail matters: the facts stand beside
# pictures that have nothing to do with them. Where they stand alone, after no picture, fewer of the held-out sums come
# out right: the model can learn that such sums belong to texts *without* pictures. `benchmarks/fusion.py` measures both
# (its rows `sums` and `sums-written`), and the project's README has the figures.
#
# ## 10 · Drawing: pixels are words
#
# A GPT is a model of sequences. Read a picture row by row, round each pixel to one of 17 grey levels, and let each
# level be a token: a picture is a text of 64 words in a language of 17. By the chain rule, its probability is
#
# $$ p(x) = p(x_1)\, p(x_2 \mid x_1) \cdots p(x_{64} \mid x_1 \dots x_{63}), $$
#
# exactly as for a sentence. Chen et al. (2020) trained a GPT-2 on that and called it iGPT.
#
# By hand, on a 2 × 2 picture of black and white: the first pixel is black or white with probability 1/2, each later one
# is like the one before it with probability 3/4. The probabilities of all 16 pictures add up to 1, because each factor
# does. And a probability is a length: a picture of probability $p$ takes $-\log_2 p$ bits to write down. Divided by the
# number of pixels, these are **bits per dimension**.

# %%
def toy_probability(picture):
    p = 0.5
    for before, pixel in itertools.pairwise(picture):
        p *= 0.75 if pixel == before else 0.25
    return p


every = {picture: toy_probability(picture) for picture in itertools.product((0, 1), repeat=4)}
for picture in ((1, 1, 0, 0), (0, 0, 0, 0), (0, 1, 0, 1)):
    p = every[picture]
    print(f"{picture[:2]} / {picture[2:]}: probability {p:.4f}, {-math.log2(p):.2f} bits, "
          f"{-math.log2(p) / 4:.2f} per pixel")  # fmt: skip
average = sum(-p * math.log2(p) for p in every.values()) / 4
print(f"all {len(every)} add up to {sum(every.values())}; on average {average:.3f} bits per pixel, without a model 1")
assert sum(every.values()) == 1.0 and average < 1

# %% [markdown]
# Now the real thing. One token in front says which digit it is, so that we can ask for one (iGPT itself had none). A
# small GPT, because time is short.

# %%
pixel_tokens = ImageTokens()
sequence = pixel_tokens.encode(test.pixels[:1], test.labels[:1])
print(f"{pixel_tokens.n_levels} levels, {pixel_tokens.n_classes} digits, one start: {pixel_tokens.vocab_size} ids; "
      f"the first picture begins {sequence[0, :12].tolist()}")  # fmt: skip
exact = pixel_tokens.decode(pixel_tokens.encode(test.pixels))
assert np.allclose(exact.numpy(), test.pixels)  # 17 levels are all that these pictures have: nothing is lost
painter = image_gpt.train_image_gpt(
    pixel_tokens, images, config=image_gpt.image_gpt_config(pixel_tokens, n_layers=2, d_model=64),
    training=dataclasses.replace(image_gpt.IMAGE_TRAINING, steps=260, learning_rate=3e-3))  # fmt: skip
told = bits_per_dimension(painter, pixel_tokens, test.pixels, test.labels)
untold = bits_per_dimension(painter, pixel_tokens, test.pixels)
levels = pixel_tokens.encode(images.pixels)[:, 1:]
frequency = torch.bincount(levels.flatten(), minlength=17) / levels.numel()
code = -frequency.clamp(min=1e-12).log2()
alone = code[pixel_tokens.encode(test.pixels)[:, 1:]].mean().item()
print(f"bits per pixel of the test part: {math.log2(17):.2f} knowing nothing, {alone:.2f} by how common each level is, "
      f"{untold:.2f} by the model, {told:.2f} if it is told the digit")  # fmt: skip
assert told < untold < alone < math.log2(17)

# %% [markdown]
# Being told the digit saves a little on each of 64 pixels. Sampling is what it was for texts: draw a pixel, append it,
# go on. To judge drawings we need a judge who is not the painter: a support-vector machine, trained on the real
# training pictures.

# %%
judge = SVC(C=10, gamma=0.01).fit(images.pixels.reshape(len(images), -1), images.labels)
judge_right = judge.score(test.pixels.reshape(len(test), -1), test.labels)


def recognised(pictures, labels):
    """Share of drawings that the judge takes for what they should show."""
    return float(np.mean(judge.predict(np.asarray(pictures).reshape(len(pictures), -1)) == labels))


asked = np.repeat(np.arange(10), 10)
drawn = image_gpt.draw(painter, pixel_tokens, asked)
share = recognised(drawn, asked)
print(f"the judge: {judge_right:.1%} right on real test pictures, {share:.0%} on 100 drawings")
assert judge_right > 0.9 and share > 0.7
plotting.picture_rows({test.names[digit]: drawn[asked == digit] for digit in range(10)},
                      f"Pixel by pixel: the judge recognises {share:.0%} of these drawings")  # fmt: skip

# %%
known = torch.from_numpy(images.pixels).flatten(1)
distance, between = (torch.cdist(pictures.flatten(1), known).min(dim=1).values
                     for pictures in (drawn, torch.from_numpy(test.pixels)))  # fmt: skip
print(f"distance to the nearest training picture, median: drawings {distance.median():.2f}, "
      f"real test pictures {between.median():.2f}; copies among the drawings: {(distance < 1e-3).sum()}")  # fmt: skip
assert (distance > 1e-3).all()

# %% [markdown]
# None is a copy. And the model can finish what somebody else began. Keep the upper half of a test picture, do not tell
# the digit, and draw the rest three times:

# %%
chosen = [int(np.flatnonzero(test.labels == digit)[3]) for digit in range(10)]
halves = test.pixels[chosen].copy()
kept_rows = {"real": test.pixels[chosen]}
halves[:, :, 4:] = -1
kept_rows["given"] = halves
for number in range(3):
    sampling = dataclasses.replace(image_gpt.SamplingConfig(), seed=number + 1)
    kept_rows[f"finished {number + 1}"] = image_gpt.complete(painter, pixel_tokens, test.pixels[chosen], 4,
                                                             sampling=sampling)  # fmt: skip
assert all(np.allclose(kept_rows[f"finished {n}"][:, :, :4], halves[:, :, :4]) for n in (1, 2, 3))
plotting.picture_rows(kept_rows, "Half a picture leaves open what the other half is")

# %% [markdown]
# ### The painter as a judge
#
# The model gives $p(\text{picture} \mid \text{digit})$ for all ten digits. Bayes' rule turns that round:
#
# $$ p(\text{digit} \mid \text{picture}) = \frac{p(\text{picture} \mid \text{digit})\, p(\text{digit})}
#    {\sum_c p(\text{picture} \mid c)\, p(c)}. $$
#
# Nobody trained a classifier here. The likelihoods are products of 64 factors, around $e^{-80}$, so we stay with
# logarithms, and subtract the largest before `exp`.

# %%
log_likelihoods = class_log_likelihoods(painter, pixel_tokens, test.pixels).numpy()
prior = np.bincount(images.labels) / len(images)
scores = log_likelihoods + np.log(prior)
beliefs = np.exp(scores - scores.max(axis=1, keepdims=True))
beliefs /= beliefs.sum(axis=1, keepdims=True)
by_bayes = np.mean(beliefs.argmax(axis=1) == test.labels)
print(f"median log-likelihood of the right digit: {np.median(log_likelihoods[np.arange(len(test)), test.labels]):.0f} "
      f"nats; {by_bayes:.1%} of the test pictures recognised by Bayes' rule")  # fmt: skip
assert by_bayes > 0.85
doubtful = np.argsort(beliefs.max(axis=1))[:5]
plotting.pictures_and_beliefs(test.pixels[doubtful], beliefs[doubtful], test.names,
                              "The five test pictures of which the painter is least sure")  # fmt: skip

# %% [markdown]
# ## 11 · Fewer, better words for pictures
#
# Pixel by pixel does not scale: a photograph of 256 × 256 has 65,536 pixels. A **VQ-VAE** (van den Oord et al. 2017)
# learns a vocabulary for pictures. An encoder shrinks the picture to a small grid of vectors; each is replaced by the
# nearest of $K$ learned **codes**; a decoder draws the picture again from the codes. What is left of a picture is a
# grid of whole numbers: tokens. Ours: 8 × 8 pixels become 4 × 4 codes, each one of 64.
#
# By hand, with three codes in the plane:

# %%
codes = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
vector = torch.tensor([[0.9, 0.2]], requires_grad=True)
distances = ((vector - codes) ** 2).sum(dim=1)
book = Codebook(3, 2, decay=0.98).eval()
book.vectors.copy_(codes)
chosen_code, number = book(vector)
print(f"squared distances {[round(d, 2) for d in distances.tolist()]}: code {number.item()} is nearest, "
      f"{vector[0].tolist()} becomes {chosen_code[0].tolist()}")  # fmt: skip
assert number.item() == distances.argmin().item() == 1

upstream = torch.tensor([[3.0, -2.0]])
(chosen_code * upstream).sum().backward()
print(f"gradient that arrives at the code: {upstream[0].tolist()}; at the vector: {vector.grad[0].tolist()}")
assert torch.equal(vector.grad, upstream)

# %% [markdown]
# "Take the nearest" has no useful gradient: move the vector a little, and the same code comes out, so the derivative is
# 0. The **straight-through** trick writes $z_q = z + \mathrm{sg}(e - z)$. Its value is the code $e$.
# $\mathrm{sg}$ stops the gradient, so $z$ gets the gradient of $z_q$, unchanged. That is not a derivative of anything.
# It is a guess: what would have helped the code would help the vector.
#
# The codes need their own rule: each moves towards the mean of the vectors that chose it (appendix A.1 there).

# %%
plotting.show_source(Codebook.forward)
vq_vae = train_vq_vae(images, config=VQVAEConfig(width=32),
                      training=dataclasses.replace(VQ_TRAINING, steps=400))  # fmt: skip
real = torch.from_numpy(test.pixels)
grid = vq_vae.encode_codes(real)
error, spread = reconstruction_error(vq_vae, real), real.var().item()
print(f"one test picture as codes:\n{grid[0].view(4, 4).numpy()}")
print(f"mean squared error of a pixel: {error:.3f}, their variance is {spread:.3f}; "
      f"{len(grid.unique())} of 64 codes in use")  # fmt: skip
again = vq_vae.decode_codes(grid)
print(f"after the detour through 16 codes the judge recognises {recognised(again, test.labels):.1%} of the test part")
assert error < 0.2 * spread and recognised(again, test.labels) > 0.85
plotting.picture_rows({"picture": test.pixels[chosen], "from 16 codes": again[chosen]},
                      f"Sixteen codes keep {1 - error / spread:.0%} of the pixels' variance")  # fmt: skip

# %% [markdown]
# 64 pixels of 17 levels are $64 \cdot 4.09 = 262$ bits at most; 16 codes of 64 are $16 \cdot 6 = 96$.
#
# ## 12 · From a text to a picture
#
# All the parts are there. Put a text and the codes of its picture into one sequence, and train a GPT on the next token:
# that is DALL·E 1 (Ramesh et al. 2021). Afterwards give it the text alone, and let it go on; the decoder draws its
# codes. The codes get the lowest ids, the text's characters follow, and in drawing only codes may be drawn.

# %%
letters = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz ")
prompts = ("{}", "a {}", "draw a {}")
longest = max(len(prompt.format(name)) for prompt in prompts for name in images.names)
torch.manual_seed(1)
shape = GPTConfig(TextToImage.vocab_size(letters, vq_vae), longest + vq_vae.config.n_positions - 1, n_layers=2,
                  n_heads=4, d_model=64, dropout=0.1)  # fmt: skip
artist = TextToImage(GPT(shape), letters, vq_vae)
inputs, targets = artist.sequences(["a seven"], grid[:1])
print(f"{shape.vocab_size} ids; “a seven” and its picture: {inputs.shape[1]} tokens to read, "
      f"{(targets >= 0).sum().item()} codes to predict")  # fmt: skip
batches = PromptedBatches(artist, images, vq_vae.encode_codes(torch.from_numpy(images.pixels)).clone(), 64, prompts)
recipe = TrainingConfig(steps=300, batch_size=64, optimizer="muon", learning_rate=3e-3, warmup_steps=30)
Trainer(artist.gpt, next_token_loss, batches, recipe).run()
artist.gpt.eval()
drawn = artist.draw([f"a {images.names[digit]}" for digit in asked])
share = recognised(drawn, asked)
print(f"the judge recognises {share:.0%} of 100 drawings")
assert share > 0.6
plotting.picture_rows({f"“a {test.names[digit]}”": drawn[asked == digit] for digit in range(10)},
                      f"Asked in words: the judge recognises {share:.0%} of these drawings")  # fmt: skip

# %% [markdown]
# Does the text decide, or would any text do? Shuffle the words under the drawings: the judge should agree by chance
# only. And ask for something that the model never learned.

# %%
by_chance = np.mean(judge.predict(drawn.numpy().reshape(100, -1)) == np.random.default_rng(3).permutation(asked))
strange = artist.draw(["a cat"] * 10)
print(f"with the words shuffled: {by_chance:.0%}; "
      f"for “a cat” the judge sees {judge.predict(strange.numpy().reshape(10, -1)).tolist()}")  # fmt: skip
assert by_chance < 0.3
plotting.picture_grid(strange, None, "“a cat”: the artist draws something like digits, since it knows nothing else")

# %% [markdown]
# ## 13 · Where it fails
#
# **Small pictures, ten words.** Everything here is 8 × 8 pixels of one digit. Real models read hundreds or thousands of
# patches. The designs are the same; whether a *finding* carries over, such as how much is forgotten, our sizes cannot
# tell.
#
# **The encoder decides what can be seen.** It was taught ten words, then frozen. Whatever does not help to tell the
# words apart, such as how thick a stroke is, it may drop, and no language model behind it can bring it back.
#
# **One seed.** Each number is of one training run. Differences of a point or two between models are not findings.
#
# **A judge is a model.** "Recognised by a classifier" rewards typical digits. It says nothing about variety: a painter
# who draws ten pictures, always the same, would score 100 %. That is why the distances stand beside it.
#
# **GPT-4.** How GPT-4 reads pictures, whether as tokens, through gates or otherwise, with which encoder and how many
# tokens, has not been published, and these experiments say nothing about it.
#
# **The image models of today.** Diffusion models, which most image generators are built on, are another family, and not
# in this chapter.

# %% [markdown]
# ## 14 · Exercises
#
# Fill in the functions in `exercises.py`, beside this notebook. Each says what it takes and gives, with an example.
# Then run the cell below, or `minigpt grade 14` in a terminal.
#
# 1. `to_patches`: cut a picture.
# 2. `embed_patches`: its tokens.
# 3. `expand_placeholders`: room for pictures in a text.
# 4. `put_features`: LLaVA's step, with gradients.
# 5. `look_mask`: who sees which picture.
# 6. `gated_look`: Flamingo's layer, with the gate's gradient.
# 7. `contrastive_loss`: pictures and words, with several partners.
# 8. `bits_per_pixel`: how well a painter knows its pictures.
# 9. `what_it_shows`: Bayes' rule.
# 10. `nearest_codes`: the straight-through gradient.

# %%
print(grade("14"))

# %% [markdown]
# ## 15 · What to read next
#
# - Dosovitskiy, A. et al. (2021). *An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale.*
#   Section 3.1. arXiv:2010.11929.
# - Xiao, T. et al. (2021). *Early Convolutions Help Transformers See Better.* Section 3. arXiv:2106.14881.
# - Radford, A. et al. (2021). *Learning Transferable Visual Models From Natural Language Supervision* (CLIP). Section
#   2.3 and figure 3. arXiv:2103.00020.
# - Khosla, P. et al. (2020). *Supervised Contrastive Learning.* Equation 2. arXiv:2004.11362.
# - Liu, H. et al. (2023). *Visual Instruction Tuning* (LLaVA). Section 4. arXiv:2304.08485. And (2024) *Improved
#   Baselines with Visual Instruction Tuning* (LLaVA-1.5). arXiv:2310.03744.
# - Alayrac, J.-B. et al. (2022). *Flamingo: a Visual Language Model for Few-Shot Learning.* Section 2.
#   arXiv:2204.14198.
# - Chen, M. et al. (2020). *Generative Pretraining from Pixels* (iGPT). ICML.
# - van den Oord, A. et al. (2017). *Neural Discrete Representation Learning* (VQ-VAE). Section 3. arXiv:1711.00937.
# - Ramesh, A. et al. (2021). *Zero-Shot Text-to-Image Generation* (DALL·E). Section 2. arXiv:2102.12092.
# - Kojima, T. et al. (2022). *Large Language Models are Zero-Shot Reasoners.* arXiv:2205.11916.
# - OpenAI (2023). *GPT-4 Technical Report.* Section 2 says what it does not say. arXiv:2303.08774.
#
# Chapter 15 adds sound.
