"""How the learning rate moves over a run."""

import math


def warmup_cosine(step, steps, peak, warmup_steps, final):
    """Rise linearly to the peak, then fall along half a cosine.

    Args:
        step: number of the update, from 0.
        steps: updates in the whole run.
        peak: highest learning rate.
        warmup_steps: updates that rise; update `warmup_steps` − 1 already has the peak.
        final: learning rate of the last update.
    Source: Loshchilov & Hutter (2017), equation 5, one period; warm-up as in Vaswani et al. (2017), section 5.3, but
        to a cosine, as GPT-1 (Radford et al. 2018, section 4.1) and GPT-3 (Brown et al. 2020, appendix B) train.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, steps - 1 - warmup_steps)
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
