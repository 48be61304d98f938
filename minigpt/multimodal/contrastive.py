"""One space for images, sounds and words: what means the same lies in the same direction.

    aligner = Aligner({"image": vision_encoder, "text": TextEncoder(gpt, tokenizer)})
    embeddings = aligner({"image": pixels, "text": ["seven", "two"]})
    loss = binding_loss(embeddings, aligner.log_scale, pairs=[("image", "text")])

The loss by hand, with its derivation: `minigpt.by_hand.operations.contrastive_forward`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from minigpt.model import GPT

MOST_SCALE = 100.0
"""Largest factor before the softmax: Radford et al. (2021), section 2.5"""


# ------------------------------------------------------------------------------------------------ losses


def contrastive_loss(a, b, log_scale, labels_a=None, labels_b=None):
    """How badly two kinds of embeddings find their partners, in both directions.

    Each a is asked which b belong to it, and each b which a, by a softmax over scaled cosines. Where several are right
    the answer wanted is uniform over them; who has no partner is not asked.

    Args:
        a: (N, D), of any length: only directions count.
        b: (M, D).
        log_scale: a tensor with one number, the logarithm of the scale.
        labels_a: (N,) classes: those of one class belong together. None: pairs by position.
        labels_b: (M,) classes; None: the same as `labels_a`.
    Returns:
        the loss in nats, a scalar; log B where all B are equally similar, and pairs go by position.
    Raises:
        ValueError: if labels and embeddings differ in number, only b has labels, or nothing belongs together.
    Source: Radford et al. (2021), figure 3; several partners: Khosla et al. (2020), equation 2, in both directions as
        in Yang et al. (2022), section 3.
    """
    if labels_a is None and labels_b is not None:
        raise ValueError("labels_b needs labels_a beside it, got None")
    labels_a = torch.arange(len(a), device=a.device) if labels_a is None else labels_a
    labels_b = labels_a if labels_b is None else labels_b
    for name, labels, embeddings in (("labels_a", labels_a, a), ("labels_b", labels_b, b)):
        if labels.shape != embeddings.shape[:1]:
            raise ValueError(f"{name} must be one for each of {len(embeddings)} embeddings, got {tuple(labels.shape)}")
    positive = labels_a[:, None] == labels_b  # (N, M)
    if not positive.any():
        raise ValueError(f"labels_a and labels_b must share a class, got {len(a)} and {len(b)} that are all different")
    scores = log_scale.exp() * cosines(a, b)  # (N, M)
    return (_partner_loss(scores, positive) + _partner_loss(scores.T, positive.T)) / 2


def _partner_loss(scores, positive):
    """Cross-entropy of each row's uniform choice among its partners, over the rows that have one."""
    counted = positive.any(dim=1)
    return F.cross_entropy(scores[counted], F.normalize(positive[counted].to(scores.dtype), p=1, dim=1))


def cosines(a, b):
    """How similar each a (N, D) is to each b (M, D): (N, M), from -1 to 1."""
    return F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T


IMAGE_BINDS = (("image", "text"), ("image", "audio"))


def binding_loss(embeddings, log_scale, labels=None, pairs=IMAGE_BINDS):
    """Bind several modalities through one that they are all paired with.

    By default images are learned with texts, and images with sounds. Sounds and texts never meet in the loss; that they
    end up close, too, is emergent.

    Args:
        embeddings: {modality: (B, D)}, all of them by position, or any number of each with `labels`.
        log_scale: a tensor with one number.
        labels: {modality: (n,) classes}, or None for pairs by position.
        pairs: which modalities to compare.
    Returns:
        the mean of the pairs' contrastive losses, in nats.
    Raises:
        ValueError: if there are no pairs, or one of a modality without embeddings or labels.
    Source: Girdhar et al. (2023), section 3.2.
    """
    if not pairs:
        raise ValueError("binding needs at least one pair of modalities, got none")
    for name in {name for pair in pairs for name in pair}:
        for what, given in (("embeddings", embeddings), ("labels", embeddings if labels is None else labels)):
            if name not in given:
                raise ValueError(f"pairs name {name!r}, but there are only {what} of {', '.join(given) or 'nothing'}")
    labels = {} if labels is None else labels
    return sum(contrastive_loss(embeddings[first], embeddings[second], log_scale, labels.get(first), labels.get(second))
               for first, second in pairs) / len(pairs)  # fmt: skip


# ------------------------------------------------------------------------------------------------ modules


class Aligner(nn.Module):
    """An encoder for each modality, and a linear map from each into one space.

    Args:
        encoders: {modality: encoder}. An encoder makes (B, N, D_m) of a batch, for any N, and has `d_model`, D_m.
        d_shared: D, width of the space.

    Attributes:
        log_scale: the learned logarithm of the scale, 1/temperature. It starts at a temperature of 0.07, and is cut
            while training where the scale would exceed 100.
    Source: Radford et al. (2021), sections 2.3 and 2.5, with a plain mean over the tokens; more than two modalities:
        Girdhar et al. (2023), section 3.
    """

    def __init__(self, encoders: dict, d_shared: int = 64):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.projections = nn.ModuleDict(
            {name: nn.Linear(encoder.d_model, d_shared, bias=False) for name, encoder in encoders.items()})  # fmt: skip
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def embed(self, name, items):
        """A batch of one modality -> (B, D), each of length 1."""
        if name not in self.encoders:
            raise ValueError(f"modality {name!r} must be one of {', '.join(self.encoders)}")
        pooled = self.encoders[name](items).mean(dim=1)  # (B, N, D_m) -> (B, D_m)
        return F.normalize(self.projections[name](pooled), dim=-1)

    def forward(self, batches):
        """{modality: batch} -> {modality: (B, D)}, each embedding of length 1."""
        if self.training:  # the number itself is cut, not its use: a gradient can bring it down again
            self.log_scale.data.clamp_(max=math.log(MOST_SCALE))
        return {name: self.embed(name, items) for name, items in batches.items()}


class TextEncoder(nn.Module):
    """A text as one vector: what a GPT knows at its last token, which has read all others.

    Args:
        gpt: the text model.
        tokenizer: its tokenizer.
    Source: Radford et al. (2021), section 2.4.
    """

    def __init__(self, gpt: GPT, tokenizer):
        super().__init__()
        self.gpt, self.tokenizer, self.d_model = gpt, tokenizer, gpt.config.d_model

    def forward(self, texts):
        """Texts, such as ["seven", "two"] -> (B, 1, D_m).

        Raises:
            ValueError: if there are no texts, or one is empty or longer than the context.
        """
        if isinstance(texts, str) or not len(texts):
            raise ValueError(f"texts must be a list with at least one text, got {texts!r}")
        rows = [self.tokenizer.encode(text) for text in texts]
        if not all(rows):
            raise ValueError(f"texts must hold at least one token each, text {rows.index([])} is empty")
        device = self.gpt.token_embedding.weight.device
        lengths = torch.tensor([len(row) for row in rows], device=device)
        # Padding on the right needs no mask: no token looks at what comes after it.
        ids = nn.utils.rnn.pad_sequence([torch.tensor(row, device=device) for row in rows], batch_first=True)
        hidden = self.gpt.encode(self.gpt.embed(ids))  # (B, T, D_m)
        return hidden[torch.arange(len(rows), device=device), lengths - 1][:, None]


# ------------------------------------------------------------------------------------------------ what it is good for


def zero_shot_classify(embeddings, class_embeddings):
    """The class whose embedding is most similar: no classifier was trained, only words are compared.

    Args:
        embeddings: (N, D), such as those of images.
        class_embeddings: (C, D), such as those of the classes' names.
    Returns:
        (N,) classes from 0 to C - 1; of equally similar ones, the first.
    Source: Radford et al. (2021), section 3.1.2.
    """
    return cosines(embeddings, class_embeddings).argmax(dim=1)


def recall_at_k(similarity, positive, k):
    """Share of the queries that find a right item among the k most similar.

    Ties count against the model: a right item stands behind all wrong ones that are just as similar. If everything is
    equally similar nothing is found, unless fewer than k items are wrong.

    Args:
        similarity: (N, M), of each query to each item.
        positive: (N, M) booleans, True where the item is right.
        k: how many items are looked at, from 1.
    Returns:
        a float from 0 to 1.
    Raises:
        ValueError: if the shapes differ, k is below 1, a similarity is NaN, or a query has no right item.
    """
    _require_right_items(similarity, positive)
    if k < 1:
        raise ValueError(f"k={k} must be at least 1")
    best = similarity.masked_fill(~positive, -math.inf).amax(dim=1, keepdim=True)  # the most similar right item
    n_before = ((similarity >= best) & ~positive).sum(dim=1)
    return (n_before < k).double().mean().item()


def mean_average_precision(similarity, positive):
    """How far in front the right items of each query stand, where several are right: the mean over all queries.

    A query's average precision is the mean over its right items of the precision at that item: of all items that are at
    least as similar, the share that is right. Ties thus stand in one group, and if everything is equally similar the
    result is the share of right items: chance, not perfection.

    Args:
        similarity: (N, M), of each query to each item.
        positive: (N, M) booleans, True where the item is right.
    Returns:
        a float, above 0 and at most 1.
    Raises:
        ValueError: if the shapes differ, a similarity is NaN, or a query has no right item.
    Source: Manning et al. (2008), section 8.4; ties as in scikit-learn's `average_precision_score`.
    """
    _require_right_items(similarity, positive)
    precisions = []
    for row, right in zip(similarity, positive):  # one query at a time: memory for (right items, M) is enough
        at_least = row >= row[right][:, None]
        precisions.append(((at_least & right).sum(dim=1).double() / at_least.sum(dim=1)).mean())
    return torch.stack(precisions).mean().item()


def _require_right_items(similarity, positive):
    if similarity.shape != positive.shape or similarity.ndim != 2:
        shapes = f"{tuple(similarity.shape)} and {tuple(positive.shape)}"
        raise ValueError(f"similarity and positive must have one shape (N, M), got {shapes}")
    if positive.dtype != torch.bool:
        raise ValueError(f"positive must hold booleans, got {positive.dtype}")
    if similarity.isnan().any():  # no comparison with NaN is true: it would look like a perfect score
        raise ValueError(f"similarity must hold numbers, got {int(similarity.isnan().sum())} NaN")
    lacking = int((~positive.any(dim=1)).sum())
    if lacking or not len(positive):
        raise ValueError(f"every query must have a right item, {lacking} of {len(positive)} queries have none")
