"""Other students: what they left, and what is shared. The sessions before and beside an attack's
belong to somebody whose file, source and answers hold MARK."""

from tests.attacks.attack import HARMLESS, Attack

# The kernel copies what is mapped and refuses the rest, so that the scan never faults. The mark is
# put together so that the scan does not find itself.
_SCAN = """
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
import re
mark = re.compile((HALF + '[-]').encode())
found = 0
for block in {id(o) >> 20 for o in gc.get_objects()} | {id(o) >> 20 for o in map(str, range(9))}:
    with open('/tmp/dump', 'wb') as file:
        for page in range(256):
            libc.write(file.fileno(), (block << 20) + page * 4096, 4096)
    with open('/tmp/dump', 'rb') as file:
        found += sum(1 for _ in mark.finditer(file.read()))
"""

ATTACKS = {
    "scan the memory": Attack(
        "find the earlier submission's text on the heap",
        _SCAN + "assert not found, found",
        HARMLESS,
    ),
    "fresh memory": Attack(
        "find it in memory that was never written",
        """
        import re
        blocks = bytes(np.empty(2**26, dtype=np.uint8))
        assert not re.search((HALF + '[-]').encode(), blocks)
        """,
        HARMLESS,
    ),
    "left files": Attack("find files in scratch", "assert os.listdir('/tmp') == []", HARMLESS),
    "left in torch": Attack(
        "find a patch or an attribute of the session before",
        "assert not any(hasattr(module, 'mark') for module in (torch, np, sys))",
        HARMLESS,
    ),
    "a place to meet": Attack(
        "write where the next one would look",
        """
        for place in ('/dev/shm/m', '/var/tmp/m', '/run/m', '/m', '/gradmark/m'):
            try: open(place, 'w'); return place
            except OSError: pass
        raise PermissionError
        """,
    ),
}
