"""Counts are kept up to date instead of being counted anew."""


def train(counts, num_merges):
    if num_merges < 0:
        raise ValueError("negative")
    words = [([*word, "</w>"], n) for word, n in counts.items()]
    pairs = {}

    def add(symbols, n):
        for at in range(len(symbols) - 1):
            pair = symbols[at], symbols[at + 1]
            pairs[pair] = pairs.get(pair, 0) + n
            if not pairs[pair]:
                del pairs[pair]

    for symbols, n in words:
        add(symbols, n)
    merges = []
    while pairs and len(merges) < num_merges:
        most = max(pairs.values())
        best = max(pair for pair, n in pairs.items() if n == most)
        merges.append(best)
        for symbols, n in words:
            if any(tuple(symbols[at : at + 2]) == best for at in range(len(symbols))):
                add(symbols, -n)
                at = 0
                while at + 1 < len(symbols):
                    if (symbols[at], symbols[at + 1]) == best:
                        symbols[at : at + 2] = [best[0] + best[1]]
                    at += 1
                add(symbols, n)
    return merges
