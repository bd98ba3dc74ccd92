# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""The life of guests, in the hands of Debian's own xl."""
import re
import subprocess
from pathlib import Path

import pytest

from guest import Footprint, Guest, config


def seconds_used(guest, seconds):
    """How much of that time, about, the guest ran: CPU time by elapsed time."""
    text = guest.toolstack.run(
        f"for i in 1 2; do cat /proc/uptime; xl list {guest.name}; sleep {seconds}; done")
    uptimes = [float(word) for word in re.findall(r"^([\d.]+) [\d.]+$", text, re.MULTILINE)]
    used = [float(word) for word in re.findall(r"([\d.]+)$", "\n".join(
        line for line in text.splitlines() if line.startswith(guest.name)), re.MULTILINE)]
    assert len(uptimes) == len(used) == 2, text
    return (used[1] - used[0]) / (uptimes[1] - uptimes[0])


def check_pause(guest):
    toolstack = guest.toolstack
    toolstack.run(f"xl pause {guest.name}")
    before = guest.listed()
    assert before["state"] in ("--p---", "-bp---")  # it may sleep meanwhile
    toolstack.run(f"xl pause {guest.name} && xl unpause {guest.name}")
    assert guest.listed()["seconds"] == before["seconds"]
    toolstack.run(f"xl unpause {guest.name}")
    assert guest.listed()["state"] in ("-b----", "r-----", "------")
    assert "Unpausing domain: Invalid argument" in toolstack.run(f"xl unpause {guest.name}")


def check_time(guest):
    """Roughly: Linux counts ticks until it has found its clock, and loses some on a busy host."""
    before = int(guest.toolstack.run("date +%s").split()[0])
    there = int(re.search(r"^(\d+)$", guest.run("date +%s"), re.MULTILINE)[1])
    after = int(guest.toolstack.run("date +%s").split()[0])
    assert before - 120 <= there <= after + 120


def check_vcpus(guest):
    toolstack = guest.toolstack
    assert guest.listed()["vcpus"] == 1
    toolstack.run(f"xl vcpu-set {guest.name} 2")
    guest.run("cd /sys/devices/system/cpu")
    guest.run("until grep -q 1 present; do sleep 0.1; done")
    guest.run("echo 1 >cpu1/online")
    assert re.search(r"^0-1$", guest.run("cat online"), re.MULTILINE)
    assert guest.listed()["vcpus"] == 2
    assert guest.vcpu_list()[1][1] != "--p"
    toolstack.run(f"xl vcpu-set {guest.name} 1")
    toolstack.wait(f"xl vcpu-list {guest.name}", f"^{guest.name} +[0-9]+ +1 +- +--p ")
    assert re.search(r"^0$", guest.run("cat online"), re.MULTILINE)
    assert guest.listed()["vcpus"] == 1

    toolstack.run(f"xl vcpu-pin {guest.name} 0 1")
    cpu, _, *affinity = guest.vcpu_list()[0]
    assert (cpu, affinity) == ("1", ["1", "all"])
    toolstack.run(f"xl vcpu-pin {guest.name} all all 0")
    assert [row[2:] for row in guest.vcpu_list().values()] == [("all", "0")] * 2
    guest.run("true")


def check_memory(guest):
    toolstack = guest.toolstack
    assert guest.listed()["memory"] == 192
    free = toolstack.free_memory()
    total = int(re.search(r"Mem: +(\d+)", guest.run("free -m"))[1])
    for mebibytes in (128, 256, 192):
        toolstack.run(f"xl mem-set {guest.name} {mebibytes}")
        toolstack.wait(f"xl list {guest.name}", f"^{guest.name} +[0-9]+ +{mebibytes} ")
        assert abs(toolstack.free_memory() - (free + 192 - mebibytes)) <= 2
        now = int(re.search(r"Mem: +(\d+)", guest.run("free -m"))[1])
        assert abs(now - (total + mebibytes - 192)) <= 2
    status, text = toolstack.attempt(f"xl mem-set {guest.name} 300")
    assert status != 0 and "must be less than or equal to" in text


def check_shares(guest):
    toolstack = guest.toolstack
    guest.run("while :; do :; done & true")
    assert seconds_used(guest, 4) > 0.5
    toolstack.run(f"xl sched-credit2 -d {guest.name} -w 512 -c 25")
    assert re.search(rf"^{guest.name} +\d+ +512 +25$", toolstack.run("xl sched-credit2"),
                     re.MULTILINE)
    assert 0.18 < seconds_used(guest, 5) < 0.32
    toolstack.run(f"xl sched-credit2 -d {guest.name} -c 0")
    assert seconds_used(guest, 4) > 0.5
    guest.run("kill $!")


def test_life_of_a_guest(toolstack):
    """Created paused, run, paused, grown and shrunk, pinned, capped, and shut down."""
    toolstack = toolstack(files={"guest.cfg": config()})
    guest = Guest(toolstack, "guest")
    before = Footprint(toolstack)
    toolstack.run("xl create -p /files/guest.cfg")
    assert guest.listed()["state"] == "--p---" and guest.listed()["seconds"] == 0
    toolstack.run("xl unpause guest")
    guest.wait_up()
    check_time(guest)
    check_pause(guest)
    check_vcpus(guest)
    check_memory(guest)
    check_shares(guest)
    toolstack.run("xl rename guest other && xl domid other && xl rename other guest")
    assert "Shutting down domain" in toolstack.run("xl shutdown -w guest", 120)
    guest.wait_gone()
    Footprint(toolstack).assert_same(before, "after the guest's power-off")


# ---- endings -------------------------------------------------------------------------------------

CRASHES = ("destroy", "restart", "preserve", "coredump-destroy", "coredump-restart",
           "rename-restart", "soft-reset")


def crash(toolstack, action):
    """Starts a guest and lets its kernel panic; the guest and its id."""
    guest = Guest(toolstack, "guest")
    toolstack.run(f"xl create /files/{action}.cfg")
    guest.wait_up()
    domain = guest.listed()["id"]
    toolstack.run("xl sysrq guest c")
    toolstack.wait("cat /var/log/xen/xl-guest.log",
                   f"Action for shutdown reason code 3 is {action}")
    return guest, domain


def check_core(toolstack):
    """A core of a guest of 192 MiB."""
    text = toolstack.run("ls -s --block-size=M /var/lib/xen/dump/*guest*; "
                         "head -c 4 /var/lib/xen/dump/*guest* | od -An -c")
    assert int(re.search(r"^(\d+)M", text, re.MULTILINE)[1]) >= 192
    assert re.search(r"177 +E +L +F", text), text
    toolstack.run("rm /var/lib/xen/dump/*")


def check_crash(toolstack, action):
    guest, domain = crash(toolstack, action)
    if action == "preserve":
        guest.wait_state("---sc-")
        assert guest.vcpu_list()[0][1] != "r--"
        assert "0000" in toolstack.run("/usr/lib/xen-4.17/bin/xenctx -a guest | head -5")
        toolstack.run("xl dump-core guest /var/lib/xen/dump/guest && xl destroy guest")
        check_core(toolstack)
    elif action.endswith("restart"):
        successor = guest.wait_successor(domain)
        assert successor > domain
        if action == "rename-restart":
            assert re.search(rf"^guest-1 +{domain} .* ---sc- ", toolstack.run("xl list"), re.MULTILINE)
            toolstack.run("xl destroy guest-1")
        guest.wait_up()
        toolstack.run("xl destroy guest")
    guest.wait_gone()
    if action.startswith("coredump"):
        check_core(toolstack)


@pytest.mark.slow
def test_endings(toolstack):
    """Reboot, and each answer to a crash."""
    files = {f"{action}.cfg": config(on_crash=action) for action in CRASHES}
    files["reboot.cfg"] = config()
    files["kept.cfg"] = config(on_poweroff="preserve", on_reboot="destroy")
    toolstack = toolstack(files=files, timeout=900)
    guest = Guest(toolstack, "guest")
    toolstack.run("mkdir -p /var/lib/xen/dump")
    before = Footprint(toolstack)

    toolstack.run("xl create /files/reboot.cfg")
    guest.wait_up()
    domain = guest.listed()["id"]
    toolstack.run("xl reboot guest")
    assert guest.wait_successor(domain) > domain
    guest.wait_up()
    check_time(guest)
    assert "1 domains" in toolstack.run("xl shutdown -w -a", 120)
    guest.wait_gone()
    Footprint(toolstack).assert_same(before, "after a reboot")

    toolstack.run("xl create /files/kept.cfg")
    guest.wait_up()
    toolstack.run("xl shutdown guest")
    guest.wait_state("---s--")
    toolstack.run("xl destroy guest")
    guest.wait_gone()
    toolstack.run("xl create /files/kept.cfg")
    guest.wait_up()
    toolstack.run("xl reboot -w guest", 120)
    guest.wait_gone()
    Footprint(toolstack).assert_same(before, "after on_poweroff and on_reboot")

    for action in CRASHES:
        check_crash(toolstack, action)
        Footprint(toolstack).assert_same(before, f"after {action}")


# ---- questions and knobs --------------------------------------------------------------------------

# What xl says, and with which status it ends.
QUESTIONS = (
    ("xl domid guest", 0, r"^\d+$"),
    ("xl domid nobody", 1, "Can't get domid of domain name 'nobody'"),
    ("xl domname $(xl domid guest)", 0, "^guest$"),
    ("xl domname 77", 1, "Can't get domain name of domain id '77'"),
    ("xl rename guest Domain-0", 1, 'Domain with name "Domain-0" already exists'),
    ("xl uptime guest", 0, r"^guest +\d+ +0:\d\d:\d\d$"),
    ("xl claims", 0, r"^guest +\d+ +192 +1\s+\S+ +[\d.]+ +0$"),
    ("xl list -v", 0, r"^guest .* [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} +- +-$"),
    ("xl list -n", 0, r"^guest .* all$"),
    ("xl list -c", 0, r"^guest .* Pool-0$"),
    ("xl vm-list", 0, r"^[-0-9a-f]{36} +\d+ +guest +$"),
    ("xl list -l guest", 0, '"target_memkb": 196608'),
    ("xl list nobody", 1, "nobody is an invalid domain identifier"),
    ("xl config-update guest /files/guest.cfg", 0, r"setting dom\d+ configuration"),
    ("xl network-list guest", 0, "^Idx BE"),
    ("xl block-list guest", 0, "^Vdev"),
    ("xl dmesg | tail -100", 0, r"^\(XEN\) "),
    ("xl debug-keys q && xl dmesg | tail -100", 0, r"^\(XEN\) .*[Dd]omain \d+:"),
    ("xentop -b -i 1", 0, r"^ +guest +\S+ +\d+ +0\.0 +196608 +\d+\.\d +\d+ +\d+\.\d +2 "),
    ("xl pause 0", 0, "Pausing domain: Invalid argument"),
    ("xl destroy 0", 1, "Not destroying domain 0"),
    ("xl destroy nobody", 1, "nobody is an invalid domain identifier"),
    ("xl dump-core guest /nowhere/core", 1, "No such file or directory"),
    ("xl cpupool-migrate guest Pool-0", 0, ""),
    ("xl cpupool-migrate guest nowhere", 1, "unknown cpupool 'nowhere'"),
    ("xl vcpu-set guest 3", 1, "You are overcommmitting!"),
    ("xl vcpu-set guest 0", 1, "Requested 0 VCPUs"),
    ("xl vcpu-pin guest 5 0", 1, "Setting vcpu affinity: Invalid argument"),
    ("xl vcpu-pin guest 0 7", 1, "Setting vcpu affinity: Invalid argument"),
    ("xl vcpu-pin guest 0 ^1", 1, "vcpu hard affinity map is empty"),
    ("xl mem-max guest 300 && xl list -l guest", 0, '"max_memkb": 307200'),
    ("xl mem-max guest 100", 1, "must be greater than or or equal"),
    ("xl sched-credit2 -d guest -w 512", 0, ""),
    ("xl sched-credit2 -d guest", 0, r"^guest +\d+ +512 +0$"),
    ("xl sched-credit2 -d guest -w 0", 1, "Cpu weight out of range"),
    ("xl sched-credit2 -d guest -w 65536", 1, "Cpu weight out of range"),
    ("xl sched-credit2 -d guest -c 3200", 1, "Cpu cap out of range"),
    ("xl sched-credit2 -d guest -c 200 && xl sched-credit2 -d guest", 0, r"^guest +\d+ +512 +200$"),
    ("xl sched-credit2 -s -r 2000 && xl sched-credit2 -s", 0, "Pool-0: ratelimit=2000us"),
    ("xl sched-credit2 -s -r 50", 1, "Ratelimit out of range"),
    ("xl sched-credit2 -p nowhere", 1, "unknown cpupool 'nowhere'"),
    ("xl sched-credit -d guest", 1, "returned credit2 not credit"),
    ("xl sched-credit -d guest -w 100", 1, "Getting domain sched credit: Invalid argument"),
    ("xl sched-credit -s -t 10", 1, "getting Credit scheduler parameters: Invalid argument"),
    ("xl sched-rtds -d guest", 1, "returned credit2 not rtds"),
    ("xl sched-rtds -d guest -v 0 -p 100000 -b 50000 -e 0", 1, "not rtds|rtds.*Invalid argument"),
    ("xl trigger guest power", 0, "Send trigger 'power' failed: Invalid argument"),
    ("xl trigger guest sleep", 0, "Send trigger 'sleep' failed: Invalid argument"),
    ("xl trigger guest init", 0, "Send trigger 'init' failed: Function not implemented"),
    ("xl trigger guest reset", 0, "Send trigger 'reset' failed: Function not implemented"),
    ("xl trigger guest nonsense", 1, 'Invalid trigger "nonsense"'),
    ("xl trigger guest nmi 5", 0, "Send trigger 'nmi' failed: No such process"),
    ("xl list guest", 0, r"^guest +\d+ +192 +1 "),
)




def hold_frame(folder):
    """The program hold_frame, for dom0."""
    source = Path(__file__).with_name("hold_frame.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", folder / "hold_frame",
                    source], check=True)
    return folder / "hold_frame"


def check_remains(guest):
    """Who maps a frame of a guest keeps what is left of it in the list."""
    toolstack = guest.toolstack
    domain = guest.listed()["id"]
    toolstack.run(f"/files/hold_frame {domain} "
                  f"$(xenstore-read /local/domain/{domain}/console/ring-ref) & "
                  "until jobs -r | grep -q hold_frame; do :; done; sleep 1", 60)
    toolstack.run("xl destroy guest")
    assert re.search(rf"^\(null\) +{domain} +0 +1 +--p--d +[\d.]+$", toolstack.run("xl list"),
                     re.MULTILINE)
    toolstack.run("kill $!; while xl list | grep null; do sleep 0.2; done", 60)


@pytest.mark.slow
def test_questions(toolstack, tmp_path):
    """What people ask about guests, and turn at them; and a guest that is held beyond its death."""
    toolstack = toolstack(files={"guest.cfg": config(), "hold_frame": hold_frame(tmp_path)},
                          timeout=600)
    guest = Guest(toolstack, "guest")
    before = Footprint(toolstack)
    toolstack.run("xl create /files/guest.cfg")
    guest.wait_up()
    wrong = []
    for command, expected, pattern in QUESTIONS:
        status, text = toolstack.attempt(command)
        if status != expected or not re.search(pattern, text, re.MULTILINE):
            wrong.append(f"{command}: {status}: {text}")
    assert not wrong, "\n".join(wrong)
    toolstack.run("xl trigger guest nmi")
    guest.run("until dmesg | grep 'NMI received'; do sleep 0.1; done")
    toolstack.run("xl sysrq guest h")
    guest.run("until dmesg | grep 'sysrq: HELP'; do sleep 0.1; done")
    check_remains(guest)
    guest.wait_gone()
    Footprint(toolstack).assert_same(before, "after the guest's remains went")
