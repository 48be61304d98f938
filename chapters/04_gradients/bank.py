"""Known answers of chapter 04: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong


def right(exercise, title, source):
    """A right answer."""
    return Answer(exercise, title, source=source)


# --------------------------------------------------------------------------------------------- central_difference

CENTRAL = '''
def central_difference(function, x, h):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        gradient[index] = (function(above) - function(below)) / (2 * h)
    return gradient
'''
central = wrong("central_difference", CENTRAL)
CENTRALS = [
    central("forward difference", "this is the forward difference: step to both sides",
            ("(function(above) - function(below)) / (2 * h)", "(function(above) - function(x)) / h")),
    central("backward difference", "this is the backward difference: step to both sides",
            ("(function(above) - function(below)) / (2 * h)", "(function(x) - function(below)) / h")),
    central("divided by h", "twice too large: the two points are 2h apart, not h", ("/ (2 * h)", "/ h")),
    central("divided by 2, times h", "multiplied by h: put 2 * h in brackets", ("/ (2 * h)", "/ 2 * h")),
    central("sign", "the sign is wrong: upper value minus lower value",
            ("function(above) - function(below)", "function(below) - function(above)")),
    central("a step of its own", "use the step h that is given, not one of your own",
            ("    gradient = np.zeros", "    h = 1e-5\n    gradient = np.zeros")),
    central("all entries at once", "only one entry may move at a time: moving all gives one number for all entries",
            ("above[index] += h", "above += h"), ("below[index] -= h", "below -= h")),
    central("not moved back", "move each entry back before the next one moves",
            ("    for index", "    above, below = x.copy(), x.copy()\n    for index"),
            ("        above, below = x.copy(), x.copy()\n        above", "        above")),
    central("copies forgotten", "", ("above, below = x.copy(), x.copy()", "above, below = x, x")),
    central("array of integers", "the array for the results holds integers and cuts off what follows the point",
            ("np.zeros(x.shape)", "np.zeros(x.shape, dtype=int)")),
    central("rows instead of entries", "whole rows move: loop over every entry, np.ndindex(x.shape)",
            ("for index in np.ndindex(x.shape):", "for index in range(len(x)):")),
    central("absolute value", "slopes may be negative: no absolute value",
            ("(function(above) - function(below))", "abs(function(above) - function(below))")),
]
RIGHT_CENTRALS = [
    right("central_difference", "unit vectors", '''
def central_difference(function, x, h):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    slopes = [(function(x + h * unit) - function(x - h * unit)) / (2 * h) for unit in units]
    return np.array(slopes).reshape(x.shape)
'''),
    right("central_difference", "mean of both one-sided slopes", '''
def central_difference(function, x, h):
    here, flat, slopes = function(x), x.ravel(), []
    for i in range(x.size):
        ends = []
        for step in (h, -h):
            moved = flat.copy()
            moved[i] += step
            ends.append((function(moved.reshape(x.shape)) - here) / step)
        slopes.append(sum(ends) / 2)
    return np.reshape(slopes, x.shape)
'''),
]

# --------------------------------------------------------------------------------------------------- complex_step

COMPLEX = '''
def complex_step(function, x):
    h = 1e-20
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1j * h
        gradient[index] = function(moved).imag / h
    return gradient
'''
TOO_ROUGH = "right, but not to 12 digits: the step must be tiny, and nothing may be subtracted"
step = wrong("complex_step", COMPLEX)
STEPS = [
    step("real part", "the derivative stands in the imaginary part", (".imag", ".real")),
    step("not divided", "divide by h", (".imag / h", ".imag")),
    step("long step", TOO_ROUGH, ("1e-20", "1e-4")),
    step("forward difference", TOO_ROUGH,
         ("1e-20", "1e-7"), ("1j * h", "h"), ("function(moved).imag", "(function(moved).real - function(x))")),
    step("central difference", TOO_ROUGH,
         ("1e-20", "1e-5"), ("        moved[index] += 1j * h\n", ""),
         ("function(moved).imag / h", "(function(moved + h * (np.arange(x.size).reshape(x.shape) == "
          "np.ravel_multi_index(index, x.shape))) - function(moved - h * (np.arange(x.size).reshape(x.shape) == "
          "np.ravel_multi_index(index, x.shape)))).real / (2 * h)")),
    step("all entries at once", "only one entry may move at a time", ("moved[index] += 1j * h", "moved += 1j * h")),
    step("not moved back", "move each entry back before the next one moves",
         ("    for index", "    moved = x.astype(complex)\n    for index"),
         ("        moved = x.astype(complex)\n        moved[", "        moved[")),
    step("size of the number", "the derivative stands in the imaginary part",
         ("function(moved).imag / h", "abs(function(moved)) / h")),
    step("divided by 2h", "half as large as it should be: divide by h; there are no two sides here",
         ("/ h", "/ (2 * h)")),
    step("sign", "the sign is wrong: Im f(x + ih) / h", ("+= 1j", "-= 1j")),
    step("difference of complex values", "the real parts cancel to nothing but rounding: take the imaginary part alone",
         ("function(moved).imag / h", "(function(moved) - function(x)).real / h")),
]
RIGHT_STEPS = [
    right("complex_step", "unit vectors", '''
def complex_step(function, x):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([np.imag(function(x + 1e-30j * unit)) * 1e30 for unit in units]).reshape(x.shape)
'''),
    right("complex_step", "a larger, but small enough step", '''
def complex_step(function, x):
    moved, gradient = x.astype(np.complex128), np.empty_like(x)
    for index, value in np.ndenumerate(x):
        moved[index] = complex(value, 1e-12)
        gradient[index] = function(moved).imag / 1e-12
        moved[index] = value
    return gradient
'''),
]

# ------------------------------------------------------------------------------------------------ taylor_exponent

TAYLOR = '''
def taylor_exponent(function, x, gradient, direction, steps):
    base = function(x)
    predicted = (gradient * direction).sum()
    remainders = np.array([abs(function(x + h * direction) - base - h * predicted) for h in steps])
    return float(np.polyfit(np.log(steps), np.log(remainders), 1)[0])
'''
taylor = wrong("taylor_exponent", TAYLOR)
TAYLORS = [
    taylor("without the forecast", "the forecast h ⟨g, d⟩ is not subtracted", (" - h * predicted", "")),
    taylor("forecast without h", "the forecast is h ⟨g, d⟩: the step is missing", ("- h * predicted", "- predicted")),
    taylor("plus", "the forecast must be subtracted, not added", ("- h * predicted", "+ h * predicted")),
    taylor("no absolute value", "a remainder may be negative: take its absolute value before the logarithm",
           ("abs(function(x + h * direction) - base - h * predicted)",
            "function(x + h * direction) - base - h * predicted")),
    taylor("axes exchanged", "the axes are exchanged: log remainder upwards, log h along",
           ("np.polyfit(np.log(steps), np.log(remainders), 1)", "np.polyfit(np.log(remainders), np.log(steps), 1)")),
    taylor("no logarithms", "the line goes through logarithms: log h and log remainder",
           ("np.log(steps), np.log(remainders)", "steps, remainders")),
    taylor("intercept", "this is the line's height, not its slope: polyfit gives the slope first",
           ("1)[0]", "1)[1]")),
    taylor("first and last point only", "use all points for the line, not the first and the last only",
           ("float(np.polyfit(np.log(steps), np.log(remainders), 1)[0])",
            "float(np.log(remainders[-1] / remainders[0]) / np.log(steps[-1] / steps[0]))")),
    taylor("mean of the local slopes", "use least squares through all points, not the mean of the slopes between them",
           ("float(np.polyfit(np.log(steps), np.log(remainders), 1)[0])",
            "float(np.mean(np.diff(np.log(remainders)) / np.diff(np.log(steps))))")),
    taylor("length of the gradient", "⟨g, d⟩ is the sum of the products, not the product of the lengths",
           ("(gradient * direction).sum()", "np.linalg.norm(gradient) * np.linalg.norm(direction)")),
    taylor("mean of the products", "⟨g, d⟩ is the sum of the products, not their mean",
           ("(gradient * direction).sum()", "(gradient * direction).mean()")),
    taylor("divided by h", "this divides the remainder by h: the exponent is 1 too small",
           ("- h * predicted)", "- h * predicted) / h")),
]
RIGHT_TAYLORS = [
    right("taylor_exponent", "covariance over variance", '''
def taylor_exponent(function, x, gradient, direction, steps):
    rest = [abs(function(x + h * direction) - function(x) - h * np.vdot(gradient, direction)) for h in steps]
    covariance = np.cov(np.log10(steps), np.log10(rest))
    return float(covariance[0, 1] / covariance[0, 0])
'''),
    right("taylor_exponent", "lstsq", '''
def taylor_exponent(function, x, gradient, direction, steps):
    rest = [function(x + h * direction) - function(x) - (gradient * h * direction).sum() for h in steps]
    table = np.stack([np.log(steps), np.ones(len(steps))], axis=1)
    return np.linalg.lstsq(table, np.log(np.abs(rest)), rcond=None)[0][0]
'''),
]

# ------------------------------------------------------------------------------------------------ linear_backward

LINEAR = '''
def linear_backward(d_output, x, weight):
    rows = d_output.reshape(-1, d_output.shape[-1])
    inputs = x.reshape(-1, x.shape[-1])
    d_weight = rows.T @ inputs
    d_bias = rows.sum(axis=0)
    return d_output @ weight, d_weight, d_bias
'''
linear = wrong("linear_backward", LINEAR)
LINEARS = [
    linear("bias averaged", "d_bias: every row uses the bias, so their gradients add up; this is their mean",
           ("rows.sum(axis=0)", "rows.mean(axis=0)")),
    linear("weight averaged", "d_weight: every row uses the weight, so their gradients add up; this is their mean",
           ("rows.T @ inputs", "rows.T @ inputs / len(rows)")),
    linear("averaged over the batch", "d_weight is divided by the batch size: nothing in the forward pass divides",
           ("rows.T @ inputs", "rows.T @ inputs / len(x)")),
    linear("bias summed over the first axis only", "d_bias must have shape (O,): sum over all leading axes",
           ("rows.sum(axis=0)", "d_output.sum(axis=0)")),
    linear("bias from the first row", "d_bias: only the first row is in it; sum over all rows",
           ("rows.sum(axis=0)", "rows[0]")),
    linear("bias forgotten", "d_bias is 0: y moves one to one with b",
           ("rows.sum(axis=0)", "np.zeros(weight.shape[0])")),
    linear("weight transposed", "d_weight must have the shape of the weight, (O, I), and is transposed",
           ("rows.T @ inputs", "inputs.T @ rows")),
    linear("weight from the last text", "d_weight: only the last text is in it; sum over all of them",
           ("rows.T @ inputs", "np.atleast_2d(d_output[-1]).reshape(-1, rows.shape[1]).T "
                               "@ np.atleast_2d(x[-1]).reshape(-1, inputs.shape[1])")),
    linear("one weight gradient for each text", "d_weight must have shape (O, I): sum over all leading axes",
           ("rows.T @ inputs", "np.einsum('b...o,b...i->boi', d_output, x)")),
    linear("input times transposed weight", "d_x = d_output W: the weight is not transposed here",
           ("d_output @ weight,", "d_output @ weight.T,")),
    linear("order", "the order is d_x, d_weight, d_bias",
           ("return d_output @ weight, d_weight, d_bias", "return d_weight, d_output @ weight, d_bias")),
]
RIGHT_LINEARS = [
    right("linear_backward", "einsum", '''
def linear_backward(d_output, x, weight):
    d_rows, rows = d_output.reshape(-1, d_output.shape[-1]), x.reshape(-1, x.shape[-1])
    d_x = np.einsum("...o,oi->...i", d_output, weight)
    return d_x, np.einsum("no,ni->oi", d_rows, rows), np.einsum("no->o", d_rows)
'''),
    right("linear_backward", "a loop over all rows", '''
def linear_backward(d_output, x, weight):
    d_x, d_weight, d_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros(len(weight))
    for row in np.ndindex(x.shape[:-1]):
        d_x[row] = weight.T @ d_output[row]
        d_weight += np.outer(d_output[row], x[row])
        d_bias += d_output[row]
    return d_x, d_weight, d_bias
'''),
]

# --------------------------------------------------------------------------------------------- embedding_backward

EMBEDDING = '''
def embedding_backward(d_output, ids, vocab_size):
    d_table = np.zeros((vocab_size, d_output.shape[-1]))
    np.add.at(d_table, ids, d_output)
    return d_table
'''
embedding = wrong("embedding_backward", EMBEDDING)
EMBEDDINGS = [
    embedding("+=", "only one of the gradients of a token that repeats is left, but they add up: use np.add.at",
              ("np.add.at(d_table, ids, d_output)", "d_table[ids] += d_output")),
    embedding("=", "only one of the gradients of a token that repeats is left, but they add up: use np.add.at",
              ("np.add.at(d_table, ids, d_output)",
               "for b, t in np.ndindex(ids.shape):\n        d_table[ids[b, t]] = d_output[b, t]")),
    embedding("averaged over occurrences", "gradients of a token that repeats add up; this is their mean",
              ("    return d_table",
               "    return d_table / np.maximum(np.bincount(ids.ravel(), minlength=vocab_size), 1)[:, None]")),
    embedding("first occurrence only", "only the first occurrence of each token is in it: all of them add up",
              ("np.add.at(d_table, ids, d_output)",
               "seen, first = np.unique(ids, return_index=True)\n"
               "    d_table[seen] = d_output.reshape(-1, d_output.shape[-1])[first]")),
    embedding("averaged over the batch", "it is divided by the batch size: nothing in the look-up divides",
              ("return d_table", "return d_table / len(ids)")),
    embedding("first text only", "only the first text is in it: sum over the batch",
              ("ids, d_output)", "ids[0], d_output[0])")),
    embedding("ones instead of gradients", "this counts the tokens: add d_output, not 1",
              ("ids, d_output)", "ids, 1.0)")),
    embedding("one text after the other with +=",
              "within a text, d_table[ids] += … keeps only one gradient of a token that repeats: use np.add.at",
              ("np.add.at(d_table, ids, d_output)",
               "for row, d_row in zip(ids, d_output):\n        d_table[row] += d_row")),
    embedding("size of what occurs", "the table has vocab_size rows, also for tokens that do not occur",
              ("(vocab_size, ", "(ids.max() + 1, ")),
    embedding("shifted by one", "every row stands one place too far down",
              ("return d_table", "return np.roll(d_table, 1, axis=0)")),
]
RIGHT_EMBEDDINGS = [
    right("embedding_backward", "one-hot rows", '''
def embedding_backward(d_output, ids, vocab_size):
    one_hot = np.eye(vocab_size)[ids.ravel()]
    return one_hot.T @ d_output.reshape(-1, d_output.shape[-1])
'''),
    right("embedding_backward", "a loop", '''
def embedding_backward(d_output, ids, vocab_size):
    d_table = np.zeros((vocab_size, d_output.shape[-1]))
    for b in range(ids.shape[0]):
        for t in range(ids.shape[1]):
            d_table[ids[b, t]] += d_output[b, t]
    return d_table
'''),
    right("embedding_backward", "bincount for each column", '''
def embedding_backward(d_output, ids, vocab_size):
    columns = [np.bincount(ids.ravel(), weights=column, minlength=vocab_size)
               for column in d_output.reshape(-1, d_output.shape[-1]).T]
    return np.stack(columns, axis=1)
'''),
]

# ----------------------------------------------------------------------------------------------- softmax_backward

SOFTMAX = '''
def softmax_backward(d_weights, weights):
    average = (d_weights * weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - average)
'''
softmax = wrong("softmax_backward", SOFTMAX)
SOFTMAXES = [
    softmax("passed on", "softmax's Jacobian is missing: the gradient of the weights was passed on as it is",
            ("return weights * (d_weights - average)", "return d_weights.copy()")),
    softmax("only scaled by the weights", "the weighted average is not subtracted: raising one score lowers all others",
            ("(d_weights - average)", "d_weights")),
    softmax("diagonal only", "only the Jacobian's diagonal was used: every score moves every weight of its row",
            ("(d_weights - average)", "d_weights * (1 - weights)")),
    softmax("plain mean", "subtract the average *weighted by the weights*, not the plain mean",
            ("(d_weights * weights).sum(", "d_weights.mean(")),
    softmax("plain sum", "the average is to be weighted: Σ d_j w_j, not Σ d_j",
            ("(d_weights * weights).sum(", "d_weights.sum(")),
    softmax("whole array", "average each row, not the whole array",
            ("sum(axis=-1, keepdims=True)", "sum()")),
    softmax("wrong axis", "the softmax is over the last axis; this averages along the first",
            ("axis=-1", "axis=0")),
    softmax("plus", "the average must be subtracted, not added", ("d_weights - average", "d_weights + average")),
    softmax("mean of the products", "Σ d_j w_j is a sum: the weights already sum to 1", (".sum(", ".mean(")),
    softmax("weights missing in front", "the factor w_i in front of the bracket is missing",
            ("weights * (d_weights - average)", "d_weights - average")),
    softmax("through the logarithm", "a weight may be exactly 0: do not divide by it, nor take its logarithm",
            ("return weights * (d_weights - average)",
             "return weights * (d_weights - average * np.exp(np.log(weights)) / weights)")),
]
RIGHT_SOFTMAXES = [
    right("softmax_backward", "the whole Jacobian", '''
def softmax_backward(d_weights, weights):
    jacobian = weights[..., :, None] * np.eye(weights.shape[-1]) - weights[..., :, None] * weights[..., None, :]
    return (jacobian @ d_weights[..., None])[..., 0]
'''),
    right("softmax_backward", "product first", '''
def softmax_backward(d_weights, weights):
    product = d_weights * weights
    return product - weights * product.sum(-1)[..., np.newaxis]
'''),
]

# ----------------------------------------------------------------------------------------- cross_entropy_backward

ENTROPY = '''
def cross_entropy_backward(d_loss, logits, targets, ignore_index=-100):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    p = np.exp(shifted)
    p /= p.sum(axis=-1, keepdims=True)
    scored = targets != ignore_index
    wanted = np.zeros(logits.shape)
    wanted[(*np.nonzero(scored), targets[scored])] = 1
    d_logits = p - wanted
    d_logits[~scored] = 0
    return d_loss * d_logits / scored.sum()
'''
entropy = wrong("cross_entropy_backward", ENTROPY)
ENTROPIES = [
    entropy("divided by all tokens", "divide by the number of scored tokens, not of all tokens",
            ("/ scored.sum()", "/ targets.size")),
    entropy("summed", "the loss is a mean: divide by the number of scored tokens", (" / scored.sum()", "")),
    entropy("divided by the batch size", "divide by the number of scored tokens, not by the number of texts",
            ("/ scored.sum()", "/ len(targets)")),
    entropy("ignored not set to 0", "tokens that are not scored must get 0", ("    d_logits[~scored] = 0\n", "")),
    entropy("upstream forgotten", "the factor d_loss is missing", ("d_loss * d_logits", "d_logits")),
    entropy("sign", "the sign is wrong: probability minus wanted, not wanted minus probability",
            ("p - wanted", "wanted - p")),
    entropy("wanted not subtracted", "this is the probability alone: subtract 1 at the target",
            ("p - wanted", "p.copy()")),
    entropy("only the target's entry", "every class has a gradient, not only the target",
            ("p - wanted", "(p - wanted) * wanted")),
    entropy("no maximum subtracted", "wrong for large logits: subtract the largest of the row before exp",
            ("logits - logits.max(axis=-1, keepdims=True)", "logits")),
    entropy("averaged over the classes", "it is divided by the number of classes as well: the mean runs over tokens",
            ("/ scored.sum()", "/ scored.sum() / logits.shape[-1]")),
    entropy("ignore_index taken as -100", "ignore_index is an argument: it need not be -100",
            ("targets != ignore_index", "targets != -100")),
    entropy("each text's mean", "the mean runs over all scored tokens together, not over each text's own mean",
            ("/ scored.sum()", "/ scored.sum(axis=1)[:, None, None] / len(targets)")),
]
RIGHT_ENTROPIES = [
    right("cross_entropy_backward", "one-hot rows and log-sum-exp", '''
def cross_entropy_backward(d_loss, logits, targets, ignore_index=-100):
    scored = (targets != ignore_index)[..., None]
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    one_hot = np.arange(logits.shape[-1]) == targets[..., None]
    return np.where(scored, p - one_hot, 0.0) * (d_loss / np.count_nonzero(scored))
'''),
    right("cross_entropy_backward", "a loop over tokens", '''
def cross_entropy_backward(d_loss, logits, targets, ignore_index=-100):
    d_logits, n = np.zeros_like(logits), (targets != ignore_index).sum()
    for b, t in np.argwhere(targets != ignore_index):
        e = np.exp(logits[b, t] - logits[b, t].max())
        d_logits[b, t] = e / e.sum() * d_loss / n
        d_logits[b, t, targets[b, t]] -= d_loss / n
    return d_logits
'''),
]

# -------------------------------------------------------------------------------------------------- gelu_backward

GELU = '''
def gelu_backward(d_output, x):
    c, a = np.sqrt(2 / np.pi), 0.044715
    tanh = np.tanh(c * (x + a * x**3))
    inner = c * (1 + 3 * a * x**2)
    return d_output * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner)
'''
gelu = wrong("gelu_backward", GELU)
GELUS = [
    gelu("second term forgotten", "x stands in two places: the product rule's second term is missing",
         (" + 0.5 * x * (1 - tanh**2) * inner", "")),
    gelu("first term forgotten", "x stands in two places: the product rule's first term is missing",
         ("0.5 * (1 + tanh) + ", "")),
    gelu("the 3 forgotten", "the derivative of x³ is 3x²: the 3 is missing", ("3 * a", "a")),
    gelu("1 - tanh", "the derivative of tanh is 1 - tanh², not 1 - tanh", ("1 - tanh**2", "1 - tanh")),
    gelu("√(2/π) forgotten", "the factor √(2/π) of the inner derivative is missing", ("inner = c * ", "inner = ")),
    gelu("inner derivative forgotten", "the chain rule's last link is missing: the derivative of u", (" * inner", "")),
    gelu("exact GELU", "this is the derivative of the exact GELU, x Φ(x), not of the tanh form",
         ("return d_output * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner)",
          "import math\n    phi = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)\n"
          "    return d_output * (0.5 * (1 + np.vectorize(math.erf)(x / np.sqrt(2))) + x * phi)")),
    gelu("the ½ forgotten", "twice too large: the ½ is missing", ("0.5 * (1 + tanh) + 0.5 * x", "(1 + tanh) + x")),
    gelu("upstream forgotten", "the upstream gradient d_output is not multiplied in", ("d_output * (0", "1.0 * (0")),
    gelu("x missing in the second term", "in the second term, the factor x is missing", ("0.5 * x * (1", "0.5 * (1")),
    gelu("sigmoid form", "this is the derivative of x σ(1.702 x), another approximation",
         ("return d_output * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * inner)",
          "s = 1 / (1 + np.exp(-1.702 * x))\n    return d_output * (s + 1.702 * x * s * (1 - s))")),
]
RIGHT_GELUS = [
    right("gelu_backward", "as x times a sigmoid of 2u", '''
def gelu_backward(d_output, x):
    c = 2 * np.sqrt(2 / np.pi)
    s = 0.5 * (1 + np.tanh(0.5 * c * (x + 0.044715 * x**3)))
    return d_output * (s + x * s * (1 - s) * c * (1 + 0.134145 * x**2))
'''),
    right("gelu_backward", "step by step, one operation after the other", '''
def gelu_backward(d_output, x):
    u = np.sqrt(2 / np.pi) * x + np.sqrt(2 / np.pi) * 0.044715 * x * x * x
    t = np.tanh(u)
    d_t = d_output * 0.5 * x
    d_u = d_t * (1 - t) * (1 + t)
    d_x = d_output * 0.5 * (t + 1)
    return d_x + d_u * np.sqrt(2 / np.pi) + d_u * np.sqrt(2 / np.pi) * 0.044715 * 3 * x * x
'''),
]

# -------------------------------------------------------------------------------------------- layer_norm_backward

NORM = '''
def layer_norm_backward(d_output, x, weight, epsilon):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt(variance + epsilon)
    n = centred * r
    g = d_output * weight
    mean_term = g.mean(axis=-1, keepdims=True)
    variance_term = n * (g * n).mean(axis=-1, keepdims=True)
    d_x = r * (g - mean_term - variance_term)
    tokens = tuple(range(x.ndim - 1))
    d_weight = (d_output * n).sum(axis=tokens)
    d_bias = d_output.sum(axis=tokens)
    return d_x, d_weight, d_bias
'''
norm = wrong("layer_norm_backward", NORM)
NORMS = [
    norm("mean's road forgotten", "d_x: the road through the mean is missing", ("g - mean_term - ", "g - ")),
    norm("variance's road forgotten", "d_x: the road through the variance is missing", (" - variance_term)", ")")),
    norm("mean and variance constant", "d_x: mean and variance depend on x, too; two roads are missing",
         ("(g - mean_term - variance_term)", "g")),
    norm("γ forgotten in d_x", "d_x: the gradient passes through γ first: multiply d_output by the weight",
         ("g = d_output * weight", "g = d_output.copy()")),
    norm("not divided by the deviation", "d_x: the factor 1/√(σ² + ε) in front is missing",
         ("r * (g - mean", "1.0 * (g - mean")),
    norm("divided by the variance", "d_x is divided by σ² + ε, but only its root belongs there",
         ("d_x = r * (", "d_x = r**2 * (")),
    norm("ε forgotten", "ε is not small here: it stands under the root, beside the variance", (" + epsilon", "")),
    norm("ε outside of the root", "ε stands under the root, not beside it",
         ("1 / np.sqrt(variance + epsilon)", "1 / (np.sqrt(variance) + epsilon)")),
    norm("variance over D - 1", "the variance divides by D, not by D - 1",
         ("(centred**2).mean(axis=-1, keepdims=True)", "x.var(axis=-1, ddof=1, keepdims=True)")),
    norm("γ's gradient without x̂", "d_weight: γ multiplies the normalised token, which is missing",
         ("(d_output * n).sum", "d_output.sum")),
    norm("γ's gradient with x", "d_weight: γ multiplies the normalised token x̂, not x",
         ("(d_output * n).sum", "(d_output * x).sum")),
    norm("γ and β averaged", "d_weight and d_bias: all tokens share γ and β, so gradients add up; these are means",
         (".sum(axis=tokens)", ".mean(axis=tokens)")),
    norm("summed over the first axis only", "d_weight and d_bias must have shape (D,): sum over all leading axes",
         ("tuple(range(x.ndim - 1))", "0")),
    norm("γ and β swapped", "d_weight and d_bias are swapped",
         ("return d_x, d_weight, d_bias", "return d_x, d_bias, d_weight")),
    norm("sign of the variance's road", "d_x: the road through the variance has the wrong sign",
         ("- variance_term", "+ variance_term")),
]
RIGHT_NORMS = [
    right("layer_norm_backward", "step by step through variance and mean", '''
def layer_norm_backward(d_output, x, weight, epsilon):
    width = x.shape[-1]
    mu = x.mean(-1, keepdims=True)
    variance = x.var(-1, keepdims=True)
    n = (x - mu) / np.sqrt(variance + epsilon)
    d_n = d_output * weight
    d_variance = (d_n * (x - mu) * -0.5 * (variance + epsilon) ** -1.5).sum(-1, keepdims=True)
    d_mu = (-d_n / np.sqrt(variance + epsilon)).sum(-1, keepdims=True)
    d_x = d_n / np.sqrt(variance + epsilon) + d_variance * 2 * (x - mu) / width + d_mu / width
    return d_x, (d_output * n).reshape(-1, width).sum(0), d_output.reshape(-1, width).sum(0)
'''),
    right("layer_norm_backward", "the whole Jacobian", '''
def layer_norm_backward(d_output, x, weight, epsilon):
    width = x.shape[-1]
    centre = np.eye(width) - 1 / width
    r = 1 / np.sqrt(x.var(axis=-1) + epsilon)
    n = (x @ centre) * r[..., None]
    jacobian = r[..., None, None] * (centre - n[..., :, None] * n[..., None, :] / width)
    d_x = np.einsum("...ij,...j->...i", jacobian, d_output * weight)
    d_rows, rows = d_output.reshape(-1, width), n.reshape(-1, width)
    return d_x, np.einsum("ni,ni->i", d_rows, rows), np.einsum("ni->i", d_rows)
'''),
]

# --------------------------------------------------------------------------------------------- attention_backward

ATTENTION = '''
def attention_backward(d_output, query, key, value):
    scale = 1 / np.sqrt(query.shape[-1])
    scores = scale * (query @ key.swapaxes(-2, -1))
    allowed = np.tri(scores.shape[-1], dtype=bool)
    scores = np.where(allowed, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    d_value = weights.swapaxes(-2, -1) @ d_output
    d_weights = d_output @ value.swapaxes(-2, -1)
    d_scores = weights * (d_weights - (d_weights * weights).sum(axis=-1, keepdims=True))
    d_query = scale * (d_scores @ key)
    d_key = scale * (d_scores.swapaxes(-2, -1) @ query)
    return d_query, d_key, d_value
'''
attention = wrong("attention_backward", ATTENTION)
ATTENTIONS = [
    attention("no mask", "the causal mask is missing: token t looks at the tokens 0 to t only",
              ("np.where(allowed, scores, -np.inf)", "scores")),
    attention("mask hides the past", "the mask is the wrong way round: the past is seen, the future hidden",
              ("np.where(allowed,", "np.where(allowed.T,")),
    attention("√K forgotten on the way back", "the factor 1/√K is missing on the way back: the scores were scaled",
              ("scale * (d_scores", "(d_scores")),
    attention("√K forgotten for the key", "d_key: the factor 1/√K is missing",
              ("scale * (d_scores.swap", "(d_scores.swap")),
    attention("√K forgotten everywhere", "the scores are to be divided by √K, in both directions",
              ("1 / np.sqrt(query.shape[-1])", "1.0")),
    attention("divided by K", "the scores are divided by √K, not by K",
              ("1 / np.sqrt(query.shape[-1])", "1 / query.shape[-1]")),
    attention("√ of the number of tokens", "the scale is 1/√K with K the width of a query, not the number of tokens",
              ("query.shape[-1])", "query.shape[-2])")),
    attention("√ of the value's width", "the scale is 1/√K with K the width of a query, not of a value",
              ("query.shape[-1])", "value.shape[-1])")),
    attention("softmax's Jacobian ignored", "softmax's Jacobian is missing between weights and scores",
              ("weights * (d_weights - (d_weights * weights).sum(axis=-1, keepdims=True))", "d_weights")),
    attention("softmax only scaled", "softmax's backward lacks the weighted average, which is to be subtracted",
              ("(d_weights - (d_weights * weights).sum(axis=-1, keepdims=True))", "d_weights")),
    attention("key not transposed", "d_key: score (t, u) belongs to key u, so d_scores must be transposed",
              ("d_scores.swapaxes(-2, -1) @ query", "d_scores @ query")),
    attention("value not transposed", "d_value: weight (t, u) belongs to value u, so the weights must be transposed",
              ("weights.swapaxes(-2, -1) @ d_output", "weights @ d_output")),
    attention("swapped", "d_query and d_key are swapped", ("return d_query, d_key,", "return d_key, d_query,")),
    attention("no maximum subtracted", "large scores overflow: subtract the row's maximum before exp",
              ("np.exp(scores - scores.max(axis=-1, keepdims=True))", "np.exp(scores)")),
    attention("masked with 0", "a hidden score must be -inf before the softmax; with 0 it still gets a weight",
              ("scores, -np.inf)", "scores, 0.0)")),
]
RIGHT_ATTENTIONS = [
    right("attention_backward", "one query after the other", '''
def attention_backward(d_output, query, key, value):
    d_query, d_key, d_value = np.zeros_like(query), np.zeros_like(key), np.zeros_like(value)
    root = query.shape[-1] ** 0.5
    for head in np.ndindex(query.shape[:-2]):
        for t in range(query.shape[-2]):
            seen = slice(0, t + 1)
            s = key[head][seen] @ query[head][t] / root
            w = np.exp(s - s.max())
            w /= w.sum()
            d_w = value[head][seen] @ d_output[head][t]
            d_s = (np.diag(w) - np.outer(w, w)) @ d_w / root
            d_value[head][seen] += np.outer(w, d_output[head][t])
            d_query[head][t] = d_s @ key[head][seen]
            d_key[head][seen] += np.outer(d_s, query[head][t])
    return d_query, d_key, d_value
'''),
    right("attention_backward", "einsum, with Σ w d_w taken as y · d_y", '''
def attention_backward(d_output, query, key, value):
    scaled = query / np.sqrt(query.shape[-1])
    scores = np.einsum("...tk,...uk->...tu", scaled, key)
    future = np.triu(np.ones(scores.shape[-2:], dtype=bool), 1)
    scores = scores + np.where(future, -np.inf, 0.0)
    w = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
    output = np.einsum("...tu,...um->...tm", w, value)
    d_w = np.einsum("...tm,...um->...tu", d_output, value)
    d_s = w * (d_w - (output * d_output).sum(-1, keepdims=True))
    d_query = np.einsum("...tu,...uk->...tk", d_s, key) / np.sqrt(query.shape[-1])
    return d_query, np.einsum("...tu,...tk->...uk", d_s, scaled), np.einsum("...tu,...tm->...um", w, d_output)
'''),
]

# -------------------------------------------------------------------------------------------- clip_by_global_norm

CLIP = '''
def clip_by_global_norm(gradients, max_norm):
    norm = float(np.sqrt(sum((g**2).sum() for g in gradients.values())))
    factor = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return {name: g * factor for name, g in gradients.items()}, norm
'''
clip = wrong("clip_by_global_norm", CLIP)
CLIPS = [
    clip("each array on its own", "each array was shortened on its own, which turns the gradient: one factor for all",
         ("g * factor for", "g * min(1.0, max_norm / max(np.linalg.norm(g), 1e-300)) for")),
    clip("always rescaled", "a gradient that is short enough must stay as it is",
         ("min(1.0, max_norm / norm)", "max_norm / norm")),
    clip("entry by entry", "single entries were cut off, which turns the gradient: one factor for all",
         ("g * factor for", "np.clip(g, -max_norm, max_norm) for")),
    clip("root forgotten", "the length is the root of the sum of squares; the root is missing",
         ("float(np.sqrt(sum((g**2).sum() for g in gradients.values())))",
          "float(sum((g**2).sum() for g in gradients.values()))")),
    clip("sum of lengths", "the arrays' lengths were added: square, add, and take the root of all",
         ("float(np.sqrt(sum((g**2).sum() for g in gradients.values())))",
          "float(sum(np.linalg.norm(g) for g in gradients.values()))")),
    clip("largest length", "this is the longest array's length: all arrays count together",
         ("float(np.sqrt(sum((g**2).sum() for g in gradients.values())))",
          "float(max(np.linalg.norm(g) for g in gradients.values()))")),
    clip("mean of squares", "the length is the root of the sum of squares, not of their mean",
         ("(g**2).sum()", "(g**2).mean()")),
    clip("factor upside down", "the factor is upside down: max_norm / length",
         ("max_norm / norm)", "norm / max_norm)")),
    clip("larger of the two", "take the smaller of 1 and max_norm / length, not the larger", ("min(1.0", "max(1.0")),
    clip("small constant", "nothing is to be added to the length: the shortened gradient has exactly max_norm",
         ("max_norm / norm)", "max_norm / (norm + 1e-6))")),
    clip("division by 0", "all gradients 0: do not divide by 0",
         (" if norm > 0 else 1.0", "")),
    clip("length afterwards", "give the length before the shortening, not after it", ("}, norm", "}, norm * factor")),
    clip("in place", "", ("    return {", "    for g in gradients.values():\n        g *= factor\n    return {"),
         ("g * factor for", "g for")),
]
RIGHT_CLIPS = [
    right("clip_by_global_norm", "laid end to end", '''
def clip_by_global_norm(gradients, max_norm):
    length = np.linalg.norm(np.concatenate([g.ravel() for g in gradients.values()]))
    if length <= max_norm:
        return {name: g.copy() for name, g in gradients.items()}, length
    return {name: max_norm * g / length for name, g in gradients.items()}, length
'''),
    right("clip_by_global_norm", "divided by the larger of 1 and length / max_norm", '''
def clip_by_global_norm(gradients, max_norm):
    squares = 0.0
    for g in gradients.values():
        squares += float(np.vdot(g, g))
    divisor = max(1.0, squares**0.5 / max_norm)
    return {name: g / divisor for name, g in gradients.items()}, squares**0.5
'''),
]

# ----------------------------------------------------------------------------------------------------- adamw_step

ADAMW = '''
def adamw_step(theta, gradient, state, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    t = state["step"] + 1
    m = beta1 * state["mean"] + (1 - beta1) * gradient
    v = beta2 * state["square"] + (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    step = m_hat / (np.sqrt(v_hat) + epsilon)
    new = theta - learning_rate * step - learning_rate * weight_decay * theta
    return new, {"step": t, "mean": m, "square": v}
'''
adamw = wrong("adamw_step", ADAMW)
ADAMWS = [
    adamw("no correction of the start", "m and v start at 0: divide by 1 - β₁ᵗ and 1 - β₂ᵗ",
          ("m / (1 - beta1**t)", "m"), ("v / (1 - beta2**t)", "v")),
    adamw("only m corrected", "v starts at 0, too: divide it by 1 - β₂ᵗ", ("v / (1 - beta2**t)", "v")),
    adamw("ε inside the root", "ε stands outside of the root",
          ("np.sqrt(v_hat) + epsilon", "np.sqrt(v_hat + epsilon)")),
    adamw("ε added before the correction", "ε is added after v was corrected: √(v / (1 - β₂ᵗ)) + ε",
          ("np.sqrt(v_hat) + epsilon", "(np.sqrt(v) + epsilon) / np.sqrt(1 - beta2**t)")),
    adamw("decay through the gradient", "the decay is decoupled: λθ is not added to the gradient, but taken off θ",
          ("    m = beta1", "    gradient = gradient + weight_decay * theta\n    m = beta1"),
          (" - learning_rate * weight_decay * theta", "")),
    adamw("decay without the learning rate", "the decay is ηλθ: the learning rate is missing",
          ("learning_rate * weight_decay * theta", "weight_decay * theta")),
    adamw("no decay", "the weight decay ηλθ is missing", (" - learning_rate * weight_decay * theta", "")),
    adamw("decay of the new θ", "the decay takes its share of the old θ, not of the updated one",
          ("    new = theta - learning_rate * step - learning_rate * weight_decay * theta",
           "    new = theta - learning_rate * step\n    new = new - learning_rate * weight_decay * new")),
    adamw("steps counted from 0", "the first update has t = 1: count before you correct",
          ('t = state["step"] + 1', 't = max(state["step"], 1)'), ('"step": t', '"step": state["step"] + 1')),
    adamw("step not remembered", "the new state must count this update", ('"step": t', '"step": state["step"]')),
    adamw("betas exchanged", "β₁ belongs to the mean of g, β₂ to that of g²",
          ("    t = state", "    beta1, beta2 = beta2, beta1\n    t = state")),
    adamw("corrected moments remembered", "remember m and v themselves, not the corrected ones",
          ('"mean": m, "square": v}', '"mean": m_hat, "square": v_hat}')),
    adamw("root forgotten", "divide by the root of v, not by v", ("np.sqrt(v_hat)", "v_hat")),
    adamw("upwards", "θ moves against the gradient: subtract the step", ("theta - learning_rate * step",
                                                                         "theta + learning_rate * step")),
    adamw("state changed in place", "",
          ('    t = state["step"] + 1\n', '    state["step"] += 1\n    t = state["step"]\n')),
]
RIGHT_ADAMWS = [
    right("adamw_step", "in PyTorch's order: decay first", '''
def adamw_step(theta, gradient, state, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    t = state["step"] + 1
    mean = state["mean"] + (1 - beta1) * (gradient - state["mean"])
    square = state["square"] * beta2 + (1 - beta2) * gradient * gradient
    divisor = np.sqrt(square) / np.sqrt(1 - beta2**t) + epsilon
    decayed = theta * (1 - learning_rate * weight_decay)
    return decayed - learning_rate / (1 - beta1**t) * mean / divisor, {"step": t, "mean": mean, "square": square}
'''),
    right("adamw_step", "a copy of the state, changed", '''
def adamw_step(theta, gradient, state, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    new = {"step": state["step"] + 1}
    for name, beta, seen in (("mean", beta1, gradient), ("square", beta2, np.square(gradient))):
        new[name] = beta * state[name] + (1 - beta) * seen
    first, second = (1 - beta ** new["step"] for beta in (beta1, beta2))
    direction = new["mean"] / first / (np.sqrt(new["square"] / second) + epsilon)
    return theta - learning_rate * (direction + weight_decay * theta), new
'''),
]

WRONG = [*CENTRALS, *STEPS, *TAYLORS, *LINEARS, *EMBEDDINGS, *SOFTMAXES, *ENTROPIES, *GELUS, *NORMS, *ATTENTIONS,
         *CLIPS, *ADAMWS]  # fmt: skip
RIGHT = [*RIGHT_CENTRALS, *RIGHT_STEPS, *RIGHT_TAYLORS, *RIGHT_LINEARS, *RIGHT_EMBEDDINGS, *RIGHT_SOFTMAXES,
         *RIGHT_ENTROPIES, *RIGHT_GELUS, *RIGHT_NORMS, *RIGHT_ATTENTIONS, *RIGHT_CLIPS, *RIGHT_ADAMWS]  # fmt: skip
