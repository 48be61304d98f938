"""Images and sounds in a GPT that reads text: the two published ways, and one that needs neither.

| | how the GPT gets what an encoder sees | source |
|---|---|---|
| `ProjectedGPT` | as tokens among the text's own | LLaVA: Liu et al. (2023) |
| `CrossAttentionGPT` | by new layers between its own, with gates that start at 0 | Flamingo: Alayrac et al. (2022) |
| `product_of_experts` | not at all: predictions of each modality are multiplied | Hinton (2002) |

How GPT-4 reads images was never published.

In a text, a placeholder stands for an item: "<|image|> and <|image|> are", in any number and order. Its id lies above
the tokenizer's ids, so it cannot be written, nor drawn when generating.
"""

import dataclasses
import math
import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from minigpt.config import GPTConfig
from minigpt.datasets.shown import AUDIO, IMAGE
from minigpt.model import GPT, FeedForward, KVCache

PLACEHOLDERS = {"image": IMAGE, "audio": AUDIO}


@dataclass(frozen=True)
class Media:
    """Items of one modality, in the order of their placeholders: row by row, from left to right.

    Attributes:
        items: (n, …) what the encoder reads.
        present: (n,) booleans, False where the item is missing; None if all are there. What stands in `items` there
            is not looked at.
    """

    items: torch.Tensor
    present: torch.Tensor | None = None


# ------------------------------------------------------------------------------------------------ projectors


class LinearProjector(nn.Module):
    """One matrix from the encoder's width to the GPT's. Source: Liu et al. (2023), section 4.1."""

    def __init__(self, n_tokens: int, d_in: int, d_out: int):
        super().__init__()
        self.n_tokens = n_tokens
        self.linear = nn.Linear(d_in, d_out)

    def forward(self, features):
        """(B, N, D_in) -> (B, N, D)."""
        return self.linear(features)


class MLPProjector(nn.Module):
    """Two matrices and a bend. Source: Liu et al. (2024, LLaVA-1.5), section 3.2."""

    def __init__(self, n_tokens: int, d_in: int, d_out: int):
        super().__init__()
        self.n_tokens = n_tokens
        self.up, self.down = nn.Linear(d_in, d_out), nn.Linear(d_out, d_out)

    def forward(self, features):
        """(B, N, D_in) -> (B, N, D)."""
        return self.down(F.gelu(self.up(features), approximate="tanh"))


class PixelShuffleProjector(nn.Module):
    """Four neighbouring tokens become one of four times the width, then one matrix: a quarter of the tokens.

    Source: Shi et al. (2016), section 3.2, the other way round, as in InternVL 1.5 (Chen et al. 2024, section 3.1).
    """

    def __init__(self, n_tokens: int, d_in: int, d_out: int):
        super().__init__()
        self.side = math.isqrt(n_tokens)
        if self.side**2 != n_tokens or self.side % 2:
            raise ValueError(f"n_tokens={n_tokens} must be the square of an even number: 2 × 2 tokens become one")
        self.n_tokens = n_tokens // 4
        self.linear = nn.Linear(4 * d_in, d_out)

    def forward(self, features):
        """(B, N, D_in) -> (B, N/4, D)."""
        grid = features.unflatten(1, (self.side, self.side)).movedim(-1, 1)  # (B, D_in, side, side)
        return self.linear(F.pixel_unshuffle(grid, 2).flatten(2).transpose(1, 2))


class PerceiverResampler(nn.Module):
    """A fixed number of learned queries read the tokens, however many there are.

    Source: Alayrac et al. (2022), section 2.1 and figure 5; one layer, and the queries do not read each other.
    """

    def __init__(self, n_tokens: int, d_in: int, d_out: int, n_latents: int = 4, n_heads: int = 4):
        super().__init__()
        self.n_tokens = n_latents
        heads = next(h for h in range(n_heads, 0, -1) if d_out % h == 0)
        shape = GPTConfig(vocab_size=1, context_length=n_latents, n_layers=1, n_heads=heads, d_model=d_out, dropout=0.0)
        self.latents = nn.Parameter(0.02 * torch.randn(n_latents, d_out))
        self.linear = nn.Linear(d_in, d_out)
        self.norm, self.attention = nn.LayerNorm(d_out), CrossAttention(shape)
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(d_out), FeedForward(shape)

    def forward(self, features):
        """(B, N, D_in) -> (B, n_latents, D), for any N."""
        latents = self.latents.expand(len(features), -1, -1)
        latents = latents + self.attention(self.norm(latents), self.linear(features))
        return latents + self.feed_forward(self.feed_forward_norm(latents))


PROJECTORS = {"linear": LinearProjector, "mlp": MLPProjector, "pixel-shuffle": PixelShuffleProjector,
              "resampler": PerceiverResampler}  # fmt: skip


# ------------------------------------------------------------------------------------------------ cross-attention


class CrossAttention(nn.Module):
    """Attention whose queries come from one sequence, and its keys and values from another.

    Source: Vaswani et al. (2017), section 3.2.3.
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_heads = config.n_heads
        self.query, self.key, self.value, self.output = (nn.Linear(config.d_model, config.d_model) for _ in range(4))

    def forward(self, hidden, media, mask=None, collected=None):
        """Let hidden (B, T, D) read media (B, S, D).

        Args:
            hidden, media: what asks, and what is asked.
            mask: (B, 1, T, S) booleans, True where a query may look; one that may look nowhere gets 0. None: all may.
            collected: a list, to which the weights (B, H, T, S) are appended.
        """
        query, key, value = (x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
                             for x in (self.query(hidden), self.key(media), self.value(media)))  # (B, H, …, K)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, H, T, S)
        if mask is not None:
            # The lowest finite number, not -inf: a softmax over nothing would be NaN. The mask then makes it 0.
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=-1)
        if mask is not None:
            weights = weights * mask
        if collected is not None:
            collected.append(weights)
        mixed = self.output((weights @ value).transpose(1, 2).flatten(2))  # (B, T, D)
        return mixed if mask is None else mixed * mask.any(dim=-1).transpose(1, 2)  # (B, T, 1): the bias, too


class GatedCrossAttention(nn.Module):
    """A layer that stands before one of the GPT's own and lets the text look at the media.

        hidden ← hidden + tanh(α) · cross-attention(norm(hidden), media)
        hidden ← hidden + tanh(β) · feed-forward(norm(hidden))

    The gates α and β start at 0: the GPT then gives exactly what it gave without the layer.

    Source: Alayrac et al. (2022), section 2.2 and figure 4.
    """

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(config.d_model), CrossAttention(config)
        self.feed_forward_norm, self.feed_forward = nn.LayerNorm(config.d_model), FeedForward(config)
        self.attention_gate, self.feed_forward_gate = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def forward(self, hidden, media, mask, collected=None):
        """Hidden (B, T, D), media (B, S, D), mask (B, 1, T, S) -> (B, T, D); who sees no item stays as it is."""
        looks = mask.any(dim=-1).transpose(1, 2)  # (B, T, 1)
        seen = self.attention(self.norm(hidden), media, mask, collected)
        hidden = hidden + self.attention_gate.tanh() * seen
        return hidden + self.feed_forward_gate.tanh() * looks * self.feed_forward(self.feed_forward_norm(hidden))


class _LookThenRead(nn.Module):
    """A gated layer in front of a block of the GPT; in the block's place, by name."""

    def __init__(self, look, block, view):
        super().__init__()
        self.look, self.block = look, block
        self.view = view  # what all of these layers look at now

    def forward(self, hidden, **attention_arguments):
        if self.view.media is not None:
            hidden = self.look(hidden, self.view.media, self.view.mask, self.view.collected)
        return self.block(hidden, **attention_arguments)


@dataclass
class _View:
    media: torch.Tensor | None = None  # (B, S, D)
    mask: torch.Tensor | None = None  # (B, 1, T, S)
    collected: list | None = None


# ------------------------------------------------------------------------------------------------ the two models


class _FusedGPT(nn.Module):
    """What both kinds share: encoders and projectors by modality, and a GPT's seams.

    Args:
        gpt: the text model.
        encoders: {modality: encoder}. An encoder makes (n, N, D_m) of n items, and has `d_model` and `n_tokens`.
        projector: which of `PROJECTORS`; a dictionary gives each modality its own.
    """

    def __init__(self, gpt: GPT, encoders: dict, projector="mlp"):
        super().__init__()
        unknown = encoders.keys() - PLACEHOLDERS.keys()
        if unknown:
            raise ValueError(f"modality {min(unknown)!r} must be one of {', '.join(PLACEHOLDERS)}")
        self.gpt, self.encoders = gpt, nn.ModuleDict(encoders)
        kinds = dict.fromkeys(encoders, projector) if isinstance(projector, str) else projector
        width = gpt.config.d_model
        self.projectors = nn.ModuleDict(
            {name: PROJECTORS[kinds[name]](encoder.n_tokens, encoder.d_model, width)
             for name, encoder in encoders.items()})  # fmt: skip
        # What stands in for a missing item: one learned vector for each of its tokens.
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(0.02 * torch.randn(projector.n_tokens, width))
             for name, projector in self.projectors.items()})  # fmt: skip
        first = gpt.config.vocab_size
        self.placeholder_ids = {name: first + list(PLACEHOLDERS).index(name) for name in encoders}
        self.config = dataclasses.replace(gpt.config, vocab_size=first + len(PLACEHOLDERS))

    @property
    def token_embedding(self):
        """The GPT's."""
        return self.gpt.token_embedding

    def text_parameters(self):
        """The parameters that the text model came with, in its own order."""
        return [parameter for name, parameter in self.gpt.named_parameters() if ".look." not in name]

    def placeholder_tokens(self, name):
        """How many ids stand in a text for one item of this modality."""
        raise NotImplementedError

    def text_ids(self, tokenizer, text):
        """The ids of a text, its placeholders' among them.

        Raises:
            ValueError: for a placeholder of a modality that the model has not.
        """
        for name, word in PLACEHOLDERS.items():
            if word in text and name not in self.encoders:
                raise ValueError(f"the text has {word}, but the model reads no {name}")
        names = {PLACEHOLDERS[name]: name for name in self.encoders}
        if not names:
            return tokenizer.encode(text)
        ids = []
        for piece in re.split("(" + "|".join(map(re.escape, names)) + ")", text):
            if piece in names:
                ids += [self.placeholder_ids[names[piece]]] * self.placeholder_tokens(names[piece])
            else:
                ids += tokenizer.encode(piece)
        return ids

    def features(self, name, media):
        """What the GPT gets of a modality's n items: (n, M, D).

        A missing item gives the learned `absent` vectors, whatever stands in its place: it is not even encoded.
        """
        if media.present is None:
            return self.projectors[name](self.encoders[name](media.items))
        if media.present.shape != media.items.shape[:1]:
            raise ValueError(f"{name}: {len(media.present)} marks of presence for {len(media.items)} items")
        features = self.absent[name].expand(len(media.items), -1, -1).clone()
        if media.present.any():
            there = self.projectors[name](self.encoders[name](media.items[media.present]))
            features[media.present] = there.to(features.dtype)
        return features

    def forward(self, ids, media, padding_mask=None):
        """Logits of the next token.

        Args:
            ids: (B, T), with placeholders.
            media: {modality: `Media`}.
            padding_mask: (B, T) booleans, True for real tokens.
        Returns:
            (B, T, V): no logits for placeholders.
        Raises:
            ValueError: if a modality's placeholders and items do not match in number.
        """
        return self.to_logits(self.hidden(ids, media, padding_mask))

    def hidden(self, ids, media, padding_mask=None):
        """As `forward`, before the logits: (B, T, D)."""
        seeing = self.seeing(media)
        seeing.check(ids)
        return seeing.encode(seeing.embed(ids, self.gpt.positions(ids, padding_mask)), padding_mask)

    def seeing(self, media):
        """The model together with what it is shown, as something that `generate` can continue texts with."""
        wrong = media.keys() - self.encoders.keys()
        if wrong:
            raise ValueError(f"the model reads no {min(wrong)}")
        return Seeing(self, {name: self.features(name, items) for name, items in media.items()})

    def to_logits(self, hidden):
        """As `GPT.to_logits`."""
        return self.gpt.to_logits(hidden)


class ProjectedGPT(_FusedGPT):
    """What an encoder sees becomes tokens of the text: each of an item's M vectors stands where a placeholder stood.

    The GPT itself is unchanged: its attention does not know which tokens were words.

    Source: Liu et al. (2023), section 4.1 and figure 1.
    """

    def placeholder_tokens(self, name):
        """One id for each of the item's vectors."""
        return self.projectors[name].n_tokens

    def embed(self, ids, positions, features):
        """Token or item, plus position: (B, T) ids -> (B, T, D)."""
        words = self.gpt.token_embedding(ids.clamp(max=self.gpt.config.vocab_size - 1))
        for name, vectors in features.items():
            places = ids == self.placeholder_ids[name]  # (B, T)
            if places.any():
                words = words.masked_scatter(places[..., None], vectors.to(words.dtype))
        return words + self.gpt.position_embedding(positions)

    def encode(self, embeddings, padding_mask, cache, collected, features, seen):
        """As `GPT.encode`: everything was said in `embed`."""
        return self.gpt.encode(embeddings, padding_mask, cache, collected)


class CrossAttentionGPT(_FusedGPT):
    """The text stays a text; new layers between the GPT's own look at the items, through gates that start at 0.

    A token looks at the last item of each modality that stands before it (section 2.3 there: the last image).

    Args:
        gpt, encoders, projector: as above; Flamingo's projector is the resampler.
        every: a new layer stands before every so many of the GPT's blocks.
    Source: Alayrac et al. (2022), sections 2.2 and 2.3.
    """

    def __init__(self, gpt: GPT, encoders: dict, projector="resampler", every: int = 1):
        super().__init__(gpt, encoders, projector)
        self.every, self.view = every, _View()
        self.marks = nn.ParameterDict({name: nn.Parameter(torch.zeros(gpt.config.d_model)) for name in encoders})
        for index in range(0, len(gpt.blocks), every):
            look = GatedCrossAttention(gpt.config).to(gpt.token_embedding.weight.device)
            gpt.blocks[index] = _LookThenRead(look, gpt.blocks[index], self.view)

    def placeholder_tokens(self, name):
        """One id marks where an item stands."""
        return 1

    def embed(self, ids, positions, features):
        """Token or mark, plus position: (B, T) ids -> (B, T, D)."""
        words = self.gpt.token_embedding(ids.clamp(max=self.gpt.config.vocab_size - 1))
        for name, mark in self.marks.items():
            words = torch.where((ids == self.placeholder_ids[name])[..., None], mark, words)
        return words + self.gpt.position_embedding(positions)

    def looks(self, ids, media, padding_mask=None):
        """Where the new layers look: for each, the weights (B, H, T, S) over the items' vectors; 0 for other items."""
        self.view.collected = []
        try:
            self.hidden(ids, media, padding_mask)
            return self.view.collected
        finally:
            self.view.collected = None

    def encode(self, embeddings, padding_mask, cache, collected, features, seen):
        """As `GPT.encode`, looking at the items; `seen` has, of each modality, which items each row has and when."""
        parts = [_in_rows(vectors, *seen[name]) for name, vectors in features.items()]
        if parts:
            self.view.media = torch.cat([media for media, _ in parts], dim=1)
            self.view.mask = torch.cat([mask for _, mask in parts], dim=-1)
        try:
            return self.gpt.encode(embeddings, padding_mask, cache, collected)
        finally:
            self.view.media = self.view.mask = None


def _in_rows(vectors, counts, time):
    """Items one after another, (n, M, D), as a table of rows, and who may look at what.

    Args:
        vectors: (n, M, D).
        counts: (B,) items of each row.
        time: (B, T) items that each token has before it, itself included.
    Returns:
        (B, S, D), zeros where a row has fewer items, and the mask (B, 1, T, S): a token sees its latest item.
    """
    most = max(1, int(counts.max()))
    numbers = torch.arange(most, device=vectors.device)
    table = vectors.new_zeros(len(counts), most, *vectors.shape[1:])
    table[numbers < counts[:, None]] = vectors
    mask = time[:, :, None] == numbers + 1  # (B, T, items)
    return table.flatten(1, 2), mask.repeat_interleave(vectors.shape[1], dim=-1)[:, None]


class Seeing(nn.Module):
    """A fused model and the items that it is shown: a GPT's seams, for `generate`.

    The encoders run once, when it is made. In a text that has grown beyond the context, the items must still be there.
    """

    def __init__(self, model, features):
        super().__init__()
        self.model, self.features, self.config = model, features, model.config
        self.train(model.training)
        self._seen = {}  # of the ids given to `embed` last: {modality: (B, T) placeholders so far}

    @property
    def token_embedding(self):
        """The GPT's."""
        return self.model.token_embedding

    def check(self, ids):
        """Raise a ValueError unless the placeholders of ids (B, T) and the items match in number."""
        for name, placeholder in self.model.placeholder_ids.items():
            n_places = int((ids == placeholder).sum())
            each = self.model.placeholder_tokens(name)
            n_items = len(self.features.get(name, ()))
            if n_places != each * n_items:
                places = f"{n_places / each:g} {PLACEHOLDERS[name]}"
                raise ValueError(f"{places} in the text, but {n_items} of its items given")

    def positions(self, ids, padding_mask=None, cache=None):
        """As `GPT.positions`."""
        return self.model.gpt.positions(ids, padding_mask, cache)

    def embed(self, ids, positions=None):
        """As `GPT.embed`: the items of all rows, or no placeholder at all, as in the steps after the first."""
        positions = self.positions(ids) if positions is None else positions
        marks = {name: ids == self.model.placeholder_ids[name] for name in self.features}
        if any(mark.any() for mark in marks.values()):
            self.check(ids)
        self._seen = {name: mark.cumsum(dim=1) for name, mark in marks.items()}
        return self.model.embed(ids, positions, self.features)

    def encode(self, embeddings, padding_mask=None, cache=None, collected=None, causal=True):
        """As `GPT.encode`."""
        seen = {}
        for name, time in self._seen.items():
            if cache is not None:
                time = time + cache.seen.get(name, 0)
                cache.seen[name] = time[:, -1:]
            seen[name] = (time[:, -1], time)
        return self.model.encode(embeddings, padding_mask, cache, collected, self.features, seen)

    def to_logits(self, hidden):
        """As `GPT.to_logits`."""
        return self.model.to_logits(hidden)

    def new_cache(self, batch_size):
        """An empty cache that also remembers how many items each row has."""
        weight = self.token_embedding.weight
        return _SeeingCache(self.model.gpt.config, batch_size, device=weight.device, dtype=weight.dtype)


class _SeeingCache(KVCache):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.seen = {}  # {modality: (B, 1)}


# ------------------------------------------------------------------------------------------------ late fusion


def product_of_experts(log_probabilities, log_prior, present=None):
    """Late fusion: what each modality predicts on its own, multiplied.

    Where the modalities say different things about the class, independently given the class, Bayes' rule gives

        log p(y | a, b) = log p(y | a) + log p(y | b) - log p(y) + constant.

    Args:
        log_probabilities: {modality: (B, C)} log p(class | modality).
        log_prior: (C,) log p(class).
        present: {modality: (B,) booleans}; None where all are there.
    Returns:
        (B, C) log-probabilities; the prior where nothing is present.
    Source: Hinton (2002), equation 1, with the prior divided out once for each expert beyond the first.
    """
    total = log_prior
    for name, expert in log_probabilities.items():
        evidence = expert - log_prior
        if present is not None and name in present:
            evidence = torch.where(present[name][:, None], evidence, 0.0)
        total = total + evidence
    return total.log_softmax(dim=-1)
