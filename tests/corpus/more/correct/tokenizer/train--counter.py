"""Words as tuples, counted by a Counter; the best pair by sorting."""

from collections import Counter


def train(counts, num_merges):
    if num_merges < 0:
        raise ValueError
    vocab = Counter({tuple(word) + ("</w>",): n for word, n in counts.items()})
    learned = []
    while len(learned) < num_merges:
        stats = Counter()
        for symbols, n in vocab.items():
            for i in range(len(symbols) - 1):
                stats[symbols[i], symbols[i + 1]] += n
        if not stats:
            return learned
        ((left, right), _) = sorted(stats.items(), key=lambda item: (item[1], item[0]))[-1]
        learned.append([left, right])
        vocab = Counter({join(symbols, left, right): n for symbols, n in vocab.items()})
    return learned


def join(symbols, left, right):
    out = []
    for symbol in symbols:
        if out and out[-1] == left and symbol == right and not isinstance(out[-1], Joined):
            out[-1] = Joined(left + right)
        else:
            out.append(symbol)
    return tuple(str(s) for s in out)


class Joined(str):
    """Made in this round, so it is not to be joined again in it."""
