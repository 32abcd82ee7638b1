"""A byte-pair tokenizer: learn merges from a text, split words by them, put text together again.

Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units",
algorithm 1. A word is a sequence of symbols: at first its characters, and after them END, which
marks where a word ends. Training merges the most frequent pair of neighbours, again and again.
"""

from itertools import pairwise

import torch

from autograder.checks import errors, values
from autograder.exercise import Exercise, Recipe, case, edit

END = "</w>"


def word_counts(text):
    """How often each word stands in a text; words are what white space separates.

    Args:
        text: a string.

    Returns:
        counts, a dict from word to number.
    """
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return counts


def train(counts, num_merges):
    """Learn which pairs of symbols to merge.

    In each step the pair of neighbouring symbols that stands most often in all words (each word as
    often as it is counted) becomes one symbol. Of pairs that stand equally often, the greater one
    in Python's order of tuples is taken. In a word, pairs are replaced from left to right and do
    not overlap. It ends early when no pair is left.

    Args:
        counts: a dict from word to number.
        num_merges: how many merges to learn; ValueError if it is negative.

    Returns:
        merges, the list of pairs (left, right) in the order in which they were learned.
    """
    if num_merges < 0:
        raise ValueError("num_merges must not be negative")
    words = {word: [*word, END] for word in counts}
    merges = []
    for _ in range(num_merges):
        pairs = {}
        for word, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] = pairs.get(pair, 0) + counts[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = {word: _merged(symbols, best) for word, symbols in words.items()}
    return merges


def _merged(symbols, pair):
    """The symbols with each place of the pair made one symbol, from left to right."""
    merged, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at : at + 2]) == pair:
            merged.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            merged.append(symbols[at])
            at += 1
    return merged


def encode(text, merges):
    """Split a text into symbols: each word is merged in the order in which the merges were learned.

    Args:
        text: a string.
        merges: a list of pairs (left, right), as `train` gives it.

    Returns:
        tokens, the list of the symbols of all words, in the text's order.
    """
    tokens = []
    for word in text.split():
        symbols = [*word, END]
        for left, right in merges:
            symbols = _merged(symbols, (left, right))
        tokens += symbols
    return tokens


def decode(tokens):
    """Put a text together from symbols: END becomes the space between two words.

    Args:
        tokens: a list of symbols.

    Returns:
        text, a string without white space at its ends.
    """
    return "".join(tokens).replace(END, " ").strip()


def vocabulary(counts, merges):
    """A number for every symbol that may come up.

    Args:
        counts: a dict from word to number; each of its characters is a symbol.
        merges: a list of pairs (left, right).

    Returns:
        ids, a dict from symbol to number: END is 0, then come the characters in rising order, then
        what each merge makes, in the order of the merges, if it has no number yet.
    """
    characters = sorted({character for word in counts for character in word})
    ids = {}
    for symbol in [END, *characters, *(left + right for left, right in merges)]:
        ids.setdefault(symbol, len(ids))
    return ids


def _text(letters, words, longest=6):
    """Random words over a few letters, so that pairs come up again and again."""

    def make(generator, _):
        def draw(most):
            return int(torch.randint(0, most, (), generator=generator))

        return " ".join(
            "".join(letters[draw(len(letters))] for _ in range(1 + draw(longest)))
            for _ in range(words)
        )

    return Recipe(make)


def _counts(letters, words, **more):
    return _from(_text(letters, words, **more), word_counts)


def _from(recipe, function):
    return Recipe(lambda generator, before: function(recipe.make(generator, before)))


def _merges(letters, words, number):
    return _from(_text(letters, words), lambda text: train(word_counts(text), number))


PAPER = "low low low low low lower lower " + "newest " * 6 + "widest widest widest"

PAPER_COUNTS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
PAPER_MERGES = [("e", "s"), ("es", "t"), ("est", END), ("l", "o"), ("lo", "w")]

WORD_COUNTS = (
    case("the paper's words", public=True, text=PAPER),
    case("white space of all kinds", public=True, text="  to be\tor\n not  to be \n"),
    case("nothing", text=""),
    case("capitals and points", text="Be be be. Be"),
    case("many words", text=_text("abc", 60, longest=3)),
)
TRAIN = (
    case("the paper's words", public=True, counts=PAPER_COUNTS, num_merges=10),
    case("equally often", public=True, counts={"ab": 1, "cd": 1, "ba": 1}, num_merges=3),
    case("the same letter in a row", counts={"aaaa": 3, "aaa": 2, "aab": 1}, num_merges=4),
    case("until nothing is left", counts={"ab": 2, "c": 1}, num_merges=50),
    case("no merges", counts={"ab": 2}, num_merges=0),
    case("many words", counts=_counts("abcd", 80), num_merges=25),
    case("two letters", counts=_counts("ab", 60), num_merges=15),
)
ENCODE = (
    case("the paper's words", public=True, text="lowest newer slow", merges=PAPER_MERGES),
    case("no merges", public=True, text="to be", merges=[]),
    case("nothing", text="", merges=PAPER_MERGES),
    case("order matters", text="abc abcb", merges=[("b", "c"), ("a", "b"), ("a", "bc")]),
    case("not overlapping", text="aaa aaaa aaaaa", merges=[("a", "a"), ("aa", "a")]),
    case("many words", text=_text("abcd", 40), merges=_merges("abcd", 60, 20)),
    case("two letters", text=_text("ab", 40), merges=_merges("ab", 60, 12)),
)
DECODE = (
    case("two words", public=True, tokens=["low", "est" + END, "n", "ew", "er" + END]),
    case("characters", public=True, tokens=["t", "o", END, "b", "e", END]),
    case("nothing", tokens=[]),
    case("unfinished", tokens=["low", "er" + END, "ne"]),
    case(
        "many words",
        tokens=_from(_text("abc", 30), lambda text: encode(text, [("a", "b"), ("b", END)])),
    ),
)
VOCABULARY = (
    case("the paper's words", public=True, counts=PAPER_COUNTS, merges=PAPER_MERGES),
    case("no merges", counts={"ba": 1, "Ab": 1}, merges=[]),
    case(
        "two ways to one symbol",
        counts={"abc": 1},
        merges=[("a", "b"), ("ab", "c"), ("b", "c"), ("a", "bc"), ("c", END)],
    ),
    case("many words", counts=_counts("dbca", 50), merges=_merges("abcd", 50, 12)),
)

EXERCISES = (
    Exercise(
        functions=(word_counts,),
        checks=(values(word_counts, WORD_COUNTS, points={"counts": 2}),),
        misconceptions=(
            edit(
                word_counts,
                "text.split()",
                'text.split(" ")',
                name="only-single-spaces",
                hint="What separates words besides one space? And what of two in a row?",
            ),
            edit(
                word_counts,
                "text.split()",
                "text.lower().split()",
                name="capitals-lost",
                hint="Are Be and be one word here?",
            ),
            edit(
                word_counts,
                "counts.get(word, 0) + 1",
                "1",
                name="only-present-or-absent",
                hint="What is a word's count when it has come a second time?",
            ),
        ),
    ),
    Exercise(
        functions=(train,),
        checks=(
            values(train, TRAIN, points={"merges": 8}),
            errors(train, (case("a negative number", counts={"a": 1}, num_merges=-1),), points=0.5),
        ),
        misconceptions=(
            edit(
                train,
                "pairs.get(pair, 0) + counts[word]",
                "pairs.get(pair, 0) + 1",
                name="word-counts-ignored",
                hint="How often does a pair stand in the text if its word stands there six times?",
            ),
            edit(
                train,
                "(pairs[pair], pair)",
                "pairs[pair]",
                name="ties-by-first-seen",
                hint="Which of two equally frequent pairs is to be taken?",
            ),
            edit(
                train,
                "[*word, END] for word",
                "[*word] for word",
                name="no-end-of-word",
                hint="Can est at the end of a word be told from est within one?",
            ),
            edit(
                train,
                "        if not pairs:\n            break\n",
                "        if not pairs or max(pairs.values()) < 2:\n            break\n",
                name="stops-at-single-pairs",
                hint="When does training end, if not after num_merges?",
            ),
            edit(
                train,
                "_merged(symbols, best) for",
                '"\\0".join(symbols).replace("\\0".join(best), "".join(best)).split("\\0") for',
                name="merged-as-text",
                hint="Replaced as text, where does a symbol begin and end?",
            ),
        ),
    ),
    Exercise(
        functions=(encode,),
        checks=(values(encode, ENCODE, points={"tokens": 5}),),
        misconceptions=(
            edit(
                encode,
                "in merges:",
                "in reversed(merges):",
                name="merges-from-the-last",
                hint="Which merge was learned first, and may others need what it made?",
            ),
            edit(
                encode,
                "in merges:",
                "in sorted(merges, key=lambda pair: -len(pair[0] + pair[1])):",
                name="longest-first",
                hint="Is it the longest merge that comes first, or the one learned first?",
            ),
            edit(
                encode,
                "symbols = [*word, END]",
                "symbols = [*word]",
                name="no-end-of-word",
                hint="What tells decode where a word ends?",
            ),
        ),
    ),
    Exercise(
        functions=(decode,),
        checks=(values(decode, DECODE, points={"text": 2}),),
        misconceptions=(
            edit(
                decode,
                '"".join(tokens)',
                '" ".join(tokens)',
                name="a-space-between-symbols",
                hint="A word may have several symbols: what stands between them?",
            ),
            edit(
                decode,
                ".strip()",
                "",
                name="space-left-at-the-end",
                hint="The last word ends as well: what does that leave?",
            ),
        ),
    ),
    Exercise(
        functions=(vocabulary,),
        checks=(values(vocabulary, VOCABULARY, points={"ids": 3}),),
        misconceptions=(
            edit(
                vocabulary,
                "[END, *characters,",
                "[*characters, END,",
                name="end-after-characters",
                hint="Which number does END have?",
            ),
            edit(
                vocabulary,
                "sorted({character for word in counts for character in word})",
                "list(dict.fromkeys(character for word in counts for character in word))",
                name="characters-as-they-come",
                hint="In which order do the characters get their numbers?",
            ),
            edit(
                vocabulary,
                "ids.setdefault(symbol, len(ids))",
                "ids[symbol] = len(ids)",
                name="number-changed-again",
                hint="What of a symbol that has a number when it comes up again?",
            ),
        ),
    ),
)
