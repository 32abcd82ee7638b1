def calculate_gain(nonlinearity, param=None):
    if param is None:
        param = 0.01
    gains = dict(
        linear=1.0, conv2d=1.0, sigmoid=1.0, tanh=5 / 3, relu=2 ** 0.5,
        leaky_relu=(2 / (1 + param * param)) ** 0.5, selu=0.75,
    )
    try:
        return gains[nonlinearity]
    except KeyError:
        raise ValueError("unsupported nonlinearity: %s" % nonlinearity) from None
