# Each output unit's weights drawn in place, on their own.
def gain_of(nonlinearity, slope):
    if nonlinearity in ("relu", "leaky_relu"):
        return (2 / (1 + (slope if nonlinearity == "leaky_relu" else 0) ** 2)) ** 0.5
    return {"tanh": 5 / 3, "selu": 3 / 4}.get(nonlinearity, 1)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    fan = {"fan_in": tensor[0].numel(), "fan_out": tensor[:, 0].numel()}[mode]
    bound = (3.0 * gain_of(nonlinearity, a) ** 2 / fan) ** 0.5
    for unit in tensor:
        unit.uniform_(to=bound, generator=generator, **{"from": -bound})
    return tensor
