"""Known answers of the demonstration chapter."""

from minigpt.grading import Answer

WRONG = [
    Answer("softmax", "no maximum subtracted", hint="large scores overflow: subtract the maximum first", source='''
def softmax(scores):
    weights = np.exp(scores)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "whole array instead of rows", hint="normalise each row, not the whole array", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()
'''),
    Answer("softmax", "first axis", hint="the probabilities of a row sum to 1: the last axis, not the first", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max(axis=0))
    return weights / weights.sum(axis=0)
'''),
    Answer("softmax", "base 2", hint="this is 2 to the power of the scores: take exp", source='''
def softmax(scores):
    weights = 2.0 ** (scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "float32", hint="the dtype must be float64, not float32", source='''
def softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True)).astype(np.float32)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "changes its argument", source='''
def softmax(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores)
    return weights / weights.sum(axis=-1, keepdims=True)
'''),
    Answer("softmax", "torch's own", source='''
def softmax(scores):
    import torch
    return torch.softmax(torch.from_numpy(scores), dim=-1).numpy()
'''),
    Answer("mean_loss", "sum", hint="this is the sum: divide by the number of tokens", source='''
def mean_loss(probabilities, targets):
    return float(-np.log(probabilities[np.arange(len(targets)), targets]).sum())
'''),
    Answer("mean_loss", "bits", hint="this is in bits: take the natural logarithm", source='''
def mean_loss(probabilities, targets):
    return float(-np.log2(probabilities[np.arange(len(targets)), targets]).mean())
'''),
    Answer("mean_loss", "sign", hint="a loss is positive: the minus sign is missing", source='''
def mean_loss(probabilities, targets):
    return float(np.log(probabilities[np.arange(len(targets)), targets]).mean())
'''),
    Answer("mean_loss", "logarithm of the mean", hint="take the mean of logarithms, not the reverse", source='''
def mean_loss(probabilities, targets):
    return float(-np.log(probabilities[np.arange(len(targets)), targets].mean()))
'''),
    Answer("mean_loss", "all entries", hint="only the target's probability counts, not the whole row", source='''
def mean_loss(probabilities, targets):
    return float(-np.log(probabilities).mean())
'''),
    Answer("mean_loss", "a loop", source='''
def mean_loss(probabilities, targets):
    return float(-sum(np.log(probabilities[row, target]) for row, target in enumerate(targets)) / len(targets))
'''),
    Answer("scale", "detached", source='''
def scale(x, weight):
    return (x / x.pow(2).mean(dim=-1, keepdim=True).sqrt() * weight).detach()
'''),
    Answer("scale", "detached statistics", hint="the gradient must also flow through the root mean square", source='''
def scale(x, weight):
    return x / x.pow(2).mean(dim=-1, keepdim=True).sqrt().detach() * weight
'''),
    Answer("scale", "no weight", hint="the weight is missing", source='''
def scale(x, weight):
    return x / x.pow(2).mean(dim=-1, keepdim=True).sqrt()
'''),
    Answer("scale", "sum of squares", hint="the mean of the squares, not their sum", source='''
def scale(x, weight):
    return x / x.pow(2).sum(dim=-1, keepdim=True).sqrt() * weight
'''),
    Answer("scale", "no root", hint="the root is missing", source='''
def scale(x, weight):
    return x / x.pow(2).mean(dim=-1, keepdim=True) * weight
'''),
    Answer("scale", "whole tensor", hint="each row has its own root mean square", source='''
def scale(x, weight):
    return x / x.pow(2).mean().sqrt() * weight
'''),
    Answer("slope", "forward difference", hint="this is a forward difference: take both sides", source='''
def slope(function, x):
    return (function(x + 1e-5) - function(x)) / 1e-5
'''),
    Answer("slope", "one h", hint="the two points are 2h apart, not h", source='''
def slope(function, x):
    return (function(x + 1e-5) - function(x - 1e-5)) / 1e-5
'''),
    Answer("slope", "sign", hint="left minus right: the sign is wrong", source='''
def slope(function, x):
    return (function(x - 1e-5) - function(x + 1e-5)) / 2e-5
'''),
    Answer("slope", "backward difference", hint="this is a backward difference: take both sides", source='''
def slope(function, x):
    return (function(x) - function(x - 1e-5)) / 1e-5
'''),
    Answer("slope", "large step", hint="the step is far too large", source='''
def slope(function, x):
    return (function(x + 0.1) - function(x - 0.1)) / 0.2
'''),
    Answer("slope", "not divided", hint="divide by the distance of the points", source='''
def slope(function, x):
    return function(x + 1e-5) - function(x - 1e-5)
'''),
]

RIGHT = [
    Answer("softmax", "through the logarithm", source='''
def softmax(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
'''),
    Answer("softmax", "with a helper", source='''
def _positive(scores):
    return np.exp(scores - np.max(scores, axis=-1)[..., None])


def softmax(scores):
    weights = _positive(scores)
    return weights / np.sum(weights, axis=-1)[..., None]
'''),
    Answer("mean_loss", "take_along_axis", source='''
def mean_loss(probabilities, targets):
    chosen = np.take_along_axis(probabilities, np.array(targets)[:, None], axis=1)
    return -np.log(chosen).sum() / len(targets)
'''),
    Answer("mean_loss", "an array without dimensions", source='''
def mean_loss(probabilities, targets):
    return np.array(np.mean(-np.log(probabilities[range(len(targets)), targets])))
'''),
    Answer("scale", "rsqrt", source='''
def scale(x, weight):
    return weight * x * torch.rsqrt((x * x).mean(-1, keepdim=True))
'''),
    Answer("scale", "norm", source='''
def scale(x, weight):
    return x / (x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5) * weight
'''),
    Answer("slope", "a loop", source='''
def slope(function, x):
    h = 1e-5
    total = 0.0
    for sign in (1, -1):
        total += sign * function(x + sign * h)
    return total / (2 * h)
'''),
    Answer("slope", "a NumPy number", source='''
def slope(function, x):
    return np.float64(function(x + 1e-5) - function(x - 1e-5)) / 2e-5
'''),
]
