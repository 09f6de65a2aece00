"""A virtual machine for tests: a Debian kernel in QEMU, emulated, with a root file system of this host's own files.

Parts: `surroundings` (the kernel and QEMU, or what is missing), `initramfs` (what the machine boots into), `qmp`
(QEMU's monitor), `machine` (one machine: start, ask, pause, snapshot, restore).

Nothing here is downloaded; `script/virtual-machine` does that. No KVM, no network, no root is needed: the machine has
two serial lines and a disk of its own.
"""
