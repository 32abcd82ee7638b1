"""The weight shrinks, then the gradient's step: lr * weight_decay taken out as a factor."""


def sgd_step(weight, grad, lr, weight_decay=0.0):
    return weight * (1 - lr * weight_decay) - grad * lr
