# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Debian's own libvirt, unmodified: a PV guest made, changed, watched and ended by virsh."""
import re

import pytest

from debian import debian_disk
from machine import DOM0_INITRAMFS, TOP, disk_devices
from toolstack import PROMPT, Shell, disk_of_files

# The guest has a disk on a loop device and a network on a bridge.
GUEST = """
<domain type='xen'>
  <name>probe</name>
  <uuid>6a0c0f5e-3f0e-4d0c-9d7e-0d4b6b1f7a01</uuid>
  <memory unit='MiB'>192</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>/root/guest.kernel</kernel>
    <initrd>/files/guest.initramfs</initrd>
    <cmdline>console=hvc0</cmdline>
  </os>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='block' device='disk'>
      <driver name='phy'/>
      <source dev='/dev/loop0'/>
      <target dev='xvda' bus='xen'/>
    </disk>
    <interface type='bridge'>
      <source bridge='xenbr0'/>
      <mac address='00:16:3e:12:34:56'/>
    </interface>
    <console type='pty'><target type='xen' port='0'/></console>
  </devices>
</domain>
"""
# More memory than there is, and a kernel that is not there.
GREEDY = GUEST.replace("probe", "greedy").replace(">192<", ">65536<").replace("7a01", "7a02")
LOST = GUEST.replace("probe", "lost").replace("guest.kernel", "nowhere").replace("7a01", "7a03")
FILES = {
    "probe.xml": GUEST, "greedy.xml": GREEDY, "lost.xml": LOST,
    "guest.initramfs": DOM0_INITRAMFS, "guest.cfg": TOP / "dom0" / "toolstack" / "guest.cfg",
}

DETACH = "\x1d"
GUEST_PROMPT = r"/ # "


class Libvirt(Shell):
    """A shell in the dom0 with libvirt."""

    def __init__(self, machine, folder, ready, kernel_append=""):
        """ready: what dom0 prints when it is about to prompt."""
        files = disk_of_files(folder, FILES)
        vm = machine(
            cpus=2, memory=2048, append="dom0_mem=1024M", timeout=900,
            kernel_append=f"xenios.root=/dev/vda TERM=dumb {kernel_append}",
            devices=[*disk_devices(debian_disk("libvirt")),
                     "-drive", f"if=none,id=files,file={files},format=raw,snapshot=on",
                     "-device", "virtio-blk-pci,drive=files"],
        )
        vm.expect(ready)
        vm.send("")  # the prompt may have come before
        super().__init__(vm)

    def prepare(self):
        """The guest's files, disk and bridge."""
        self.run("export LIBVIRT_DEFAULT_URI=xen:///system; mkdir /files; mount LABEL=files /files")
        self.run("truncate -s 16M /run/disk && losetup /dev/loop0 /run/disk && "
                 "ip link add xenbr0 type bridge && ip link set xenbr0 up && "
                 "ip addr add 10.9.0.1/24 dev xenbr0")

    def virsh(self, command):
        # Where no systemd runs there is no polkit either, which virsh tells each time.
        return re.sub(r"(?m)^Authorization not available.*\n", "", self.run(f"virsh {command}"))

    def refused(self, command):
        """What virsh says of a command that has to fail."""
        status, text = self.attempt(f"virsh {command}")
        assert status != 0, f"{command}: {text}"
        return text

    def state(self):
        return self.virsh("domstate probe --reason").strip()

    def rows(self, command):
        """The words of each line below a table's head."""
        return [line.split() for line in self.virsh(command).split("---\n")[1].splitlines() if line]

    def attach_console(self):
        self.vm.send("virsh console probe")
        self.vm.expect(r"Escape character is")

    def in_guest(self, command):
        """What a command printed in the guest, whose console is attached."""
        self.vm.send(f"{command}; echo \"exit=$?\"")
        match = self.vm.expect(r"(?s)\"exit=\$\?\"\s(.*?)exit=(\d+)\s+" + GUEST_PROMPT)
        assert match[2] == "0", f"{command}: {match[1]}"
        return match[1].replace("\r", "")

    def detach_console(self):
        self.vm.child.send(DETACH)
        self.vm.expect(PROMPT)


def host_is_described(dom0):
    info = dom0.fields("xl info")
    node = dict(re.findall(r"^(.+?): +(.*)\r?$", dom0.virsh("nodeinfo"), re.MULTILINE))
    assert node["CPU model"] == "x86_64" and node["CPU(s)"] == "2"
    assert int(node["Memory size"].split()[0]) >> 10 == int(info["total_memory"])
    free = re.search(r"Total: +(\d+) KiB", dom0.virsh("freecell --all"))
    assert int(free[1]) >> 10 == int(info["free_memory"])
    capabilities = dom0.virsh("capabilities")
    for line in ("<os_type>xen</os_type>", "<machine>xenpv</machine>", "<domain type='xen'/>",
                 "<cells num='1'>"):
        assert line in capabilities
    assert "Running hypervisor: Xen 4.17.0" in dom0.virsh("version")
    assert "<machine>xenpv</machine>" in dom0.virsh("domcapabilities")


def guest_is_defined(dom0):
    dom0.virsh("define /files/probe.xml")
    assert ["-", "probe", "shut", "off"] in dom0.rows("list --all")
    assert "<kernel>/root/guest.kernel</kernel>" in dom0.virsh("dumpxml probe")
    config = dom0.virsh("domxml-to-native xen-xl --domain probe")
    assert 'kernel = "/root/guest.kernel"\n' in config and "bridge=xenbr0" in config
    assert "<name>guest</name>" in dom0.virsh("domxml-from-native xen-xl /files/guest.cfg")


def guest_runs(dom0):
    dom0.virsh("start probe")
    number = dom0.virsh("domid probe").strip()
    assert [number, "probe", "running"] in dom0.rows("list")
    assert dom0.state() == "running (booted)"
    assert dom0.run("xl domid probe").strip() == number
    dom0.attach_console()
    dom0.vm.expect(r"XENIOS-GUEST-READY cpus=2")
    dom0.vm.expect(GUEST_PROMPT)
    dom0.in_guest("until [ -b /dev/xvda ] && ifconfig eth0 10.9.0.2 up; do usleep 100000; done")
    dom0.in_guest("yes xenios | dd of=/dev/xvda bs=4k count=100 conv=fsync iflag=fullblock")
    assert "0% packet loss" in dom0.in_guest("ping -c 2 10.9.0.1")
    dom0.detach_console()
    assert "xenios" in dom0.run("head -c 7 /run/disk")
    assert dom0.virsh("domblklist probe").split()[-2:] == ["xvda", "/dev/loop0"]
    written = re.search(r"wr_bytes (\d+)", dom0.virsh("domblkstat probe xvda"))
    assert int(written[1]) == 409600
    received = re.search(r"rx_packets (\d+)", dom0.virsh(f"domifstat probe vif{number}.0"))
    assert int(received[1]) >= 2


def guest_is_changed(dom0):
    dom0.virsh("vcpupin probe 1 0 --live")
    assert dom0.rows("vcpupin probe") == [["0", "0-1"], ["1", "0"]]
    dom0.virsh("setvcpus probe 1")
    dom0.wait("virsh dominfo probe", "^CPU.s.: +1")
    assert re.search(r"current +live +1\b", dom0.virsh("vcpucount probe"))
    pinned = re.findall(r"CPU Affinity: +(\S+)", dom0.virsh("vcpuinfo probe"))
    assert pinned == ["yy"]
    dom0.virsh("schedinfo probe --set weight=512")
    assert re.search(r"^weight +: 512$", dom0.virsh("schedinfo probe"), re.MULTILINE)
    assert re.search(r"^probe +\d+ +512 +0$", dom0.run("xl sched-credit2 -d probe"), re.MULTILINE)
    dom0.virsh("setmem probe 160M")
    dom0.wait("xl list probe", "^probe +[0-9]+ +160 ")
    assert "actual 163840" in dom0.virsh("dommemstat probe")
    assert "cannot set memory higher than max memory" in dom0.refused("setmem probe 256M")
    dom0.virsh("detach-disk probe xvda")
    assert dom0.rows("domblklist probe") == []
    dom0.virsh("attach-disk probe /dev/loop0 xvdb --targetbus xen")
    assert dom0.rows("domblklist probe") == [["xvdb", "/dev/loop0"]]


def guest_stands_still(dom0):
    def cpu_time():
        return re.search(r"CPU time: +(\S+)", dom0.virsh("dominfo probe"))[1]

    dom0.virsh("suspend probe")
    assert dom0.state() == "paused (user)"
    before = cpu_time()
    dom0.attach_console()
    dom0.detach_console()
    assert cpu_time() == before
    dom0.virsh("resume probe")
    assert dom0.state() == "running (unpaused)"


def guest_ends(dom0):
    """It reboots, shuts down, and is destroyed."""
    number = int(dom0.virsh("domid probe"))
    dom0.virsh("reboot probe")
    dom0.wait("virsh list", f" {number + 1} +probe +running")
    dom0.attach_console()
    dom0.vm.expect(r"XENIOS-GUEST-READY cpus=2")
    dom0.vm.expect(GUEST_PROMPT)
    dom0.detach_console()
    dom0.virsh("shutdown probe")
    dom0.wait("virsh domstate probe --reason", r"^shut off .shutdown.")
    dom0.virsh("start probe --paused")
    assert dom0.state() == "paused (user)"
    dom0.virsh("destroy probe")
    assert dom0.state() == "shut off (destroyed)"
    dom0.virsh("undefine probe")
    assert "failed to get domain 'probe'" in dom0.refused("dominfo probe")


def impossible_guests_are_refused(dom0):
    for name in ("greedy", "lost"):
        text = dom0.refused(f"create /files/{name}.xml")
        assert f"error: Failed to create domain from /files/{name}.xml" in text
        assert f"libxenlight failed to create new domain '{name}'" in text
    log = dom0.run("cat /var/log/libvirt/libxl/libxl-driver.log")
    assert "/root/nowhere" in log and "free memory" in log, log


@pytest.mark.slow
@pytest.mark.debian
def test_libvirt(machine, tmp_path):
    """The daemons are started by hand: a dom0 without systemd is there in a fraction of the time."""
    dom0 = Libvirt(machine, tmp_path, r"XENIOS-TOOLSTACK-READY status=0\r",
                   "xenios.init=/sbin/init-toolstack")
    dom0.run("virtlogd -d && libvirtd -d")
    dom0.prepare()
    free = dom0.fields("xl info")["free_memory"]
    host_is_described(dom0)
    guest_is_defined(dom0)
    guest_runs(dom0)
    guest_is_changed(dom0)
    guest_stands_still(dom0)
    guest_ends(dom0)
    impossible_guests_are_refused(dom0)
    assert dom0.rows("list --all") == [["0", "Domain-0", "running"]]
    assert dom0.fields("xl info")["free_memory"] == free


@pytest.mark.slow
@pytest.mark.debian
def test_services(machine, tmp_path):
    """systemd starts what the packages of Xen and libvirt want, and ends it with a guest alive."""
    dom0 = Libvirt(machine, tmp_path, r"XENIOS-DEBIAN-READY state=\S+ cpus=2\r")
    # Without a line editor, which would break long lines.
    dom0.vm.send("PS1='root@dom0:~# ' exec bash --noediting --norc")
    dom0.prepare()
    dom0.run("until systemctl -q is-active xen libvirtd; do sleep 0.5; done")
    assert dom0.run("systemctl --failed --no-legend") == ""
    guest_is_defined(dom0)
    guest_runs(dom0)
    dom0.vm.send("systemctl poweroff")
    dom0.vm.expect(r"reboot: Power down")
    dom0.vm.expect_end(timeout=120)
