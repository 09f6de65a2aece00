"""The system calls that are left to a child of the daemon once it is ready, as a program for the kernel. Pure.

An allow-list (seccomp(2), linux/filter.h): compute, memory that is not executable, the descriptors that are open
already or are handed over, the end. No open, no socket, no exec, no fork, no signal to anybody. What is not
listed fails with EPERM: a library that tries whether a file is there goes on without it. A call in another machine's
numbering ends the process.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_ALLOW: Final = 0x7FFF0000
_EPERM: Final = 1
_ENOSYS: Final = 38

_LOAD_WORD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_SET: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K

# struct seccomp_data: nr u32, arch u32, instruction_pointer u64, args u64[6]; both machines are little-endian.
_NUMBER_AT: Final = 0
_MACHINE_AT: Final = 4
_ARGUMENTS_AT: Final = 16

_PROT_EXEC: Final = 4
_CLONE_THREAD: Final = 0x00010000


class Calls(StrEnum):
    """What a child does with its descriptors."""

    COMPUTE = "compute"
    """Reads and writes those it was started with."""
    RELAY = "relay"
    """Is handed sockets, waits for many of them at once, and has their connections end."""


@dataclass(frozen=True, slots=True)
class Machine:
    audit_arch: int
    seccomp: int
    """The number of seccomp(2) itself."""
    allowed: tuple[int, ...]
    relaying: tuple[int, ...]
    """Beside those, for `Calls.RELAY`."""
    mmap: int
    mprotect: int
    clone: int
    clone3: int


# read write close lseek pread64 pwrite64 poll ppoll | brk munmap mremap madvise | rt_sigaction rt_sigprocmask
# rt_sigreturn sigaltstack restart_syscall | sched_yield sched_getaffinity getpid gettid | nanosleep clock_gettime
# clock_nanosleep | sendto recvfrom | futex set_robust_list rseq | getrandom exit exit_group
# relaying: sendmsg recvmsg shutdown | setsockopt getsockopt getsockname getpeername | fcntl ioctl fstat | epoll_wait
# epoll_ctl epoll_pwait
MACHINES: Final = {
    "x86_64": Machine(
        audit_arch=0xC000003E,
        seccomp=317,
        allowed=(
            *(0, 1, 3, 8, 17, 18, 7, 271),
            *(12, 11, 25, 28),
            *(13, 14, 15, 131, 219),
            *(24, 204, 39, 186),
            *(35, 228, 230),
            *(44, 45),
            *(202, 273, 334),
            *(318, 60, 231),
        ),
        relaying=(*(46, 47, 48), *(54, 55, 51, 52), *(72, 16, 5), *(232, 233, 281)),
        mmap=9,
        mprotect=10,
        clone=56,
        clone3=435,
    ),
    # It has no poll and no epoll_wait of its own.
    "aarch64": Machine(
        audit_arch=0xC00000B7,
        seccomp=277,
        allowed=(
            *(63, 64, 57, 62, 67, 68, 73),
            *(214, 215, 216, 233),
            *(134, 135, 139, 132, 128),
            *(124, 123, 172, 178),
            *(101, 113, 115),
            *(206, 207),
            *(98, 99, 293),
            *(278, 93, 94),
        ),
        relaying=(*(211, 212, 210), *(208, 209, 204, 205), *(25, 29, 80), *(21, 22)),
        mmap=222,
        mprotect=226,
        clone=220,
        clone3=435,
    ),
}


def filter_program(machine: Machine, *, threads: bool, calls: Calls = Calls.COMPUTE) -> bytes:
    """The instructions, `struct sock_filter` one after another. `threads`: more of them may be started."""
    refuse = _ERRNO | _EPERM
    program = [
        *(_load(_MACHINE_AT), _if_equal(machine.audit_arch, 1, 0), _return(_KILL_PROCESS)),
        _load(_NUMBER_AT),
        *_unless_argument_has(machine.mmap, 2, _PROT_EXEC),
        *_unless_argument_has(machine.mprotect, 2, _PROT_EXEC),
    ]
    if threads:
        # clone3 hides its flags behind a pointer; the C library falls back to clone where it is not there.
        program += [
            *(_if_equal(machine.clone3, 0, 1), _return(_ERRNO | _ENOSYS)),
            *(_if_equal(machine.clone, 0, 4), _load(_ARGUMENTS_AT)),
            *(_instruction(_JUMP_SET, 0, 1, _CLONE_THREAD), _return(_ALLOW), _return(refuse)),
        ]
    for number in machine.allowed + (machine.relaying if calls is Calls.RELAY else ()):
        program += [_if_equal(number, 0, 1), _return(_ALLOW)]
    return b"".join([*program, _return(refuse)])


def _unless_argument_has(number: int, argument: int, bits: int) -> tuple[bytes, ...]:
    """Refuse this call where one of `bits` is set in the argument, and allow it otherwise."""
    return (
        _if_equal(number, 0, 4),
        _load(_ARGUMENTS_AT + 8 * argument),
        _instruction(_JUMP_SET, 0, 1, bits),
        _return(_ERRNO | _EPERM),
        _return(_ALLOW),
    )


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD_WORD, 0, 0, offset)


def _if_equal(value: int, if_true: int, if_false: int) -> bytes:
    """Skip so many instructions."""
    return _instruction(_JUMP_EQUAL, if_true, if_false, value)


def _return(action: int) -> bytes:
    return _instruction(_RETURN, 0, 0, action)
