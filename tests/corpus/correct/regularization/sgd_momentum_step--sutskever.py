"""By way of the velocity that holds the learning rate, and points downhill."""


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    downhill = -lr * velocity
    downhill = momentum * downhill - lr * (grad + weight_decay * weight)
    return weight + downhill, downhill / -lr
