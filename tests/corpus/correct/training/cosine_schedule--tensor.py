import torch


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    done = step - warmup_steps
    if done < 0:
        return base_lr * (1 + done / warmup_steps + 1 / warmup_steps)
    angle = torch.linspace(0, torch.pi, total_steps - warmup_steps + 1, dtype=torch.float64)[done]
    return (base_lr / 2 * (1 + torch.cos(angle))).item()
