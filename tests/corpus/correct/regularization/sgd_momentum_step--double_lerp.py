"""Float64 inside; the fading velocity as a part of the way to the gradient, scaled back."""

import torch


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    w, v = weight.double(), velocity.double()
    direction = torch.add(grad.double(), w, alpha=weight_decay)
    v = 2 * torch.lerp(direction, momentum * v, 0.5)
    return (w - lr * v).to(weight.dtype), v.to(weight.dtype)
