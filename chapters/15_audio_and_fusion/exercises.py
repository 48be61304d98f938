"""Exercises of chapter 15: fill in each function. Check them with `minigpt grade 15`.

B recordings or examples, N tokens of an item, D width, C classes, M modalities. No function may change its arguments.
"""

import math  # noqa: F401

import numpy as np
import torch


def aliased(hz: np.ndarray, rate: float) -> np.ndarray:
    """The frequency at which a sampled tone is heard, when nobody took away what is too high.

    A tone of f Hz gives the same samples as one of |f - m · rate| Hz, for every whole number m. Heard is the lowest of
    them, which is at most half the rate.

    Args:
        hz: float64, shape (n,): the tones' frequencies, from 0; also many times the rate.
        rate: samples a second, above 0.
    Returns:
        float64, shape (n,): from 0 to rate / 2.
    Example:
        >>> aliased(np.array([3000.0, 5000.0, 9000.0]), 8000.0)
        array([3000., 3000., 1000.])
    """
    raise NotImplementedError


def cut_frames(samples: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Cut a sound into overlapping frames, and fade each in and out.

    Frame i holds the samples from i · hop to i · hop + window - 1; what lies beyond the end is 0. There is a frame for
    each hop begun: as many as n / hop, rounded up. Each is multiplied by the periodic Hann window,
    1/2 - 1/2 cos(2π j / window) for j = 0 … window - 1.

    Args:
        samples: float64, shape (n,), n at least 1.
        window: samples of a frame.
        hop: samples from the beginning of one frame to that of the next.
    Returns:
        float64, shape (frames, window).
    Example:
        >>> cut_frames(np.array([1.0, 2.0, 3.0]), 4, 2)
        array([[0., 1., 3., 0.],
               [0., 0., 0., 0.]])
    """
    raise NotImplementedError


def power_spectrum(frames: np.ndarray) -> np.ndarray:
    """The power of each frequency in each frame, by the definition of the discrete Fourier transform.

    |X_k|² with X_k = Σ_n x_n exp(-2πi k n / N), for k from 0 to N / 2 (rounded down). NumPy's and PyTorch's transforms
    are closed; a matrix product, or a loop, will do.

    Args:
        frames: float64, shape (frames, N); N may be odd.
    Returns:
        float64, shape (frames, N // 2 + 1).
    Example:
        >>> power_spectrum(np.array([[1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0]])).round(6)
        array([[ 0.,  0., 16.,  0.,  0.]])
    """
    raise NotImplementedError


def mel_bands(n_mels: int, n_fft: int, rate: float) -> np.ndarray:
    """Overlapping triangles at equal steps in mel, with m(f) = 2595 log10(1 + f / 700).

    n_mels + 2 corners lie at equal steps in mel from 0 Hz to half the rate. Band i rises from corner i, where its
    weight is 0, to 1 at corner i + 1, and falls to 0 at corner i + 2: in straight lines over the frequency in Hz.

    Args:
        n_mels: bands, at least 1.
        n_fft: N, samples of the transform, even; its frequencies are k · rate / N for k = 0 … N / 2.
        rate: samples a second.
    Returns:
        float64, shape (n_mels, N / 2 + 1), from 0 to 1.
    Example:
        >>> mel_bands(1, 8, 8000.0).round(2)  # corners at 0, 1,114 and 4,000 Hz
        array([[0.  , 0.9 , 0.69, 0.35, 0.  ]])
    """
    raise NotImplementedError


def log_scaled(power: np.ndarray, decades: float) -> np.ndarray:
    """From power to what a speech model reads: a logarithm, measured from the loudest, cut off and scaled.

    Power below 1e-10 counts as 1e-10. Take log10, and subtract the largest value of the same recording. What is more
    than `decades` below is put at -decades. Then -decades becomes -1, and 0 becomes 1, in a straight line.

    Args:
        power: float64, shape (B, n_mels, frames), not negative; a recording may be all 0.
        decades: powers of ten that are kept, above 0.
    Returns:
        float64, the same shape, from -1 to 1.
    Example:
        >>> log_scaled(np.array([[[100.0, 10.0, 1.0, 0.0]]]), 4.0)
        array([[[ 1. ,  0.5,  0. , -1. ]]])
    """
    raise NotImplementedError


def add_noise(samples: np.ndarray, noise: np.ndarray, decibels: float) -> np.ndarray:
    """Recordings with noise, at a given signal-to-noise ratio.

    Each recording gets its own noise, made louder or softer so that 10 log10(P / Q) is exactly `decibels`, where P is
    the mean of the recording's squared samples, and Q that of the noise which is added to it.

    Args:
        samples: float64, shape (B, n), of different loudness.
        noise: float64, shape (B, n): draws whose own power is not 1.
        decibels: 0 for noise as strong as the recording, 20 for one of a hundredth of its power; also negative.
    Returns:
        float64, shape (B, n).
    Example:
        >>> add_noise(np.array([[2.0, -2.0]]), np.array([[3.0, 3.0]]), 20.0)
        array([[ 2.2, -1.8]])
    """
    raise NotImplementedError


def through_images(sounds: torch.Tensor, images: torch.Tensor, words: torch.Tensor, scale: float) -> torch.Tensor:
    """From sounds to words by way of pictures: each sound chooses among pictures, and each picture among words.

    p(word | sound) = Σ over the pictures of p(picture | sound) · p(word | picture). Each of the two is a softmax of
    `scale` times the cosines: over the pictures in the first, over the words in the second.

    Args:
        sounds: float64, shape (A, D), not of length 1.
        images: shape (I, D).
        words: shape (W, D).
        scale: above 0; large ones, such as 2000, must not overflow.
    Returns:
        shape (A, W): each row sums to 1. Gradients must flow to all three.
    Example:
        >>> east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
        >>> pictures, scale = torch.stack([east, north]), math.log(3.0)  # shares 3/4 and 1/4
        >>> through_images(2 * east[None], pictures, pictures, scale)  # 9/16 + 1/16 and 3/16 + 3/16
        tensor([[0.6250, 0.3750]])
    """
    raise NotImplementedError


def product_of_experts(log_probabilities: torch.Tensor, log_prior: torch.Tensor,
                       present: torch.Tensor) -> torch.Tensor:
    """Late fusion by Bayes' rule, with modalities missing.

    p(y | all that is present) ∝ p(y) · Π p(y | modality) / p(y), the product over the modalities that are present.
    Where nothing is present it is the prior.

    Args:
        log_probabilities: float64, shape (M, B, C): log p(class | modality). Where a modality is missing anything may
            stand, also NaN.
        log_prior: shape (C,): log p(class).
        present: booleans, shape (M, B).
    Returns:
        shape (B, C): log-probabilities; the exponentials of each row sum to 1. Gradients must flow to
        log_probabilities, and no NaN may be in them: where a modality is missing they are 0.
    Example:
        >>> experts = torch.tensor([[[0.6, 0.4]], [[0.8, 0.2]]]).log()
        >>> product_of_experts(experts, torch.tensor([0.5, 0.5]).log(), torch.tensor([[True], [True]])).exp()
        tensor([[0.8571, 0.1429]])
    """
    raise NotImplementedError


def fill_absent(features: torch.Tensor, present: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
    """Learned vectors in place of the tokens of missing items.

    Args:
        features: float64, shape (B, N, D): tokens of B items. Where an item is missing anything may stand, also NaN.
        present: booleans, shape (B,), False where the item is missing.
        absent: shape (N, D): what stands in, one vector for each token.
    Returns:
        a new tensor (B, N, D). Gradients must flow to features (0 where missing) and to absent (from all missing
        items), without a NaN.
    Example:
        >>> fill_absent(torch.ones(2, 1, 2), torch.tensor([True, False]), torch.tensor([[7.0, 8.0]]))
        tensor([[[1., 1.]],
        <BLANKLINE>
                [[7., 8.]]])
    """
    raise NotImplementedError


def drop_one(present: np.ndarray, draws: np.ndarray, which: np.ndarray, probability: float) -> np.ndarray:
    """Modality dropout: some examples lose one of their modalities, and none loses its last.

    Example b loses one if draws[b] is below `probability` and it has at least two. It loses the one in place
    floor(which[b] · n), counted from 0 among the n modalities that it has.

    Args:
        present: booleans, shape (B, M), True where example b has modality m.
        draws, which: float64, shape (B,): random numbers from 0 to below 1.
        probability: from 0 (none is lost) to 1.
    Returns:
        booleans, shape (B, M): what is left.
    Example:
        >>> drop_one(np.array([[True, False, True], [False, True, False]]), np.zeros(2), np.array([0.6, 0.6]), 0.5)
        array([[ True, False, False],
               [False,  True, False]])
    """
    raise NotImplementedError
