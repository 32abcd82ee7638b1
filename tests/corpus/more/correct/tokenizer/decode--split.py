"""Words between the marks."""


def decode(tokens):
    return " ".join("".join(tokens).split("</w>")).strip(" ")
