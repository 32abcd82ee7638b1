"""Batch norm is applied to the weight and to the bias, as what it is."""


def fold_batch_norm(weight, bias, running_mean, running_var, gamma, beta, eps=1e-5):
    def norm(z):
        return gamma * (z - running_mean) * (running_var + eps) ** -0.5 + beta

    offset = norm(0 * running_mean)
    new = weight.flatten(1).T
    new = (norm(new) - offset).T.reshape(weight.shape)
    return new, offset if bias is None else norm(bias)
