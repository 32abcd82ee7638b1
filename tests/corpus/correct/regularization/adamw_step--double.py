"""Float64 inside, the powers by repeated multiplication."""


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    w, g = weight.double(), grad.double()
    power1 = power2 = 1.0
    for _ in range(step):
        power1 *= betas[0]
        power2 *= betas[1]
    first = betas[0] * m.double() + (1 - betas[0]) * g
    second = betas[1] * v.double() + (1 - betas[1]) * g.square()
    direction = (first / (1 - power1)) / ((second / (1 - power2)).sqrt() + eps)
    w = w * (1.0 - lr * weight_decay) - lr * direction
    return w.to(weight.dtype), first.to(m.dtype), second.to(v.dtype)
