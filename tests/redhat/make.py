#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes as true a machine of the Red Hat family as Debian's archive allows: make.py rocky-9|rhel-9|amazon-linux-2023 FOLDER

Debian 12's programs in the family's places and with its configuration (files/), owned by rpms that are really built, signed and in rpm's database; Debian's own dpkg and apt are gone.
A repository of signed rpms (security updates and an updateinfo among them) lies in the machine, for the real dnf. What Debian has no package of is a stand-in: authselect and
update-crypto-policies, each saying so in its text; there is no SELinux policy and no boot loader. Needs root, mmdebstrap and Debian's archive; takes a minute or two.

A FOLDER that exists is taken for a Debian 12 root with the packages of INCLUDE, and turned into such a machine. The result is for `bakery sandbox import FOLDER --base SHAPE`.
"""
import glob, os, re, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
shapes = {
    "rocky-9": {
        "release": ("rocky-release", "9.6", "1.7.el9", "9"), "dist": "el9", "repository": "rocky", "key": "RPM-GPG-KEY-Rocky-9",
        "os": 'NAME="Rocky Linux"\nVERSION="9.6 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\nPLATFORM_ID="platform:el9"\n'
              'PRETTY_NAME="Rocky Linux 9.6 (Blue Onyx)"\nCPE_NAME="cpe:/o:rocky:rocky:9::baseos"\n'},
    "rhel-9": {
        "release": ("redhat-release", "9.6", "0.1.el9", "9"), "dist": "el9", "repository": "redhat-rhui", "key": "RPM-GPG-KEY-redhat-release",
        "os": 'NAME="Red Hat Enterprise Linux"\nVERSION="9.6 (Plow)"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.6"\nPLATFORM_ID="platform:el9"\n'
              'PRETTY_NAME="Red Hat Enterprise Linux 9.6 (Plow)"\nCPE_NAME="cpe:/o:redhat:enterprise_linux:9::baseos"\n'},
    "amazon-linux-2023": {
        "release": ("system-release", "2023.9.20251110", "1.amzn2023", "2023.9.20251110"), "dist": "amzn2023", "repository": "amazonlinux", "key": "RPM-GPG-KEY-amazon-linux-2023",
        "os": 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\nPLATFORM_ID="platform:al2023"\n'
              'PRETTY_NAME="Amazon Linux 2023.9.20251110"\nCPE_NAME="cpe:2.3:o:amazon:amazon_linux:2023"\n'},
}
LATEST = "2023.9.20251208"          # the release of Amazon Linux that the updates are in
INCLUDE = """ca-certificates cron iproute2 iputils-ping kmod less netbase openssh-server procps python3 sudo rpm dnf dnf-plugins-core createrepo-c gnupg gawk systemd chrony
auditd audispd-plugins aide rsyslog rsyslog-gnutls libpam-pwquality cracklib-runtime selinux-utils policycoreutils curl gpgv clamav clamav-freshclam systemd-journal-remote
logrotate passwd lynis openscap-scanner ssg-nondebian""".split()
# Nothing of the family's machine has them.
UNWANTED = """apt dpkg debconf debianutils debian-archive-keyring adduser ucf usrmerge init-system-helpers sysvinit-utils sensible-utils runit-helper libdebconfclient0
base-passwd base-files createrepo-c libcreaterepo-c0 dash mawk""".split()


def run(*argv, **more):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        sys.exit(f"make.py: {' '.join(argv[:6])}... ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def write(root, path, text, mode=0o644):
    path = root + path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def read(root, path):
    with open(root + path) as file:
        return file.read()


# --- which files are whose ---

def debian_packages(root):
    """{package: ([path], version)}, with the paths as they are after the merge of /usr."""
    packages = {}
    for line in run("chroot", root, "dpkg-query", "-W", "-f", "${Package} ${Version}\n").splitlines():
        name, version = line.split()
        paths = []
        for path in run("chroot", root, "dpkg-query", "-L", name).splitlines():
            path = re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", path)
            if path.count("/") > 1 and os.path.lexists(root + path) and (os.path.islink(root + path) or not os.path.isdir(root + path)):
                paths.append(path)
        packages[name] = (sorted(set(paths)), version)
    return packages


def rpm_table(packages, shape):
    """[(name, epoch, version, release, kind, arch, [path])]"""
    table, taken = [], set()
    for line in open(os.path.join(here, "packages")):
        if line.strip() and not line.startswith("#"):
            name, epoch, version, release, kind, arch, debs = line.split()
            paths = [path for deb in debs.split(",") for path in packages.get(deb, ([], ""))[0]]
            taken.update(debs.split(","))
            kind = {"el9": "repo" if shape["dist"] == "amzn2023" else "base", "epel": "repo" if shape["dist"] == "amzn2023" else "epel"}.get(kind, kind)
            table.append((name, epoch, version, release.replace("el9", shape["dist"]), kind, arch, paths))
    for deb, (paths, version) in packages.items():
        if deb not in taken and deb not in UNWANTED:
            version = re.sub(r"^\d+:", "", version).rsplit("-", 1)[0]
            table.append((deb, "-", re.sub(r"[^A-Za-z0-9._+~]", ".", version), f"1.{shape['dist']}", "base", "x86_64", paths))
    return table


# --- Debian's machine becomes one of the family's ---

def move(root, packages, package, old, new):
    os.makedirs(os.path.dirname(root + new), exist_ok=True)
    os.rename(root + old, root + new)
    paths = packages[package][0]
    paths[paths.index(old)] = new


def replace_bytes(root, path, old, new):
    with open(root + path, "rb") as file:
        content = file.read()
    assert old in content and len(new) <= len(old)
    with open(root + path, "wb") as file:
        file.write(content.replace(old, new + b"\0" * (len(old) - len(new))))


def without_debian(root, packages):
    for name in UNWANTED:
        for path in packages.get(name, ([], ""))[0]:
            if os.path.lexists(root + path) and not path.startswith(("/etc/passwd", "/etc/group")):
                os.unlink(root + path)
    for path in ["/etc/apt", "/etc/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/cache/debconf", "/etc/init.d", "/etc/default", "/etc/debian_version", "/etc/alternatives/README"] + \
            [f"/etc/rc{n}.d" for n in "0123456S"] + ["/etc/pam.d/common-" + n for n in ("auth", "account", "password", "session", "session-noninteractive")] + \
            ["/usr/share/pam-configs", "/var/lib/pam", "/etc/pam.conf", "/etc/bash.bashrc", "/etc/pam.d/cron", "/root/.profile", "/etc/skel/.profile"]:
        (shutil.rmtree if os.path.isdir(root + path) and not os.path.islink(root + path) else lambda p: os.path.lexists(p) and os.unlink(p))(root + path)
    for name, target in (("sh", "bash"), ("awk", "gawk")):
        if os.path.lexists(f"{root}/usr/bin/{name}"):
            os.unlink(f"{root}/usr/bin/{name}")
        os.symlink(target, f"{root}/usr/bin/{name}")


def in_the_familys_places(root, packages):
    for paths, _version in packages.values():
        paths[:] = [path for path in paths if path != "/etc/dnf/automatic.conf" and not path.startswith(("/usr/share/lintian/", "/usr/share/bug/"))]
    move(root, packages, "cron", "/usr/sbin/cron", "/usr/sbin/crond")
    move(root, packages, "cron", "/usr/lib/systemd/system/cron.service", "/usr/lib/systemd/system/crond.service")
    move(root, packages, "openssh-server", "/usr/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/sshd.service")
    move(root, packages, "openssh-sftp-server", "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
    move(root, packages, "chrony", "/usr/lib/systemd/system/chrony.service", "/usr/lib/systemd/system/chronyd.service")
    replace_bytes(root, "/usr/sbin/chronyd", b"/etc/chrony/chrony.conf", b"/etc/chrony.conf")
    # Red Hat builds its bash with another path for who has none.
    replace_bytes(root, "/usr/bin/bash", b"/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin:.\0", b"/usr/local/bin:/usr/bin")
    shutil.rmtree(root + "/etc/chrony")
    packages["chrony"][0].append("/etc/chrony.conf")
    packages["aide"][0].append("/etc/aide.conf")
    packages["rsyslog"][0].append("/etc/rsyslog.conf")
    for unit in glob.glob(root + "/usr/lib/systemd/system/*.service"):
        if not os.path.islink(unit):
            text = open(unit).read()
            new = re.sub(r"^(Alias=.*|EnvironmentFile=-?/etc/default/.*)\n", "", text, flags=re.M).replace("/usr/sbin/cron ", "/usr/sbin/crond ")
            if new != text:
                open(unit, "w").write(new)
    packages["rsyslog"][0].append("/var/lib/rsyslog")
    content = packages["ssg-nondebian"][0]
    content[:] = [path for path in content if path.endswith("/ssg-rhel9-ds.xml")]
    macros = read(root, "/usr/lib/rpm/macros")
    write(root, "/usr/lib/rpm/macros", re.sub(r"^%_dbpath\t.*$", "%_dbpath\t\t%{_var}/lib/rpm", macros, flags=re.M))
    os.symlink("dnf-3", root + "/usr/bin/yum")


def familys_files(root, shape):
    run("cp", "-a", "--no-preserve=ownership", os.path.join(here, "files/el9") + "/.", root)
    amazon = shape["dist"] == "amzn2023"
    write(root, "/usr/lib/os-release", shape["os"])
    if not os.path.lexists(root + "/etc/os-release"):
        os.symlink("../usr/lib/os-release", root + "/etc/os-release")
    pretty = re.search('PRETTY_NAME="(.*)"', shape["os"])[1]
    write(root, "/etc/system-release", pretty.replace("Linux 9", "Linux release 9") + "\n")
    write(root, "/etc/chrony.conf", "sourcedir /run/chrony.d\nsourcedir /etc/chrony.d\n" if amazon else "pool 2.rocky.pool.ntp.org iburst\n")
    with open(root + "/etc/chrony.conf", "a") as file:
        file.write("driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\nkeyfile /etc/chrony.keys\nntsdumpdir /var/lib/chrony\nleapsectz right/UTC\nlogdir /var/log/chrony\n")
    write(root, "/etc/aide.conf", "@@define DBDIR /var/lib/aide\ndatabase_in=file:@@{DBDIR}/aide.db.gz\ndatabase_out=file:@@{DBDIR}/aide.db.new.gz\ngzip_dbout=yes\nNORMAL = p+i+n+u+g+s+m+c+sha512\n"
          "/boot NORMAL\n/etc NORMAL\n/usr NORMAL\n", 0o600)
    write(root, "/etc/rsyslog.conf", 'global(workDirectory="/var/lib/rsyslog")\nmodule(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")\n'
          'module(load="imuxsock" SysSock.Use="off")\ninclude(file="/etc/rsyslog.d/*.conf" mode="optional")\n'
          "*.info;mail.none;authpriv.none;cron.none                /var/log/messages\nauthpriv.*                                              /var/log/secure\n"
          "cron.*                                                  /var/log/cron\n")
    write(root, "/etc/selinux/config", f"SELINUX={'permissive' if amazon else 'enforcing'}\nSELINUXTYPE=targeted\n")
    accounts(root)
    for name in os.listdir(root + "/etc/skel"):
        shutil.copy(f"{root}/etc/skel/{name}", f"{root}/root/{name}")
    os.chmod(root + "/etc/ssh/sshd_config", 0o600)
    for folder in ("/usr/share/empty.sshd", "/var/lib/rsyslog"):
        os.makedirs(root + folder, exist_ok=True)
    write(root, "/etc/security/pwhistory.conf", "# Configuration for remembering the last passwords used by a user.\n# remember = 10\n# retry = 1\n# file = /etc/security/opasswd\n")
    # Amazon Linux comes with the files, and without a profile of authselect's selected.
    run("chroot", root, "/usr/bin/authselect", "select", "minimal" if not amazon else "sssd")
    if amazon:
        for name in ("system-auth", "password-auth"):
            text = read(root, f"/etc/authselect/{name}")
            write(root, f"/etc/pam.d/{name}", "#%PAM-1.0\n" + text.split("\n\n", 1)[1])
        shutil.rmtree(root + "/etc/authselect")
        os.makedirs(root + "/etc/authselect")


def accounts(root):
    """What the setup package's passwd and group have in shadow, which nobody may read."""
    for name in ("passwd", "group"):
        lines = [line.split(":") for line in read(root, f"/etc/{name}").splitlines()]
        secret = "\n".join(f"{l[0]}:*:19469:0:99999:7:::" if name == "passwd" else f"{l[0]}:::" for l in lines) + "\n"
        write(root, "/etc/shadow" if name == "passwd" else "/etc/gshadow", secret, 0)
    for path in ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"):
        if os.path.exists(root + path):
            os.unlink(root + path)


def owned_by_the_known(root):
    """Debian's ids are not those of the family."""
    known_users = {int(line.split(":")[2]) for line in read(root, "/etc/passwd").splitlines()}
    known_groups = {int(line.split(":")[2]) for line in read(root, "/etc/group").splitlines()}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            found = os.lstat(path)
            user = found.st_uid if found.st_uid in known_users else 0
            group = found.st_gid if found.st_gid in known_groups else 0
            if (user, group) != (found.st_uid, found.st_gid):
                os.lchown(path, user, group)
                if found.st_mode & 0o2000 and not os.path.isdir(path):
                    os.chmod(path, found.st_mode & 0o1777)     # set-group-id of a group that is gone


# --- the rpms ---

SPEC_HEAD = """%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global _build_id_links none
%global _binary_payload w0.gzdio
%global _unpackaged_files_terminate_build 0
%global __brp_mangle_shebangs %{{nil}}
Name: {source}
Version: 1
Release: 1
Summary: The files of a machine of the Red Hat family
License: See the packages
Vendor: Tests of bakery
AutoReqProv: no
%description
Nothing.
%install
{install}
"""
SCRIPTS = {
    "chrony": "getent group chrony >/dev/null || groupadd -r chrony\ngetent passwd chrony >/dev/null || useradd -r -g chrony -d /var/lib/chrony -s /sbin/nologin chrony\n",
    "clamav": "getent group clamav >/dev/null || groupadd -r clamav\ngetent passwd clamav >/dev/null || useradd -r -g clamav -d /var/lib/clamav -s /sbin/nologin clamav\n",
    "systemd-journal-remote": "getent passwd systemd-journal-remote >/dev/null || useradd -r -d / -s /usr/sbin/nologin systemd-journal-remote\n",
}
PROVIDES = {"bash": "/bin/sh"}
REQUIRES = {"rsyslog-gnutls": "rsyslog", "clamav-freshclam": "clamav", "audispd-plugins": "audit"}


def spec_package(name, epoch, version, release, arch, paths, summary="Part of the machine", extra="", scripts=""):
    lines = [f"%package -n {name}", f"Version: {version}", f"Release: {release}", f"Summary: {summary}", "AutoReqProv: no"]
    if epoch != "-":
        lines.append(f"Epoch: {epoch}")
    if arch == "noarch":
        lines.append("BuildArch: noarch")
    lines += [extra] if extra else []
    lines += [f"%description -n {name}", "See the name."]
    if scripts:
        lines += [f"%pre -n {name}", scripts]
    lines += [f"%files -n {name}"]
    for path in paths:
        if re.search(r"[\[\]*?{}\"\\% ]", path):
            continue
        lines.append(("%config(noreplace) " if path.startswith("/etc/") and "/init.d/" not in path else "") + path)
    return "\n".join(lines) + "\n"


def rpmbuild(root, source, install, packages):
    """Builds in the machine, of its own files: nothing is compiled. Gives the folder of the rpms, as the machine sees it."""
    top = f"/build/{source}"
    write(root, f"{top}/all.spec", SPEC_HEAD.format(source=source, install=install) + "\n".join(packages))
    run("chroot", root, "rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define", "_use_internal_dependency_generator 0", f"{top}/all.spec")
    return f"{top}/RPMS"


def small_package(name, epoch, version, release, arch="x86_64", extra="", scripts="", paths=()):
    return spec_package(name, epoch, version, release, arch, list(paths), extra=extra, scripts=scripts)


def build_all(root, table, shape):
    copy = "mkdir -p %{buildroot} && tar -C / --one-file-system --exclude=./build --exclude=./proc --exclude=./sys --exclude=./dev -cf - . | tar -C %{buildroot} -xf -"
    specs = []
    for name, epoch, version, release, _kind, arch, paths in table:
        paths = [path for path in paths if os.path.lexists(root + path)]
        extra = "\n".join(f"{key}: {words[name]}" for key, words in (("Requires", REQUIRES), ("Provides", PROVIDES)) if name in words)
        specs.append(spec_package(name, epoch, version, release, arch, paths, extra=extra, scripts=SCRIPTS.get(name, "")))
    name, version, release, releasever = shape["release"]
    specs.append(release_package(name, version, release, releasever))
    specs.append(spec_package("setup", "-", "2.13.7", f"10.{shape['dist']}", "noarch",
                              ["/etc/passwd", "/etc/group", "/etc/shells", "/etc/profile", "/etc/bashrc"]))
    specs.append(spec_package("authselect", "-", "1.2.6", f"3.{shape['dist']}", "x86_64", ["/usr/bin/authselect"]))
    specs.append(spec_package("crypto-policies", "-", "20250128", f"1.git5269e22.{shape['dist']}", "noarch",
                              ["/etc/crypto-policies/config", "/etc/crypto-policies/back-ends/opensshserver.config"]))
    specs.append(spec_package("crypto-policies-scripts", "-", "20250128", f"1.git5269e22.{shape['dist']}", "noarch", ["/usr/bin/update-crypto-policies"]))
    specs.append(spec_package("dnf-automatic", "-", "4.14.0", f"25.{shape['dist']}", "noarch",
                              ["/etc/dnf/automatic.conf", "/usr/bin/dnf-automatic", "/usr/lib/systemd/system/dnf-automatic.service", "/usr/lib/systemd/system/dnf-automatic.timer"]))
    return rpmbuild(root, "machine", copy, specs)


def release_package(name, version, release, releasever):
    return spec_package(name, "-", version, release, "noarch", ["/usr/lib/os-release", "/etc/system-release"],
                        extra=f"Provides: system-release = {version}-{release}\nProvides: system-release(releasever) = {releasever}")


def build_updates(root, shape, table):
    """Newer builds: what patch finds to do. glibc asks for a restart; openssl-libs is a security update; the old kernel is what Rocky leaves behind."""
    dist, specs = shape["dist"], []
    files = {row[0]: [path for path in row[6] if os.path.lexists(root + path)] for row in table}
    specs.append(small_package("glibc", "-", "2.34", f"168.{dist}_6.23", paths=files["glibc"]))
    specs.append(small_package("openssl-libs", "1", "3.2.2", f"6.{dist}_5.1", paths=files["openssl-libs"]))
    write(root, "/build/newer", "".join(path[1:] + "\n" for path in files["glibc"] + files["openssl-libs"]))
    specs.append(small_package("kernel-core", "-", "6.18.44", f"1.{dist}", extra="Provides: installonlypkg(kernel)\nProvides: kernel-core-uname-r = 6.18.44", paths=["/boot/vmlinuz-@running"]))
    specs.append(small_package("telnet", "1", "0.17", f"85.{dist}", paths=["/usr/share/doc/telnet/NEWS"]))
    specs.append(small_package("epel-release", "-", "9", f"9.{dist}", "noarch", paths=["/etc/yum.repos.d/epel.repo"]))
    specs.append(small_package("amazon-ssm-agent", "-", "3.3.2299.0", f"1.{dist}", paths=["/usr/bin/amazon-ssm-agent", "/usr/lib/systemd/system/amazon-ssm-agent.service"]))
    specs.append(small_package("amazon-cloudwatch-agent", "-", "1.300057.1", f"1.{dist}",
                               paths=["/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent", "/usr/lib/systemd/system/amazon-cloudwatch-agent.service"]))
    if dist == "amzn2023":
        name, _version, release, _releasever = shape["release"]
        specs.append(release_package(name, LATEST, release, LATEST))
    unit = "[Unit]\\nDescription=Agent\\n[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"
    running = os.uname().release
    install = f"""set -e
r=%{{buildroot}}
mkdir -p $r/boot $r/usr/bin $r/usr/lib/systemd/system $r/opt/aws/amazon-cloudwatch-agent/bin
tar -C / -T /build/newer -cf - | tar -C $r -xf -
for file in usr/lib/os-release etc/system-release; do mkdir -p $r/$(dirname $file); sed 's/{shape['release'][3]}/{LATEST}/' /$file > $r/$file; done
mkdir -p $r/usr/share/doc/telnet $r/etc/yum.repos.d
echo telnet > $r/usr/share/doc/telnet/NEWS
printf '[epel]\\nname=epel\\nbaseurl=file:///usr/share/repository/epel\\ngpgcheck=1\\nenabled=1\\ngpgkey=file:///etc/pki/rpm-gpg/{shape['key']}\\n' > $r/etc/yum.repos.d/epel.repo
echo kernel > $r/boot/vmlinuz-{running}
echo kernel > $r/boot/vmlinuz-5.14.0-503.14.1.{dist}.x86_64
for agent in ssm cloudwatch; do printf '{unit}' > $r/usr/lib/systemd/system/amazon-$agent-agent.service; done
printf '#!/bin/sh\\n' | tee $r/usr/bin/amazon-ssm-agent > $r/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent
chmod 755 $r/usr/bin/* $r/opt/aws/amazon-cloudwatch-agent/bin/*
"""
    specs = [spec.replace("@running", running) for spec in specs]
    rpms = rpmbuild(root, "updates", install, specs)
    old = [small_package("kernel-core", "-", "5.14.0", f"503.14.1.{dist}", extra="Provides: installonlypkg(kernel)", paths=[f"/boot/vmlinuz-5.14.0-503.14.1.{dist}.x86_64"])]
    return rpms, rpmbuild(root, "old", install, old)


UPDATEINFO = """<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="tests" status="final" type="security" version="1"><id>RLSA-2025:0001</id><title>Important: openssl security update</title><issued date="2025-11-20 00:00:00"/>
<severity>Important</severity><description>For the tests.</description><references/><pkglist><collection short="base"><name>base</name>
<package name="openssl-libs" version="3.2.2" release="6.{dist}_5.1" epoch="1" arch="x86_64" src="openssl-3.2.2-6.src.rpm"><filename>openssl-libs-3.2.2-6.{dist}_5.1.x86_64.rpm</filename></package>
</collection></pkglist></update></updates>
"""


def sign(root, shape, files):
    """A key of its own, which is gone afterwards; its public half is where the publisher's would be."""
    home = root + "/build/gnupg"
    os.makedirs(home, 0o700)
    run("chroot", root, "gpg", "--homedir", "/build/gnupg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", "Tests of bakery <tests@example.com>", "rsa3072", "sign", "never")
    write(root, f"/etc/pki/rpm-gpg/{shape['key']}", run("chroot", root, "gpg", "--homedir", "/build/gnupg", "--batch", "--armor", "--export", "tests@example.com"))
    run("chroot", root, "rpmsign", "--addsign", "--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name tests@example.com", "--define", "_gpg_path /build/gnupg", *[path[len(root):] for path in files])
    subprocess.run(["chroot", root, "gpgconf", "--homedir", "/build/gnupg", "--kill", "all"], check=False)


def repository(root, shape, folder, names):
    os.makedirs(root + folder)
    for path in names:
        os.link(path, f"{root}{folder}/{os.path.basename(path)}")
    run("chroot", root, "createrepo_c", "--quiet", folder)
    write(root, "/build/updateinfo.xml", UPDATEINFO.format(dist=shape["dist"]))
    if any("openssl-libs" in path and "_5.1." in path for path in names):
        run("chroot", root, "modifyrepo_c", "/build/updateinfo.xml", folder + "/repodata")


def make(shape_name, root):
    shape = shapes[shape_name]
    amazon = shape["dist"] == "amzn2023"
    if not os.path.exists(root):
        run("mmdebstrap", "--quiet", "--mode=root", "--format=directory", "--variant=minbase",
            *["--dpkgopt=path-exclude=/usr/share/" + folder + "/*" for folder in ("doc", "man", "locale", "info", "lintian", "i18n")], "--include=" + ",".join(INCLUDE), "bookworm", root)
    packages = debian_packages(root)
    createrepo = tempfile.mkdtemp(dir=root + "/var/tmp")
    for path in packages["createrepo-c"][0] + packages["libcreaterepo-c0"][0]:
        if path.startswith("/usr/bin") or ".so" in path:
            run("cp", "-a", root + path, createrepo)
    in_the_familys_places(root, packages)
    without_debian(root, packages)
    familys_files(root, shape)
    owned_by_the_known(root)
    for path, mode in (("/usr/bin/ssh-agent", 0o755), ("/usr/bin/expiry", 0o755), ("/usr/bin/chage", 0o4755), ("/usr/bin/crontab", 0o4755)):
        os.chmod(root + path, mode)
    run("cp", "-a", *glob.glob(createrepo + "/*_c"), root + "/usr/bin")
    run("cp", "-a", *glob.glob(createrepo + "/*.so*"), root + "/usr/lib")
    table = rpm_table(packages, shape)
    machine = build_all(root, table, shape)
    updates, old = build_updates(root, shape, table)
    only_in_repository = {row[0] for row in table if row[4] != "base"} | {"dnf-automatic"}
    built = {os.path.basename(path): path for path in glob.glob(f"{root}{machine}/*/*.rpm")}
    newer = glob.glob(f"{root}{updates}/*/*.rpm")
    name_of = lambda file: re.sub(r"-[^-]+-[^-]+\.rpm$", "", file)
    installed = [path for file, path in built.items() if name_of(file) not in only_in_repository]
    epel = [path for file, path in built.items() if name_of(file) in {row[0] for row in table if row[4] == "epel"}]
    offered = [path for file, path in built.items() if name_of(file) in only_in_repository and path not in epel]
    sign(root, shape, offered + newer + epel)
    rpm_install(root, [path[len(root):] for path in installed] + [path[len(root):] for path in glob.glob(f"{root}{old}/*/*.rpm")])
    for name, epoch, version, release, kind, arch, paths in table:
        for path in paths if kind != "base" else ():
            if os.path.isdir(root + path) and not os.path.islink(root + path):
                shutil.rmtree(root + path)
            elif os.path.lexists(root + path):
                os.unlink(root + path)
    for path in ("/usr/bin/dnf-automatic", "/etc/dnf/automatic.conf"):
        os.unlink(root + path)
    for unit in ("service", "timer"):
        os.unlink(f"{root}/usr/lib/systemd/system/dnf-automatic.{unit}")
    base = "/usr/share/repository"
    if amazon:
        first = shape["release"][3]
        repository(root, shape, f"{base}/{first}", offered)
        repository(root, shape, f"{base}/{LATEST}", offered + newer)
        os.symlink(LATEST, f"{root}{base}/latest")
        baseurl = f"file://{base}/$releasever"
    else:
        repository(root, shape, f"{base}/9", offered + newer)
        repository(root, shape, f"{base}/epel", epel)
        baseurl = f"file://{base}/$releasever"
    write(root, f"/etc/yum.repos.d/{shape['repository']}.repo",
          f"[{shape['repository']}]\nname={shape['repository']}\nbaseurl={baseurl}\ngpgcheck=1\nenabled=1\ngpgkey=file:///etc/pki/rpm-gpg/{shape['key']}\n")
    clean(root)


def rpm_install(root, files):
    """Into the database alone: the files are where they belong, but for the old kernel's."""
    write(root, "/build/list", "\n".join(files) + "\n")
    run("chroot", root, "sh", "-c", "rpm --import /etc/pki/rpm-gpg/* && xargs rpm -i --justdb --nodeps --noscripts --notriggers < /build/list")
    kernel = os.path.basename(next(path for path in files if "/kernel-core-" in path))
    write(root, f"/boot/vmlinuz-{kernel[len('kernel-core-'):-len('.rpm')]}", "kernel\n")


def clean(root):
    for path in ("/build", "/usr/bin/createrepo_c", "/usr/bin/mergerepo_c", "/usr/bin/modifyrepo_c", "/usr/bin/sqliterepo_c", "/var/lib/dpkg", "/var/log/dpkg.log", "/var/log/apt",
                 "/usr/share/lintian", "/usr/share/bug", "/usr/sbin/policy-rc.d"):
        target = root + path
        if os.path.isdir(target):
            shutil.rmtree(target)
        elif os.path.lexists(target):
            os.unlink(target)
    for path in glob.glob(root + "/etc/ssh/ssh_host_*") + glob.glob(root + "/usr/lib/libcreaterepo*"):
        os.unlink(path)
    for name in os.listdir(root + "/var/tmp"):
        shutil.rmtree(f"{root}/var/tmp/{name}")
    for folder, _folders, files in os.walk(root + "/etc/systemd/system"):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.exists(root + os.readlink(path)):
                os.unlink(path)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in shapes:
        sys.exit(__doc__)
    make(sys.argv[1], os.path.abspath(sys.argv[2]))
