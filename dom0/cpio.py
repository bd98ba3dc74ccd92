# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""cpio archives in the newc format, which the kernel unpacks as its initramfs (linux:
early-userspace/buffer-format). All belongs to root; equal trees give equal archives."""
import os
import stat


def _entry(number, name, mode, data=b"", device=(0, 0)):
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def archive(tree, devices=()):
    """The bytes of an archive of what is in the tree. devices: name -> (major, minor), character
    devices that need root to make; their mode is 0600, in folders that the tree has."""
    members = []
    for path in sorted(tree.rglob("*")):
        name, mode, data = str(path.relative_to(tree)), path.lstat().st_mode, b""
        if path.is_symlink():
            data = os.readlink(path).encode()
        elif path.is_file():
            data = path.read_bytes()
            mode = stat.S_IFREG | (0o755 if mode & 0o100 else 0o644)
        members.append(_entry(len(members) + 1, name, mode, data))
    for name, device in dict(devices).items():
        members.append(_entry(len(members) + 1, name, stat.S_IFCHR | 0o600, device=device))
    members.append(_entry(0, "TRAILER!!!", 0))
    return b"".join(members)
