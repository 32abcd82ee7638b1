"""The cache is the whole parameter."""


def dropout_forward(x, dropout_param):
    return x * scale(x, dropout_param), dict(dropout_param)


def scale(x, param):
    if param["mode"] == "test":
        return 1
    return (param["random"] < param["p"]).astype(x.dtype) / x.dtype.type(param["p"])


def dropout_backward(dout, cache):
    return dout * scale(dout, cache)
