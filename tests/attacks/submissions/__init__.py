"""Every attack, by theme: what it is called, what it tries, and its code."""

from tests.attacks.attack import Attack
from tests.attacks.submissions import (
    answers,
    files,
    kernel,
    limits,
    memory,
    neighbours,
    network,
    processes,
)

THEMES: dict[str, dict[str, Attack]] = {
    "files": files.ATTACKS,
    "network": network.ATTACKS,
    "processes": processes.ATTACKS,
    "kernel": kernel.ATTACKS,
    "memory": memory.ATTACKS,
    "limits": limits.ATTACKS,
    "answers": answers.ATTACKS,
    "neighbours": neighbours.ATTACKS,
}
ATTACKS = {name: attack for theme in THEMES.values() for name, attack in theme.items()}
