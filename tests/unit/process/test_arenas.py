import subprocess
import sys

PROGRAM = """
import ctypes, threading
from cloche.process.arenas import share_arenas
assert share_arenas(2)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
held, done = threading.Event(), threading.Barrier(13)
places = []
def take():
    places.append(libc.malloc(5000))
    done.wait()
    held.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
done.wait()
held.set()
# An arena that is not the main one begins at a multiple of 64 MiB, its greatest size (HEAP_MAX_SIZE).
print(len({place >> 26 for place in places}))
"""


def test_a_dozen_threads_share_the_heaps_that_there_may_be() -> None:
    """With glibc's own choice they would have a dozen. In a process of its own: it cannot be taken back."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)

    assert int(done.stdout) <= 2
