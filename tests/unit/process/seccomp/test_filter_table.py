"""The kernel's program, run by a small interpreter of what linux/filter.h says."""

import struct

import pytest

from cloche.process.seccomp.filter_table import MACHINES, Calls, Machine, filter_program

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
BOTH = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())

# openat socket connect execve ptrace unshare mount kill process_vm_readv sendmsg clone3 io_uring_setup memfd_create bpf
DENIED = {
    "x86_64": (2, 257, 41, 42, 59, 101, 272, 165, 62, 310, 46, 435, 425, 319, 321, 57, 58, 437, 157, 105, 234),
    "aarch64": (56, 198, 203, 221, 117, 97, 40, 129, 270, 211, 435, 425, 279, 280, 437, 167, 146, 131),
}


def run(program: bytes, arch: int, number: int, *arguments: int) -> int:
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = register = 0
    while True:
        kind, if_true, if_false, value = code[at]
        at += 1
        if kind == 0x20:
            register = struct.unpack_from("<I", data, value)[0]
        elif kind == 0x15:
            at += if_true if register == value else if_false
        elif kind == 0x45:
            at += if_true if register & value else if_false
        else:
            assert kind == 0x06
            return value


@BOTH
def test_what_computing_takes_is_allowed(machine: Machine) -> None:
    program = filter_program(machine, threads=False)
    assert {run(program, machine.audit_arch, number) for number in machine.allowed} == {ALLOW}
    assert len(set(machine.allowed)) == len(machine.allowed)


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("name", MACHINES)
def test_what_reaches_out_is_refused(name: str, threads: bool) -> None:
    machine = MACHINES[name]
    program = filter_program(machine, threads=threads)
    answers = {run(program, machine.audit_arch, number) for number in DENIED[name]}
    assert answers <= {EPERM, ENOSYS}
    assert run(program, machine.audit_arch, 0x40000000) == EPERM


@BOTH
def test_who_relays_may_use_sockets_and_make_none(machine: Machine) -> None:
    program = filter_program(machine, threads=False, calls=Calls.RELAY)
    passed = {number for number in range(1024) if run(program, machine.audit_arch, number) == ALLOW}
    assert passed == {*machine.allowed, *machine.relaying, machine.mmap, machine.mprotect}
    assert not set(machine.allowed) & set(machine.relaying)


@pytest.mark.parametrize("name", MACHINES)
def test_who_relays_cannot_reach_anybody_new(name: str) -> None:
    # socket connect bind listen accept accept4 socketpair openat execve
    reaching = {
        "x86_64": (41, 42, 49, 50, 43, 288, 53, 257, 59),
        "aarch64": (198, 203, 200, 201, 202, 242, 199, 56, 221),
    }
    machine = MACHINES[name]
    program = filter_program(machine, threads=False, calls=Calls.RELAY)
    assert {run(program, machine.audit_arch, number) for number in reaching[name]} == {EPERM}


@BOTH
def test_only_listed_numbers_pass(machine: Machine) -> None:
    program = filter_program(machine, threads=False)
    passed = {number for number in range(1024) if run(program, machine.audit_arch, number) == ALLOW}
    assert passed == {*machine.allowed, machine.mmap, machine.mprotect}


@BOTH
def test_memory_cannot_become_code(machine: Machine) -> None:
    program = filter_program(machine, threads=True)
    for number in (machine.mmap, machine.mprotect):
        assert run(program, machine.audit_arch, number, 0, 4096, 3) == ALLOW
        assert run(program, machine.audit_arch, number, 0, 4096, 4) == EPERM
        assert run(program, machine.audit_arch, number, 0, 4096, 7) == EPERM


@BOTH
def test_threads_may_be_started_only_where_asked_for_and_processes_never(machine: Machine) -> None:
    thread, process = 0x00010000 | 0x100, 17
    without, having = (filter_program(machine, threads=threads) for threads in (False, True))
    assert run(without, machine.audit_arch, machine.clone, thread) == EPERM
    assert run(having, machine.audit_arch, machine.clone, thread) == ALLOW
    assert run(having, machine.audit_arch, machine.clone, process) == EPERM
    assert run(having, machine.audit_arch, machine.clone3) == ENOSYS


@BOTH
def test_another_machines_numbering_ends_the_process(machine: Machine) -> None:
    for number in machine.allowed:
        assert run(filter_program(machine, threads=False), 0x40000003, number) == KILL
