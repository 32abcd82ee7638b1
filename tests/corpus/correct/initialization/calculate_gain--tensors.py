import torch


class UnknownNonlinearity(ValueError):
    pass


def calculate_gain(nonlinearity, param=None):
    slopes = {"relu": 0.0, "leaky_relu": 1e-2 if param is None else float(param)}
    fixed = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "selu": 3.0 / 4}
    if nonlinearity in slopes:
        a = torch.tensor(slopes[nonlinearity], dtype=torch.float64)
        return torch.rsqrt((1 + a.square()) / 2).item()
    if nonlinearity in fixed:
        return fixed[nonlinearity]
    raise UnknownNonlinearity(nonlinearity)
