"""Number by number, in Python's own floats."""

import torch


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    weights, velocities = [], []
    triples = zip(weight.flatten().tolist(), grad.flatten().tolist(), velocity.flatten().tolist())
    for w, g, v in triples:
        v = momentum * v + g + weight_decay * w
        weights.append(w - lr * v)
        velocities.append(v)
    like = {"dtype": weight.dtype, "device": weight.device}
    return (
        torch.tensor(weights, **like).reshape(weight.shape),
        torch.tensor(velocities, **like).reshape(weight.shape),
    )
