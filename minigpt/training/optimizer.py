"""AdamW with decay where decay belongs, and the clipping of gradients."""

import torch


def make_optimizer(model, config):
    """AdamW over the trainable parameters: matrices and embeddings decay, biases and norms do not.

    Source: Loshchilov & Hutter (2019), algorithm 2; which parameters decay: Radford et al. (2018), section 4.1.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    # Fused: one kernel for all parameters, half the time of a small model's update.
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


@torch.no_grad()
def scale_and_clip(parameters, scale, max_norm):
    """Multiply all gradients by `scale`, then, if their joint L2 norm exceeds `max_norm`, shrink them to it.

    Returns:
        the norm after scaling, before clipping; the gradients are left alone where it is not finite.
    Source: Pascanu et al. (2013), algorithm 1.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(gradients)) * scale
    if norm < float("inf"):  # False for NaN, too
        torch._foreach_mul_(gradients, scale * min(1.0, max_norm / (norm + 1e-6)))
    return norm
