"""Sockets of every family, and what listens on this machine."""

from tests.attacks.attack import Attack

ATTACKS = {
    f"socket {family} {kind}": Attack(
        f"make a socket of the family {family}", f"socket.socket(socket.{family}, socket.{kind})"
    )
    for family, kind in (
        *(("AF_INET", "SOCK_STREAM"), ("AF_INET", "SOCK_DGRAM"), ("AF_INET", "SOCK_RAW")),
        *(("AF_INET6", "SOCK_STREAM"), ("AF_UNIX", "SOCK_STREAM"), ("AF_NETLINK", "SOCK_RAW")),
        *(("AF_PACKET", "SOCK_RAW"), ("AF_VSOCK", "SOCK_STREAM"), ("AF_ALG", "SOCK_SEQPACKET")),
    )
} | {
    "connect to this machine": Attack(
        "reach a server on the loopback", "socket.create_connection(('127.0.0.1', PORT), 1)"
    ),
    "connect to a socket file": Attack(
        "reach a server by its path", "socket.socket(socket.AF_UNIX).connect(SOCKET)"
    ),
    "connect to an abstract name": Attack(
        "reach a server by a name that no file has",
        "socket.socket(socket.AF_UNIX).connect(chr(0) + ABSTRACT)",
    ),
    "look a name up": Attack("ask for an address", "socket.getaddrinfo('localhost', 80)"),
    "fetch a page": Attack(
        "use Python's client",
        "import urllib.request as u\nu.urlopen(f'http://127.0.0.1:{PORT}/', timeout=1)",
    ),
    "socketpair": Attack("make a pair of sockets", "socket.socketpair()"),
    "send descriptors": Attack(
        "pass a descriptor over the call socket",
        """
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)
        socket.send_fds(s, [b'GMK1'], [0])
        """,
    ),
}
