"""Each word once; merged by a stack."""

from functools import cache


def encode(text, merges):
    @cache
    def symbols_of(word):
        symbols = (*word, "</w>")
        for left, right in merges:
            stack, joined = [], False
            for symbol in symbols:
                if stack and not joined and stack[-1] == left and symbol == right:
                    stack[-1] = left + right
                    joined = True
                else:
                    stack.append(symbol)
                    joined = False
            symbols = tuple(stack)
        return symbols

    result = []
    for word in text.split():
        result.extend(symbols_of(word))
    return tuple(result)
