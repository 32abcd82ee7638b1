import numpy as np


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    warm = base_lr * (np.arange(warmup_steps) + 1.0) / max(warmup_steps, 1)
    if step < warmup_steps:
        return float(warm[step])
    t = np.float64(step - warmup_steps) / np.float64(total_steps - warmup_steps)
    return float(base_lr * 0.5 * (1.0 + np.cos(np.pi * t)))
