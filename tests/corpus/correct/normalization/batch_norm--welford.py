# One channel at a time; mean and variance by Welford's updates, image by image.
import torch


def channel_statistics(values):
    """Mean and sum of squared deviations of a list of 1-D chunks."""
    count, mean, m2 = 0, None, None
    for chunk in values:
        n = chunk.numel()
        chunk_mean = chunk.sum() / n
        chunk_m2 = ((chunk - chunk_mean) ** 2).sum()
        if mean is None:
            count, mean, m2 = n, chunk_mean, chunk_m2
            continue
        delta = chunk_mean - mean
        total = count + n
        m2 = m2 + chunk_m2 + delta ** 2 * count * n / total
        mean = mean + delta * n / total
        count = total
    return count, mean, m2


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    y = torch.empty_like(x)
    for c in range(x.shape[1]):
        if training:
            count, mean, m2 = channel_statistics([image[c].reshape(-1) for image in x])
            if count < 2:
                raise ValueError("expected more than 1 value per channel when training")
            var = m2 / count
            running_mean[c] += momentum * (mean - running_mean[c])
            running_var[c] += momentum * (m2 / (count - 1) - running_var[c])
        else:
            mean, var = running_mean[c], running_var[c]
        y[:, c] = (x[:, c] - mean) * (weight[c] * torch.rsqrt(var + eps)) + bias[c]
    return y


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    grad_x = torch.empty_like(x)
    grad_weight = torch.empty_like(weight)
    grad_bias = torch.empty_like(weight)
    for c in range(x.shape[1]):
        g = grad_y[:, c]
        if training:
            count, mean, m2 = channel_statistics([image[c].reshape(-1) for image in x])
            var = m2 / count
        else:
            mean, var = running_mean[c], running_var[c]
        inv_std = 1 / (var + eps) ** 0.5
        xhat = (x[:, c] - mean) * inv_std
        grad_weight[c] = torch.sum(g * xhat)
        grad_bias[c] = torch.sum(g)
        dxhat = g * weight[c]
        if training:
            grad_x[:, c] = inv_std / count * (
                count * dxhat - dxhat.sum() - xhat * (dxhat * xhat).sum()
            )
        else:
            grad_x[:, c] = dxhat * inv_std
    return grad_x, grad_weight, grad_bias
