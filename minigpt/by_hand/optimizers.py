"""Optimizers written out: what happens to the parameters once the gradients are known.

Parameters and gradients are dictionaries of arrays under the same names. An optimizer object remembers what it must
from step to step; `step` gives new parameters and leaves the old ones as they were.

    θ parameters, g = ∂L/∂θ gradients, η learning rate, λ weight decay, t number of the update, counted from 1
"""

import math

import numpy as np


class SGD:
    """Stochastic gradient descent: θ ← θ - η g - η λ θ.

    For plain SGD it is the same whether λ θ is added to the gradient (the L2 penalty ½ λ |θ|²) or taken off the
    parameter (weight decay). For the optimizers below it is not.

    Source: Robbins & Monro (1951).
    """

    def __init__(self, weight_decay=0.0):
        _require_range("weight_decay", weight_decay, 0, math.inf)
        self.weight_decay = weight_decay

    def step(self, parameters, gradients, learning_rate):
        """One update.

        Args:
            parameters: {name: array}.
            gradients: arrays of the same shapes under the same names.
            learning_rate: η.
        Returns:
            the new parameters.
        Raises:
            ValueError: if names or shapes differ, or a gradient is not finite.
        """
        _require_matching(parameters, gradients, learning_rate)
        return {name: theta - learning_rate * (gradients[name] + self.weight_decay * theta)
                for name, theta in parameters.items()}


class Momentum:
    """SGD with a heavy ball: v ← μ v + g + λ θ,  θ ← θ - η v.

    The velocity v sums up past gradients, each forgotten by the factor μ per step: along a steady slope the steps grow
    up to 1/(1 - μ) times as long, across a ravine they cancel. λ θ goes through the velocity, so this is L2, not
    decoupled decay; PyTorch does the same.

    Source: Polyak (1964); Sutskever et al. (2013), section 2, with η outside of the velocity, as in PyTorch.
    """

    def __init__(self, momentum=0.9, weight_decay=0.0):
        _require_range("momentum", momentum, 0, 1)
        _require_range("weight_decay", weight_decay, 0, math.inf)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.velocity = {}

    def step(self, parameters, gradients, learning_rate):
        """One update; arguments and result as for `SGD.step`."""
        _require_matching(parameters, gradients, learning_rate)
        updated = {}
        for name, theta in parameters.items():
            gradient = gradients[name] + self.weight_decay * theta
            self.velocity[name] = self.momentum * self.velocity.get(name, 0) + gradient
            updated[name] = theta - learning_rate * self.velocity[name]
        return updated


class Adam:
    """Steps of about η in every coordinate, whatever the gradient's scale.

        m ← β₁ m + (1 - β₁) g          a moving mean of the gradient
        v ← β₂ v + (1 - β₂) g²         a moving mean of its square
        m̂ = m / (1 - β₁ᵗ)              both started at 0 and are too small at first; this corrects them:
        v̂ = v / (1 - β₂ᵗ)              after t steps the weights of the mean sum to 1 - βᵗ
        θ ← θ - η m̂ / (√v̂ + ε)

    ε stands outside of the root.

    Source: Kingma & Ba (2015), algorithm 1.
    """

    def __init__(self, beta1=0.9, beta2=0.999, epsilon=1e-8):
        _require_range("beta1", beta1, 0, 1)
        _require_range("beta2", beta2, 0, 1)
        _require_range("epsilon", epsilon, 0, math.inf)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.n_steps = 0
        self.mean = {}
        self.square = {}

    def step(self, parameters, gradients, learning_rate):
        """One update; arguments and result as for `SGD.step`."""
        _require_matching(parameters, gradients, learning_rate)
        self.n_steps += 1
        return {name: theta - learning_rate * self._direction(name, gradients[name])
                for name, theta in parameters.items()}

    def _direction(self, name, gradient):
        """m̂ / (√v̂ + ε), and remember m and v."""
        self.mean[name] = self.beta1 * self.mean.get(name, 0) + (1 - self.beta1) * gradient
        self.square[name] = self.beta2 * self.square.get(name, 0) + (1 - self.beta2) * gradient * gradient
        mean = self.mean[name] / (1 - self.beta1**self.n_steps)
        square = self.square[name] / (1 - self.beta2**self.n_steps)
        return mean / (np.sqrt(square) + self.epsilon)


class AdamWithL2(Adam):
    """Adam on the loss plus ½ λ |θ|²: g ← g + λ θ, then Adam.

    Kept to be compared with `AdamW`. The penalty's gradient is divided by √v̂ like the rest, so parameters with large
    gradients are hardly decayed at all.

    Source: Loshchilov & Hutter (2019), algorithm 2, pink line.
    """

    def __init__(self, weight_decay=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(beta1, beta2, epsilon)
        _require_range("weight_decay", weight_decay, 0, math.inf)
        self.weight_decay = weight_decay

    def step(self, parameters, gradients, learning_rate):
        """One update; arguments and result as for `SGD.step`."""
        _require_matching(parameters, gradients, learning_rate)
        with_penalty = {name: gradients[name] + self.weight_decay * theta for name, theta in parameters.items()}
        return super().step(parameters, with_penalty, learning_rate)


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ - η m̂ / (√v̂ + ε) - η λ θ.

    Every parameter shrinks by the same share η λ, whatever its gradients. As in PyTorch there is no factor besides η.

    Args:
        weight_decay: λ.
        decayed: names of the parameters that decay; None for all. GPTs decay matrices, not biases and norms.
    Source: Loshchilov & Hutter (2019), algorithm 2, green line.
    """

    def __init__(self, weight_decay=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8, decayed=None):
        super().__init__(beta1, beta2, epsilon)
        _require_range("weight_decay", weight_decay, 0, math.inf)
        self.weight_decay = weight_decay
        self.decayed = None if decayed is None else frozenset(decayed)

    def step(self, parameters, gradients, learning_rate):
        """One update; arguments and result as for `SGD.step`."""
        updated = super().step(parameters, gradients, learning_rate)
        for name, theta in parameters.items():
            if self.decayed is None or name in self.decayed:
                updated[name] = updated[name] - learning_rate * self.weight_decay * theta
        return updated


def global_norm(gradients):
    """The length of all gradients laid end to end: √(Σ g²) over every entry of every array."""
    return math.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients.values()))


def clip_by_global_norm(gradients, max_norm):
    """Shorten the whole gradient to `max_norm` if it is longer; its direction stays.

    One factor for all arrays: clipping each on its own would turn the gradient.

    Args:
        gradients: {name: array}.
        max_norm: greatest length.
    Returns:
        the gradients, and their length before.
    Raises:
        ValueError: if the length is not finite.
    Source: Pascanu, Mikolov & Bengio (2013), algorithm 1.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be positive, got {max_norm}")
    norm = global_norm(gradients)
    if not math.isfinite(norm):
        raise ValueError(f"gradients must have a finite norm, got {norm}")
    scale = min(1.0, max_norm / (norm + 1e-6))  # 1e-6 as in PyTorch, so that curves can be compared to the last digit
    return {name: gradient * scale for name, gradient in gradients.items()}, norm


def warmup_cosine(step, steps, peak, final=0.0, warmup_steps=0):
    """The learning rate of one update: up in a straight line, then down along half a cosine.

    Args:
        step: number of the update, counted from 0.
        steps: updates in all; the last, steps - 1, gets `final`, and so does every later one.
        peak: the highest rate: of the last update of the warm-up, and of the one after it.
        final: the rate at the end.
        warmup_steps: updates of the warm-up.
    Returns:
        a float.
    Source: Loshchilov & Hutter (2017), equation 5, for one period; warm-up: Goyal et al. (2017), section 2.2.
    """
    for name, value, least in (("step", step, 0), ("steps", steps, 1), ("warmup_steps", warmup_steps, 0)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, steps - 1 - warmup_steps))  # 0 at the peak, 1 at the end
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * progress))


def _require_range(name, value, least, below):
    if not least <= value < below:
        raise ValueError(f"{name} must be at least {least} and below {below}, got {value}")


def _require_matching(parameters, gradients, learning_rate):
    if not 0 <= learning_rate < math.inf:
        raise ValueError(f"learning_rate must be at least 0 and finite, got {learning_rate}")
    if not parameters:
        raise ValueError("parameters must hold at least one array, got none")
    if parameters.keys() != gradients.keys():
        unmatched = ", ".join(sorted(parameters.keys() ^ gradients.keys()))
        raise ValueError(f"parameters and gradients must have the same names, unmatched: {unmatched}")
    for name, theta in parameters.items():
        if theta.dtype.kind != "f":
            raise ValueError(f"parameter {name!r} must hold floats, got {theta.dtype}")
        if gradients[name].shape != theta.shape:
            raise ValueError(f"gradient {name!r} must have shape {theta.shape}, got {gradients[name].shape}")
        if not np.isfinite(gradients[name]).all():
            n_wrong = int((~np.isfinite(gradients[name])).sum())
            raise ValueError(f"gradient {name!r} must be finite, {n_wrong} of {theta.size} entries are not")
