# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""GRUB loads the hypervisor, from BIOS and from UEFI firmware, by both multiboot protocols."""
import shutil
import subprocess

import pytest

from machine import BUILD, DOM0_INITRAMFS, DOM0_KERNEL, console_options, image_under_test

OVMF = BUILD / "qemu" / "root" / "usr" / "share" / "OVMF"

MENU = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry hypervisor {{
    insmod part_msdos
    insmod iso9660
    {load} /boot/hypervisor {placeholder} {options} {append}
    {module} /boot/vmlinuz {placeholder} console=hvc0 {kernel_append}
    {module} {plain} /boot/initramfs
}}
"""


def make_iso(folder, protocol, append, kernel_append):
    boot = folder / "iso" / "boot"
    (boot / "grub").mkdir(parents=True)
    shutil.copy(image_under_test(), boot / "hypervisor")
    shutil.copy(DOM0_KERNEL, boot / "vmlinuz")
    shutil.copy(DOM0_INITRAMFS, boot / "initramfs")
    second = protocol == "multiboot2"
    menu = MENU.format(
        load=protocol, module="module2" if second else "module", options=console_options(),
        append=append, kernel_append=kernel_append, plain="--nounzip",
        # The first word of a multiboot1 command line is the file's own name.
        placeholder="" if second else "placeholder",
    )
    (boot / "grub" / "grub.cfg").write_text(menu)
    iso = folder / "boot.iso"
    modules = "multiboot multiboot2 serial terminal iso9660 part_msdos normal gzio"
    command = ["grub-mkrescue", "-o", iso, f"--install-modules={modules}", "--fonts=",
               "--locales=", "--themes=", folder / "iso"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return iso


def firmware_arguments(firmware, folder):
    if firmware == "bios":
        return []
    variables = folder / "OVMF_VARS.fd"
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
    code = OVMF / "OVMF_CODE_4M.fd"
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,file={variables}"]


@pytest.mark.firmware
@pytest.mark.parametrize(
    "firmware, protocol",
    [("bios", "multiboot2"), ("bios", "multiboot"), ("uefi", "multiboot2")],
)
def test_grub(machine, tmp_path, firmware, protocol):
    iso = make_iso(tmp_path, protocol, "dom0_mem=512M", "xenios.test=boot")
    vm = machine(
        cpus=2, memory=1024, timeout=400,
        boot=[*firmware_arguments(firmware, tmp_path), "-drive",
              f"if=none,id=cd,media=cdrom,format=raw,readonly=on,file={iso}",
              "-device", "ide-cd,drive=cd,bus=ide.0"],
    )
    vm.expect(r"XENIOS-DOM0-READY cpus=2 mem=\d+\r")
    vm.expect(r"XENIOS-TEST boot exit=0\r")
    vm.expect_end(timeout=120)
