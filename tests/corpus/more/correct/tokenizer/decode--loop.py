"""Symbol by symbol."""


def decode(tokens):
    words = [""]
    for token in tokens:
        if token.endswith("</w>"):
            words[-1] += token[: -len("</w>")]
            words.append("")
        else:
            words[-1] += token
    return " ".join(words).rstrip()
