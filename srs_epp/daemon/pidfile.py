"""The pid file of a master: whoever holds its lock is the master that runs, whatever number is in the file.

The locks belong to the opened file (fcntl(2), open file description locks): children inherit them, a
successor gets them with the descriptor, and the system takes them back from a process that dies. To ask for
them takes none, so nobody is kept from starting by somebody who asks. And they are for writers of the file
only, so that none of the users who may read it can pass for a master.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import struct
from contextlib import suppress
from pathlib import Path

MODE = 0o644  # anybody may ask for the status

# octets of the file that are locked: _TAKEN first; _WRITTEN once the pid in the file is the owner's, so that
# a number that a crash has left behind is never taken for it
_TAKEN, _WRITTEN = 0, 1
_FLOCK = struct.Struct("@hhqqi0q")  # type, whence, start, length, pid: struct flock
_LONGEST = 32  # octets that a pid file may have


class AlreadyRunning(Exception):
    """Another master holds the file. ``pid``: its, or None where it has not come so far as to write it."""

    def __init__(self, pid: int | None, path: Path) -> None:
        who = "another eppd is starting" if pid is None else f"eppd is running already (pid {pid})"
        super().__init__(f"option pidfile: {path}: {who}")
        self.pid = pid
        self.path = path


class PidFile:
    """A pid file whose lock this process holds, as long as it or a child of it has the descriptor open.

    A child that is no master must ``close`` it: else the file stays taken as long as that child lives.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Use ``take`` or ``adopt``."""
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> PidFile:
        """Make the file or use the one that nobody holds, and write our pid. AlreadyRunning, OSError.

        A file with something else than a pid in it is left alone (OSError): somebody has mistyped a name.
        """
        while True:
            descriptor = _open(path)
            try:
                if not _lock(descriptor, _TAKEN):
                    raise AlreadyRunning(_owner(descriptor), path)
                # else its owner removed it after we had opened it: our lock is on a file without a name
                if _is_file_of(path, descriptor):
                    _check_content(path, descriptor)
                    taken = cls(path, descriptor)
                    taken.write()
                    return taken
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    @classmethod
    def adopt(cls, path: Path, descriptor: int) -> PidFile:
        """The file that our predecessor holds, who gave us the descriptor: from here on with our pid in it.

        AlreadyRunning where the descriptor is not the one that holds the lock; OSError.
        """
        os.set_inheritable(descriptor, False)
        if not _lock(descriptor, _TAKEN):
            raise AlreadyRunning(_owner(descriptor), path)
        adopted = cls(path, descriptor)
        adopted.write()
        return adopted

    def write(self) -> None:
        """Write the pid of this process, which may be another than the one that took the file. OSError."""
        octets = b"%d\n" % os.getpid()
        # in this order there is a whole pid in the first line at any time
        os.pwrite(self.descriptor, octets, 0)
        os.ftruncate(self.descriptor, len(octets))
        _lock(self.descriptor, _WRITTEN)

    def give_to(self, uid: int, gid: int) -> None:
        """Make the file another user's, whom this process is going to be. OSError."""
        with suppress(PermissionError):  # who may not do this may not become another user either
            os.fchown(self.descriptor, uid, gid)

    def remove(self) -> None:
        """Remove the file and let go of it; a successor's, or one that is not ours any more, is left."""
        try:
            if _pid_in(self.descriptor) == os.getpid():
                self._unlink()
        finally:
            self.close()

    def _unlink(self) -> None:
        try:
            if _is_file_of(self.path, self.descriptor):
                self.path.unlink()
        except OSError:
            # the folder is root's, and we are not root any more
            os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Let go of the file in this process alone; what a forked worker does."""
        os.close(self.descriptor)


def holder(path: Path) -> int | None:
    """The pid of the master that holds the file; None: nobody does, whatever is in it. OSError."""
    try:
        # a FIFO of that name must not keep us waiting
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _owner(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        try:
            # not to be made in one go: in a folder like /tmp even root may not open another's with O_CREAT
            return os.open(path, flags)
        except FileNotFoundError:
            pass
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, MODE)
        except FileExistsError:
            continue
        os.fchmod(descriptor, MODE)  # whatever the umask
        return descriptor


def _check_content(path: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    # in a folder of the user whom we are going to be it may be another of root's, which we would give away
    if found.st_nlink > 1:
        raise OSError(errno.EINVAL, "not a file of ours alone: it has another name", str(path))
    content = os.pread(descriptor, _LONGEST + 1, 0)
    # noughts are what some file systems leave after a loss of power
    if len(content) > _LONGEST or not re.fullmatch(rb"[0-9\s\0]*", content):
        raise OSError(errno.EINVAL, "not a pid file: there is something else in it", str(path))


def _is_file_of(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the opened file."""
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))


def _pid_in(descriptor: int) -> int | None:
    found = re.match(rb"[1-9][0-9]{0,9}(?=\n|\Z)", os.pread(descriptor, _LONGEST, 0))
    return int(found[0]) if found else None


def _owner(descriptor: int) -> int | None:
    """The pid of whoever holds the file and has written it."""
    question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _WRITTEN, 1, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question)
    if _FLOCK.unpack(answer)[0] != fcntl.F_WRLCK:
        return None
    return _pid_in(descriptor)


def _lock(descriptor: int, octet: int) -> bool:
    """Whether the octet's lock is ours now, or was before."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, octet, 1, 0))
    except (BlockingIOError, PermissionError):  # both are allowed for a lock of somebody else
        return False
    return True
