"""Each share of the new weight on its own: what the old velocity, the gradient and the decay do."""


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    carried = velocity * momentum
    pull = weight * weight_decay
    moved = (1 - lr * weight_decay) * weight - lr * grad - lr * carried
    return moved, [carried + pull + grad][0]
