"""Exercises of chapter 14: fill in each function. Check them with `minigpt grade 14`.

C channels of a picture, P pixels on each side of a patch, N patches of a picture, T tokens of a text, D width.
A linear layer computes x Wᵀ + b, with W of shape (out, in). No function may change its arguments.
"""

import math  # noqa: F401

import numpy as np
import torch


def to_patches(picture: np.ndarray, size: int) -> np.ndarray:
    """Cut a picture into square patches, and write each patch as one row of numbers.

    The patches come row by row: first those of the upper edge from left to right, then the next row of patches. The
    numbers of one patch come channel by channel, and within a channel row by row.

    Args:
        picture: float64, shape (C, height, width); height and width need not be equal.
        size: P, pixels on each side of a patch; it divides height and width.
    Returns:
        float64, shape (N, C · P · P), with N = (height / P) · (width / P).
    Example:
        >>> to_patches(np.arange(16.0).reshape(1, 4, 4), 2)
        array([[ 0.,  1.,  4.,  5.],
               [ 2.,  3.,  6.,  7.],
               [ 8.,  9., 12., 13.],
               [10., 11., 14., 15.]])
    """
    raise NotImplementedError


def embed_patches(patches: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor,
                  positions: torch.Tensor) -> torch.Tensor:
    """The tokens of pictures: one linear map for all patches, plus a vector that says where the patch stood.

    Args:
        patches: float64, shape (B, N, M): B pictures of N patches, each of M numbers.
        weight, bias: (D, M) and (D,).
        positions: (N, D), one vector for each place, the same for all pictures.
    Returns:
        shape (B, N, D). Gradients must flow to all four tensors.
    Example:
        >>> two = torch.tensor([[[1.0, 2.0], [0.0, 1.0]]])
        >>> embed_patches(two, torch.ones(1, 2), torch.ones(1), torch.tensor([[0.0], [10.0]]))
        tensor([[[ 4.],
                 [12.]]])
    """
    raise NotImplementedError


def expand_placeholders(pieces: list, image_id: int, n_tokens: int) -> tuple[list[int], list[int]]:
    """The ids of a text with pictures in it, and how many pictures stand before each id.

    Args:
        pieces: what the text is made of, in order: lists of ids (words), and None for each picture.
        image_id: the id that holds a place for a picture.
        n_tokens: places that each picture gets, at least 1.
    Returns:
        the ids: words as they are, and `n_tokens` times image_id for each picture; and, for each id, the number of
        pictures that have begun so far: a picture's own places count it already.
    Example:
        >>> expand_placeholders([[5, 6], None, [7], None], 99, 2)
        ([5, 6, 99, 99, 7, 99, 99], [0, 0, 1, 1, 1, 2, 2])
    """
    raise NotImplementedError


def put_features(words: torch.Tensor, is_place: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """LLaVA's step: the vectors of pictures in the places that are held for them.

    Args:
        words: float64, shape (B, T, D): vectors of all ids; those at the places are to be replaced.
        is_place: booleans, shape (B, T), True where a picture's vector belongs. The rows may have different numbers.
        features: shape (n, D): as many vectors as there are places, in reading order: row by row, left to right.
    Returns:
        a new tensor (B, T, D). Gradients must flow to `words` (0 at the places) and to `features`.
    Raises:
        ValueError: if the number of places is not n.
    Example:
        >>> put_features(torch.zeros(1, 3, 1), torch.tensor([[True, False, True]]), torch.tensor([[7.0], [8.0]]))
        tensor([[[7.],
                 [0.],
                 [8.]]])
    """
    raise NotImplementedError


def look_mask(n_before: np.ndarray, n_pictures: int, n_tokens: int) -> np.ndarray:
    """Flamingo's mask: each token of the text looks at the latest picture that stands before it, and at no other.

    Args:
        n_before: int64, shape (T,): how many pictures stand before each token.
        n_pictures: pictures of this text, at least 1.
        n_tokens: vectors of each picture; they stand one picture after the other.
    Returns:
        booleans, shape (T, n_pictures · n_tokens), True where the token may look. A token with no picture before it
        may look nowhere.
    Example:
        >>> look_mask(np.array([0, 1, 2]), 2, 2).astype(int)
        array([[0, 0, 0, 0],
               [1, 1, 0, 0],
               [0, 0, 1, 1]])
    """
    raise NotImplementedError


def gated_look(text: torch.Tensor, media: torch.Tensor, weights: list, gate: torch.Tensor,
               mask: torch.Tensor) -> torch.Tensor:
    """Flamingo's layer with one head: text + tanh(gate) · (attention of the text to the media).

    With q = text Wqᵀ, k = media Wkᵀ and v = media Wvᵀ, a token's attention is softmax(q kᵀ / √D) v Woᵀ, where the
    softmax runs over the vectors that the mask allows. A token that may look nowhere stays exactly as it is.

    Args:
        text: float64, shape (T, D).
        media: (S, D).
        weights: [Wq, Wk, Wv, Wo], each (D, D); there are no biases.
        gate: one number, shape ().
        mask: booleans, shape (T, S).
    Returns:
        shape (T, D). Gradients must flow to text, media and gate, without a NaN in them.
    Example:
        >>> one, eye = torch.ones(1, 1), [torch.eye(1)] * 4
        >>> gated_look(one, 3 * one, eye, torch.tensor(0.0), torch.tensor([[True]]))
        tensor([[1.]])
    """
    raise NotImplementedError


def contrastive_loss(pictures: torch.Tensor, texts: torch.Tensor, scale: float, together: torch.Tensor) -> torch.Tensor:
    """CLIP's loss, where a picture may belong to several texts.

    The score of picture i and text j is `scale` times the cosine of their vectors. A softmax over each row says which
    text the picture would choose: its loss is the mean of -log p over all texts that belong to it. The rows' losses are
    averaged. The same is done with the columns, in which texts choose pictures, and the result is the mean of the two.

    Args:
        pictures: float64, shape (n, D); not yet of length 1.
        texts: (m, D); m need not be n.
        scale: above 0; large ones, such as 5000, must not overflow.
        together: booleans, shape (n, m), True where picture and text belong together; every row and every column has
            at least one True.
    Returns:
        the loss in nats, shape (). Gradients must flow to pictures and texts.
    Example:
        >>> vectors = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
        >>> contrastive_loss(vectors, vectors, math.log(3.0), torch.eye(2, dtype=torch.bool))  # -log(3 / (3 + 1))
        tensor(0.2877)
    """
    raise NotImplementedError


def bits_per_pixel(logits: np.ndarray, levels: np.ndarray, n_levels: int) -> float:
    """Bits that a pixel takes on average when a model's probabilities are used to write it down.

    The model's ids also stand for classes. A pixel cannot be a class: only the first `n_levels` ids count, and their
    probabilities add up to 1.

    Args:
        logits: float64, shape (B, N, V): for each pixel, the scores of all V ids; also 1000 or -1000.
        levels: int64, shape (B, N): the pixels' grey levels, below n_levels.
        n_levels: grey levels, at most V.
    Returns:
        a float, in bits (not nats), the mean over all B · N pixels.
    Example:
        >>> bits_per_pixel(np.zeros((1, 3, 5)), np.array([[0, 3, 1]]), 4)
        2.0
    """
    raise NotImplementedError


def what_it_shows(log_likelihoods: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Bayes' rule: how probable each class is, given the picture.

    Args:
        log_likelihoods: float64, shape (B, C): log p(picture | class) in nats, often around -100 or below -1000.
        counts: int64, shape (C,): pictures of each class in the training part, all at least 1. The prior p(class) is
            a class's share of them.
    Returns:
        float64, shape (B, C): p(class | picture); each row sums to 1.
    Example:
        >>> what_it_shows(np.array([[-800.0, -800.0]]), np.array([1, 3]))
        array([[0.25, 0.75]])
    """
    raise NotImplementedError


def nearest_codes(vectors: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    """A VQ-VAE's step: each vector is replaced by the nearest code, and gradients pass straight through.

    Nearest means the smallest Euclidean distance; of codes that are equally near, the first.

    Args:
        vectors: float64, shape (…, W).
        codebook: (K, W).
    Returns:
        shape (…, W), the nearest codes. Its gradient arrives at `vectors` unchanged, as if nothing had been replaced;
        none arrives at the codebook.
    Example:
        >>> nearest_codes(torch.tensor([[0.9, 0.2]]), torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        tensor([[1., 0.]])
    """
    raise NotImplementedError
