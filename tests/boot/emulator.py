# SPDX-License-Identifier: Apache-2.0
"""A machine in QEMU: started of a disk and a seed for cloud-init, reached by ssh over a port of loopback that the kernel chose, switched off like an instance.

The host key is ours and known beforehand; cloud-init puts it into place, as it does on EC2.
"""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import time


def accelerator():
    """KVM where it really works: some hosts have the device, and a processor that cannot do it."""
    probe = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "max", "-smp", "2", "-nodefaults", "-no-user-config", "-display", "none", "-S", "-monitor", "stdio"]
    tried = subprocess.run(probe, input="quit\n", text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    return "tcg" if tried.returncode else "kvm"


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Identity:
    """What makes an instance this one: an id, a host key and a login key, handed over as bakery hands them to EC2."""

    def __init__(self, work, name):
        self.name, self.folder = name, os.path.join(work, name)
        os.mkdir(self.folder, 0o700)
        for key in ("host", "login"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", self.path(key)], check=True, stdin=subprocess.DEVNULL)
        config = {"ssh_keys": {"ed25519_private": self.read("host"), "ed25519_public": self.read("host.pub").strip()}, "ssh_deletekeys": True,
                  "ssh_authorized_keys": [self.read("login.pub").strip()]}
        self.write("user-data", "#cloud-config\n%s\n" % json.dumps(config))
        self.write("meta-data", json.dumps({"instance-id": "i-%s" % name, "local-hostname": "ip-10-0-2-15"}))
        subprocess.run(["genisoimage", "-quiet", "-volid", "cidata", "-joliet", "-rock", "-output", self.path("seed.iso"), self.path("user-data"),
                        self.path("meta-data")], check=True, stderr=subprocess.DEVNULL)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)


class Emulator:
    def __init__(self, disk, identity, user, accel, scratch=False):
        """scratch: nothing that happens is written to the disk."""
        self.identity, self.user = identity, user
        self.serial = identity.path("serial.log")
        monitor = identity.path("monitor")
        drive = "if=virtio,format=raw,cache=unsafe,file="
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", accel, "-cpu", "max", "-smp", "2", "-m", "2048", "-nodefaults", "-no-user-config", "-display", "none",
             "-serial", "file:" + self.serial, "-qmp", "unix:%s,server=on,wait=off" % monitor,
             "-drive", drive + disk + (",snapshot=on" if scratch else ""), "-drive", drive + identity.path("seed.iso") + ",readonly=on",
             "-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:0-:22", "-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(identity.path("qemu.log"), "w"), preexec_fn=end_with_parent)
        self.monitor = self.connect(monitor)
        self.port = int(re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s", self.human("info usernet")).group(1))
        identity.write("known_hosts", "[127.0.0.1]:%d %s" % (self.port, identity.read("host.pub")))

    # --- the emulator's own talk (QMP) ---

    def connect(self, path):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError("qemu does not start: " + self.identity.read("qemu.log"))
            try:
                talk = socket.socket(socket.AF_UNIX)
                talk.connect(path)
                break
            except OSError:
                talk.close()
                time.sleep(0.1)
        else:
            raise RuntimeError("qemu's monitor does not answer")
        self.monitor = talk.makefile("rw", encoding="utf-8")
        talk.close()
        self.monitor.readline()
        self.say("qmp_capabilities")
        return self.monitor

    def say(self, command, **arguments):
        self.monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.monitor.flush()
        while True:  # events come in between
            answer = json.loads(self.monitor.readline())
            if "error" in answer:
                raise RuntimeError("qemu: %s: %s" % (command, answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]

    def human(self, command):
        return self.say("human-monitor-command", **{"command-line": command})

    # --- the machine ---

    def ssh_words(self, key):
        return ["ssh", "-q", "-p", str(self.port), "-i", key, "-o", "UserKnownHostsFile=" + self.identity.path("known_hosts"),
                "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-F", "none",
                "%s@127.0.0.1" % self.user]

    def ssh(self, command, key=None, timeout=600):
        return subprocess.run(self.ssh_words(key or self.identity.path("login")) + [command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout)

    def ask(self, command, timeout=600):
        done = self.ssh(command, timeout=timeout)
        return done.stdout.strip()

    def wait_for_ssh(self, seconds):
        until = time.monotonic() + seconds
        while self.ssh("true").returncode:
            if self.process.poll() is not None:
                raise RuntimeError("qemu ended: " + self.identity.read("qemu.log"))
            if time.monotonic() > until:
                raise RuntimeError("nobody can log in after %d s" % seconds)
            time.sleep(1)

    def power_off(self, seconds=300):
        """By the power button, as EC2's StopInstances does."""
        self.say("system_powerdown")
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise RuntimeError("it does not switch itself off within %d s" % seconds) from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.monitor.close()

    def last_lines(self, count=40):
        with open(self.serial, errors="replace") as file:
            return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(file.readlines()[-count:]))
