"""In place on copies, as PyTorch's own loop does it."""


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    direction = grad.clone()
    if weight_decay:
        direction.add_(weight, alpha=weight_decay)
    buffer = velocity.clone()
    buffer.mul_(momentum).add_(direction)
    new = weight.clone()
    new.add_(buffer, alpha=-lr)
    return new, buffer
