import cmath


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    if warmup_steps and step < warmup_steps:
        return (step + 1) * base_lr / warmup_steps
    t = (step - warmup_steps) / (total_steps - warmup_steps)
    return 0.5 * base_lr + 0.5 * base_lr * cmath.exp(1j * cmath.pi * t).real
