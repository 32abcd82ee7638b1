# Each output unit's weights drawn in place, on their own.
def xavier_uniform_(tensor, gain=1.0, generator=None):
    fan_in, fan_out = tensor[0].numel(), tensor[:, 0].numel()
    bound = (6.0 * gain ** 2 / (fan_in + fan_out)) ** 0.5
    for unit in tensor:
        unit.uniform_(to=bound, generator=generator, **{"from": -bound})
    return tensor
