"""Order first, numbers afterwards."""


def vocabulary(counts, merges):
    letters = sorted(set("".join(counts)))
    symbols = dict.fromkeys(["</w>"] + letters + ["".join(pair) for pair in merges])
    return {symbol: number for number, symbol in enumerate(symbols)}
