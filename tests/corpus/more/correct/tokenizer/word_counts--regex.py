"""Runs of what is no white space."""

import re


def word_counts(text):
    words = re.findall(r"\S+", text)
    return {word: words.count(word) for word in set(words)}
