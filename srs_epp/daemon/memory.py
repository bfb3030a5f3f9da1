"""How the C library shares out memory among the threads of a process."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
_ARENAS = 2


def share_arenas() -> None:
    """All threads allocate from few arenas; to be called before there are any threads.

    glibc gives each of the first threads (eight for a processor) an arena of its own, of which most stays
    unused for ever: the interpreter's lock lets hardly two threads allocate at a time.
    """
    # other C libraries have no arenas
    if hasattr(_library, "mallopt"):
        _library.mallopt(_M_ARENA_MAX, _ARENAS)


_library = ctypes.CDLL(None)
