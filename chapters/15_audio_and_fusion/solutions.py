"""Answers to the exercises of chapter 15."""

import math

import numpy as np
import torch


def aliased(hz: np.ndarray, rate: float) -> np.ndarray:
    folded = hz % rate
    return np.minimum(folded, rate - folded)


def cut_frames(samples: np.ndarray, window: int, hop: int) -> np.ndarray:
    n_frames = math.ceil(len(samples) / hop)
    padded = np.concatenate([samples, np.zeros(window)])
    places = hop * np.arange(n_frames)[:, None] + np.arange(window)
    return padded[places] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window))


def power_spectrum(frames: np.ndarray) -> np.ndarray:
    n_samples = frames.shape[1]
    turns = np.outer(np.arange(n_samples), np.arange(n_samples // 2 + 1)) / n_samples
    return (frames @ np.cos(2 * np.pi * turns)) ** 2 + (frames @ np.sin(2 * np.pi * turns)) ** 2


def mel_bands(n_mels: int, n_fft: int, rate: float) -> np.ndarray:
    frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    return np.maximum(np.minimum(rising, falling), 0)


def log_scaled(power: np.ndarray, decades: float) -> np.ndarray:
    loudness = np.log10(np.maximum(power, 1e-10))
    loudness = loudness - loudness.max(axis=(1, 2), keepdims=True)
    return np.maximum(loudness, -decades) * 2 / decades + 1


def add_noise(samples: np.ndarray, noise: np.ndarray, decibels: float) -> np.ndarray:
    wanted = (samples**2).mean(axis=1, keepdims=True) / 10 ** (decibels / 10)
    return samples + noise * np.sqrt(wanted / (noise**2).mean(axis=1, keepdims=True))


def through_images(sounds: torch.Tensor, images: torch.Tensor, words: torch.Tensor, scale: float) -> torch.Tensor:
    sounds, images, words = (vectors / vectors.norm(dim=1, keepdim=True) for vectors in (sounds, images, words))
    return (scale * sounds @ images.T).softmax(dim=1) @ (scale * images @ words.T).softmax(dim=1)


def product_of_experts(log_probabilities: torch.Tensor, log_prior: torch.Tensor,
                       present: torch.Tensor) -> torch.Tensor:
    evidence = torch.where(present[:, :, None], log_probabilities - log_prior, 0.0)
    return (log_prior + evidence.sum(dim=0)).log_softmax(dim=1)


def fill_absent(features: torch.Tensor, present: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
    return torch.where(present[:, None, None], features, absent)


def drop_one(present: np.ndarray, draws: np.ndarray, which: np.ndarray, probability: float) -> np.ndarray:
    left = present.copy()
    for row, draw, place in zip(left, draws, which):
        has = np.flatnonzero(row)
        if draw < probability and len(has) > 1:
            row[has[int(place * len(has))]] = False
    return left
