"""Training: the whole course at work, from the first image to the error rate.

Nothing new is differentiated here. Two functions are missing before a network can be trained and
judged; the layers, losses and steps are those of the other files, which are handed in as well.
"""

import torch


def predict(logits):
    """The class of the largest number in each row.

    Args:
        logits: `(N, C)`, one number per class.

    Returns:
        int64 `(N,)`, in 0..C-1; where several numbers are largest, the lowest of their indices.
    """
    raise NotImplementedError("predict")


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    """The learning rate of a step: a linear warm-up, then half a cosine down to zero (Loshchilov &
    Hutter 2017, equation 5, without restarts; the warm-up is that of Goyal et al. 2017).

    In the first warmup_steps steps, which count from 0,

        lr = base_lr * (step + 1) / warmup_steps,

    and after them, with t = (step - warmup_steps) / (total_steps - warmup_steps),

        lr = base_lr * (1 + cos(pi * t)) / 2.

    Args:
        step: the number of the step, from 0 to total_steps.
        total_steps: how many steps there are, the warm-up's included.
        base_lr: the highest rate.
        warmup_steps: how many steps the warm-up has; 0 for none.

    Returns:
        lr, a float.
    """
    raise NotImplementedError("cosine_schedule")
