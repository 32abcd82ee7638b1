import math


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    if step < warmup_steps:
        return base_lr / warmup_steps * (step + 1)
    t = (step - warmup_steps) / (total_steps - warmup_steps)
    return base_lr * math.cos(math.pi * t / 2) ** 2
