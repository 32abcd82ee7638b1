"""clamp; the backward with the mask of the output as a factor."""


def relu(x):
    return x.clamp(min=0)


def relu_backward(grad_y, x):
    return grad_y * (x > 0).to(grad_y.dtype)
