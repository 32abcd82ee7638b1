"""The pair of the lowest rank, again and again, as GPT-2's encoder does it."""


def encode(text, merges):
    rank = {}
    for number, pair in enumerate(merges):
        rank.setdefault(tuple(pair), number)
    return [symbol for word in text.split() for symbol in split(word, rank)]


def split(word, rank):
    symbols = [*list(word), "</w>"]
    done = -1
    while True:
        pairs = set(zip(symbols[:-1], symbols[1:]))
        known = [rank[pair] for pair in pairs if rank.get(pair, -1) > done]
        if not known:
            return symbols
        done = min(known)
        left, right = next(pair for pair, number in rank.items() if number == done)
        new, i = [], 0
        while i < len(symbols):
            if i + 1 < len(symbols) and symbols[i] == left and symbols[i + 1] == right:
                new.append(left + right)
                i += 1
            else:
                new.append(symbols[i])
            i += 1
        symbols = new
