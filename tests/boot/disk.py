# SPDX-License-Identifier: Apache-2.0
"""Disk images like those that clouds start machines of: a partition table, GRUB for a BIOS, an ext4 root with kernel, systemd, cloud-init and sshd.

Made of the archive's packages alone, without mounts and loop devices: mmdebstrap makes the root, mke2fs -d copies it into the image, and the boot
loader's two sectors that point to each other are written here as grub-bios-setup would. Kept in the user's cache, under a name that is the hash of this file.
"""
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile

SECTOR, MIB = 512, 1 << 20
SIZE_MIB, BIOS_AT, ROOT_AT = 6144, 2048, 4096  # the two partitions begin at these sectors
PACKAGES = ("apparmor,ca-certificates,cloud-guest-utils,cloud-init,dbus,e2fsprogs,initramfs-tools,libpam-systemd,locales,netplan.io,openssh-server,python3,"
            "sudo,systemd-resolved,systemd-timesyncd,unattended-upgrades,grub2-common,grub-pc-bin")
DEBIAN, DEBIAN_SECURITY, UBUNTU, UBUNTU_SECURITY = (
    "http://deb.debian.org/debian", "http://deb.debian.org/debian-security", "http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu")

# made_of: what the image is made of, without the updates, so that there is a kernel to patch and to restart into. sources: what the machine itself has.
SYSTEMS = {
    "debian-12": {"suite": "bookworm", "user": "admin", "packages": "linux-image-cloud-amd64",
                  "made_of": ["deb %s bookworm main" % DEBIAN],
                  "sources": ["deb %s bookworm main" % DEBIAN, "deb %s bookworm-updates main" % DEBIAN, "deb %s bookworm-security main" % DEBIAN_SECURITY]},
    "debian-13": {"suite": "trixie", "user": "admin", "packages": "linux-image-cloud-amd64",
                  "made_of": ["deb %s trixie main" % DEBIAN],
                  "sources": ["deb %s trixie main" % DEBIAN, "deb %s trixie-updates main" % DEBIAN, "deb %s trixie-security main" % DEBIAN_SECURITY]},
    "ubuntu-24.04": {"suite": "noble", "user": "ubuntu", "packages": "linux-image-virtual,ubuntu-keyring",
                     "made_of": ["deb %s noble main universe" % UBUNTU],
                     "sources": ["deb %s noble main universe" % UBUNTU, "deb %s noble-updates main universe" % UBUNTU,
                                 "deb %s noble-security main universe" % UBUNTU_SECURITY]},
}

GRUB_CFG = """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
search --no-floppy --label --set=root root
linux /vmlinuz root=LABEL=root ro console=ttyS0,115200
initrd /initrd.img
boot
"""


def run(*words, **more):
    """A tool that must do; what it said is the message when it does not."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    if done.returncode:
        raise RuntimeError("%s failed (%d):\n%s" % (words[0], done.returncode, done.stdout[-3000:]))
    return done.stdout


def write(root, path, text):
    whole = os.path.join(root, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "w", encoding="utf-8") as file:
        file.write(text)


def make_root(system, root, keyring):
    trusted = ["--keyring=%s" % keyring] if keyring else []
    # ifupdown would take the network from systemd-networkd, which cloud images have.
    run("mmdebstrap", "--quiet", "--mode=root", "--variant=important", "--format=directory", "--include=%s,%s" % (PACKAGES, system["packages"]),
        "--aptopt=APT::Install-Recommends \"false\"", "--customize-hook=chroot \"$1\" apt-get -q=2 -y purge ifupdown || :",
        "--customize-hook=chroot \"$1\" systemctl -q enable systemd-networkd", "--customize-hook=rm -f \"$1\"/etc/ssh/ssh_host_*", *trusted,
        system["suite"], root, *system["made_of"], timeout=3600)


def settle(system, root):
    """What a cloud's image has and packages do not bring."""
    write(root, "etc/fstab", "LABEL=root / ext4 defaults 0 1\n")
    write(root, "etc/hostname", "localhost\n")
    write(root, "etc/apt/sources.list", "".join(line + "\n" for line in system["sources"]))
    write(root, "etc/cloud/cloud.cfg.d/01_image.cfg", "locale: C.UTF-8\nsystem_info: {default_user: {name: %s}}\n" % system["user"])
    write(root, "etc/default/grub.d/10_image.cfg", 'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX="console=ttyS0,115200"\nGRUB_TERMINAL=serial\n'
          'GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"\n')
    write(root, "boot/grub/grub.cfg", GRUB_CFG)
    kernels = sorted(name[len("vmlinuz-"):] for name in os.listdir(os.path.join(root, "boot")) if name.startswith("vmlinuz-"))
    for name, file in (("vmlinuz", "vmlinuz-"), ("initrd.img", "initrd.img-")):
        link = os.path.join(root, name)
        if not os.path.lexists(link):
            os.symlink("boot/%s%s" % (file, kernels[-1]), link)
    shutil.copytree(os.path.join(root, "usr/lib/grub/i386-pc"), os.path.join(root, "boot/grub/i386-pc"), dirs_exist_ok=True)


def make_loader(root):
    """GRUB's core, which finds its folder on the second partition, and the sector that a BIOS loads."""
    run("chroot", root, "grub-mkimage", "-O", "i386-pc", "-o", "/boot/grub/i386-pc/core.img", "-p", "(hd0,gpt2)/boot/grub", "biosdisk", "part_gpt", "ext2")
    with open(os.path.join(root, "boot/grub/i386-pc/core.img"), "rb") as file:
        core = bytearray(file.read())
    with open(os.path.join(root, "usr/lib/grub/i386-pc/boot.img"), "rb") as file:
        boot = bytearray(file.read())
    core += bytes(-len(core) % SECTOR)
    # boot.img: where the core's first sector is. That one ends with a list of where the others are: sector, count, segment (GRUB's i386/pc/boot.h).
    struct.pack_into("<Q", boot, 0x5c, BIOS_AT)
    struct.pack_into("<QHH", core, SECTOR - 12, BIOS_AT + 1, len(core) // SECTOR - 1, 0x820)
    assert len(core) <= (ROOT_AT - BIOS_AT) * SECTOR
    return boot[:440], core


def make_image(system, path, keyring=None):
    with tempfile.TemporaryDirectory(prefix="bakery-boot-root.", dir=os.path.dirname(path)) as work:
        root, table = os.path.join(work, "root"), "label: gpt\nstart=%d, size=%d, type=21686148-6449-6E6F-744E-656564454649\nstart=%d, type=L\n"
        make_root(system, root, keyring)
        settle(system, root)
        boot, core = make_loader(root)
        with open(path, "wb") as image:
            image.truncate(SIZE_MIB * MIB)
        subprocess.run(["sfdisk", "--quiet", path], input=table % (BIOS_AT, ROOT_AT - BIOS_AT, ROOT_AT), text=True, check=True)
        # A MiB is left for the table's copy at the end.
        run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", root, "-E", "offset=%d,root_owner=0:0" % (ROOT_AT * SECTOR), path,
            "%dk" % ((SIZE_MIB - 1) * 1024 - ROOT_AT * SECTOR // 1024))
        with open(path, "r+b") as image:
            image.write(boot)
            image.seek(BIOS_AT * SECTOR)
            image.write(core)


def find_image(name, cache, keyring=None):
    """The image's path; made when the cache has none."""
    with open(__file__, "rb") as file:
        contents = hashlib.sha256(file.read()).hexdigest()[:12]
    path = os.path.join(cache, "%s-%s.img" % (name, contents))
    if not os.path.exists(path):
        os.makedirs(cache, mode=0o700, exist_ok=True)
        partial = "%s.%d" % (path, os.getpid())
        try:
            make_image(SYSTEMS[name], partial, keyring)
            os.rename(partial, path)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)
    return path
