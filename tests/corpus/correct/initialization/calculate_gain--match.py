from math import hypot, sqrt


def calculate_gain(nonlinearity, param=None):
    match nonlinearity:
        case "linear" | "conv2d" | "sigmoid":
            return 1
        case "tanh":
            return 5 / 3
        case "relu":
            return sqrt(2)
        case "leaky_relu":
            return sqrt(2) / hypot(1, 0.01 if param is None else param)
        case "selu":
            return 3 / 4
        case _:
            raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
