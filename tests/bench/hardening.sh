#!/bin/sh
# What hardening comes to, by scanners that do not know us: Lynis, and OpenSCAP with the ANSSI-BP-028 profiles, before (Debian 12 as it comes) and after (recipe debian-12).
#
#     tests/bench/hardening.sh [BUILD_FOLDER]      (default: build)
#
# Prints figures, the rules that fail afterwards, and those that are waived with the reasons; it judges nothing. Of each there are three figures: of all rules that apply (by the
# scanner); without those that no sandbox machine can meet (it is one file system on its host's kernel, with no boot loader and no systemd); and with what was waived for a reason.
# Of Lynis it prints where its points are lost.
#
# Needs the network: scanners are installed on the sandbox's machines, and the SCAP content is Debian 13's (package
# ssg-debian), since Debian 12's own stops at Debian 11. It is downloaded and checked against the index of Debian's mirror, or taken from $DATASTREAM.
#
# The sandbox's machines have no kernel of their own, so that the content takes the kernel's rules for not applicable. With KERNEL=yes a kernel package is installed on both
# machines, as every EC2 instance has one: more rules apply then, among them sysctls that the sandbox's host alone could set.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
bakery=$build/bakery
mirror=${MIRROR:-http://deb.debian.org/debian}
ninja -C "$build" --quiet bakery >/dev/null
work=$(mktemp -d /var/tmp/bakery-bench.XXXXXX)
export BAKERY_STORE=$work/bakery.db BAKERY_SANDBOX=$work/sandbox NO_COLOR=1
trap '"$bakery" sandbox down >/dev/null 2>&1 || true; rm -rf --one-file-system "$work"' EXIT

datastream_fetch() {
  curl -fsS -m 300 "$mirror/dists/trixie/main/binary-amd64/Packages.xz" | xz -dc | sed -n '/^Package: ssg-debian$/,/^$/p' >"$work/package"
  file=$(sed -n 's/^Filename: //p' "$work/package" | head -n 1)
  curl -fsS -m 300 -o "$work/ssg.deb" "$mirror/$file"
  echo "$(sed -n 's/^SHA256: //p' "$work/package" | head -n 1)  $work/ssg.deb" | sha256sum -c --quiet
  dpkg-deb -x "$work/ssg.deb" "$work/ssg"
  echo "SCAP content: $(sed -n 's/^Version: /ssg-debian /p' "$work/package" | head -n 1)" >&2
  echo "$work/ssg/usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml"
}
datastream=${DATASTREAM:-$(datastream_fetch)}

mkdir -p "$work/project/recipes" "$work/project/playbooks"
cd "$work/project"
: >bakery.yaml
cat >playbooks/kernel.yaml <<'END'
playbook: 1
name: kernel
steps:
  - id: kernel
    env: {DEBIAN_FRONTEND: noninteractive}
    timeout: 15m
    run: apt-get -q update && apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install linux-image-cloud-amd64
END
scan="scan:
  scanner:
    - lynis
    - {kind: openscap, profile: anssi_bp28_minimal, datastream: $datastream}
    - {kind: openscap, profile: anssi_bp28_intermediary, datastream: $datastream}
    - {kind: openscap, profile: anssi_bp28_enhanced, datastream: $datastream}"
# Rules that are not met: SANDBOX, what no sandbox machine can have; CHOICE, what is not done, and why (docs/hardening.md has more of it).
waivers() {
  for part in boot home opt srv usr var var_log var_log_audit var_tmp; do
    echo "SANDBOX|partition_for_$part|a sandbox machine has one file system; an image has the partitions of its source image, and separate ones get their mount options"
  done
  echo "SANDBOX|prefer_64bit_os|it reads the architecture from the name of the kernel's release, which is the sandbox host's; the system is x86_64"
  echo "SANDBOX|apparmor_configured|it asks systemd whether the service runs, and a sandbox machine has none; AppArmor is installed"
  echo "SANDBOX|grub2_enable_apparmor|a sandbox machine has no boot loader; Debian's kernel has AppArmor on without being told"
  echo "CHOICE|accounts_password_pam_unix_rounds_password_auth|yescrypt's highest cost, 11, takes 1 GiB of memory for each attempt: no password could be used on a small instance, and a few attempts would fill a large one; SHA-512 of many rounds would pass and is easier to guess. Its own cost is kept, the variable password_rounds changes it"
  echo "CHOICE|sudo_add_noexec|what sudo starts could start nothing itself: no package manager, no shell, no Ansible"
  echo "CHOICE|sudo_add_requiretty|bakery, Ansible and everything else that administers machines without a person uses sudo without a terminal"
  echo "CHOICE|sudo_add_umask|with 0077 whatever Ansible or an installer writes by way of sudo could be read by no service; of people who log in the umask is 077 in sudo as well (variable sudo_umask)"
  echo "CHOICE|sudo_dedicated_group|only its members could start sudo, and cloud-init, Systems Manager (ssm-user) and sites make their users when the instance runs: all would be locked out (variable sudo_group)"
  echo "CHOICE|file_permissions_sudo|4110 would leave it to that group; it is 4111, so that nobody reads the file"
  echo "CHOICE|sudoers_no_root_target|cloud-init's login user is the only administrator, and has to become root"
  echo "CHOICE|sudoers_explicit_command_args|an administrator's commands cannot be listed beforehand; the rule also finds root's own line of Debian's sudoers"
}
# Without patch, which wants the newest kernel to run.
[ "${KERNEL:-no}" = yes ] && before='[kernel]' after='[kernel, harden-linux]' || before='[]' after=
{
  printf 'bakery: 1\nname: before\nextends: debian-12\nplaybooks: %s\nverify: {playbooks: [none]}\n%s\n' "$before" "$scan"
} >recipes/before.yaml
{
  printf 'bakery: 1\nname: after\nextends: debian-12\n%s\n' "$scan"
  [ -z "$after" ] || printf 'playbooks: %s\n' "$after"
  echo 'waive:'
  waivers | sed 's/[A-Z]*|\([^|]*\)|\(.*\)/  - {control: "openscap:\1", reason: "\2", expires: "2099-12-31"}/'
} >recipes/after.yaml
cat >playbooks/none.yaml <<'END'
playbook: 1
name: none
steps: [{id: none, check: "true"}]
END

# Lynis' report has the index, only its log the points: a playbook of this project in place of the shipped one tells them, too.
{
  cat "$source/playbooks/scan-lynis.yaml"
  cat <<'END'

  - id: points
    controls: [LYNIS-POINTS]
    check: |
      awk '
        /Performing test ID/ {match($0, /[A-Z]+-[0-9]+/); test = substr($0, RSTART, RLENGTH)}
        match($0, /number of hardening points for this item \([0-9]+\)/) {n = substr($0, RSTART, RLENGTH); gsub(/[^0-9]/, "", n); got += n; of += n}
        match($0, /number of hardening points \([0-9]+ of [0-9]+\)/) {n = substr($0, RSTART, RLENGTH); gsub(/[^0-9]+/, " ", n); split(n, p, " "); got += p[1]; of += p[2]; lost[test] += p[2] - p[1]}
        END {printf "%d of %d", got, of; for (t in lost) if (lost[t]) printf " %s=%d", t, lost[t]; print ""}' /var/tmp/bakery-scan/lynis.log
END
} >playbooks/scan-lynis.yaml

"$bakery" sandbox up >/dev/null 2>&1
for recipe in before after; do
  "$bakery" build $recipe --sandbox -q >"$work/$recipe.out" 2>&1 || { cat "$work/$recipe.out"; exit 1; }
  "$bakery" show --format json >"$work/$recipe.json"
done
waivers >"$work/waivers"
python3 - "$work/before.json" "$work/after.json" "$work/waivers" <<'END'
import json, sys
before, after = ([r for r in json.load(open(path))["controls"] if r["phase"] == "scan"] for path in sys.argv[1:3])
waivers = [line.rstrip("\n").split("|") for line in open(sys.argv[3])]
sandbox = {rule for kind, rule, _ in waivers if kind == "SANDBOX"}
reasons = {rule: reason for _, rule, reason in waivers}
# Lynis' points that a sandbox machine cannot have.
host = {
    "KRNL-6000": "values of the sandbox host's kernel; those of the image are in its sysctl files",
    "FILE-6310": "a sandbox machine has one file system",
    "FILE-6374": "the sandbox mounts /dev",
    "LOGG-2130": "no service runs, the journal neither",
    "ACCT-9628": "no service runs, auditd neither",
    "MACF-6290": "the sandbox host's kernel has no AppArmor",
}
declined = {
    "USB-3000": "USBGuard: an EC2 instance has no USB ports, and usb-storage cannot be loaded",
    "SSH-7408": "3 for another port than 22, which every scanner finds as well; 2 for less than 4 sessions of a connection, which those need who share one (variable ssh_max_sessions)",
    "PKGS-7420": "automatic upgrades hold the package manager's lock when user data wants it, and others are replaced by newer images: the playbook updates has them",
    "FILE-6344": "hidepid for /proc: systemd does not support it",
    "MALW-3280": "a commercial virus scanner",
    "HRDN-7230": "a virus scanner: the playbook antivirus (ClamAV), where files of others are kept",
    "DEB-0810": "apt-listbugs asks a person, and nobody is there when an image is baked",
    "DEB-0811": "apt-listchanges shows changes to a person, and nobody is there when an image is baked",
    "DEB-0880": "fail2ban: SSH takes keys only, there is nothing to guess",
    "TOOL-5190": "as DEB-0880; an intrusion detection system is the site's",
    "ACCT-9622": "process accounting: auditd records logins, privileged commands and changes, with the user behind them",
    "DEB-0831": "needrestart brings binutils, and an instance that is replaced by a newer one upgrades nothing in place",
    "SSH-7440": "who may log in is the site's to say (variable ssh_allow_groups)",
}
names = [r["control"] for r in before if r["control"] == r["step"]]
short = lambda r: r["control"].split("_rule_")[-1]
share = lambda part, whole: "%3d of %3d (%.1f %%)" % (part, whole, 100 * part / whole)
def rules_of(rows, name):
    return [r for r in rows if r["step"] == name and r["control"] != name and r["answer"] in ("pass", "fail", "waived")]
def count(rows, *answers):
    return sum(r["answer"] in answers for r in rows)
def points_of(rows):
    words = next(r["evidence"] for r in rows if r["control"] == "LYNIS-POINTS").split()
    lost = {test: int(n) for test, n in (word.split("=") for word in words[3:])}
    return int(words[0]), int(words[2]), lost
for title, rows in ("before", before), ("after", after):
    got, of, lost = points_of(rows)
    index = next(r["evidence"] for r in rows if r["control"] == "lynis").split(";")[0]
    here = sum(n for test, n in lost.items() if test in host)
    print("lynis %-6s %s: %s of its points; without those that no sandbox machine can have %s" % (title, index, share(got, of), share(got, of - here)))
got, of, lost = points_of(after)
for here, title in (True, "that no sandbox machine can have"), (False, "by choice"):
    print("\nlynis, points lost %s: %d" % (title, sum(n for test, n in lost.items() if (test in host) == here)))
    for test, n in sorted(lost.items(), key=lambda item: (-item[1], item[0])):
        if (test in host) == here:
            print("  %2d %-10s %s" % (n, test, host.get(test) or declined.get(test, "")))
for name in names:
    if name == "lynis":
        continue
    print("\n%s" % name)
    for title, all_rules in ("before", rules_of(before, name)), ("after", rules_of(after, name)):
        possible = [r for r in all_rules if short(r) not in sandbox]
        print("  %-6s pass: %s of all rules that apply; %s without those that no sandbox machine can meet%s" % (title, share(count(all_rules, "pass"), len(all_rules)),
              share(count(possible, "pass"), len(possible)), "" if title == "before" else "; %s with those that are waived" % share(count(all_rules, "pass", "waived"), len(all_rules))))
    rules = rules_of(after, name)
    for here, title in (True, "no sandbox machine can meet"), (False, "are not met by choice"):
        chosen = [r for r in rules if r["answer"] == "waived" and (short(r) in sandbox) == here]
        print("  %d rules %s%s" % (len(chosen), title, ":" if chosen else ""))
        for r in chosen:
            print("    %-48s %s" % (short(r), reasons[short(r)]))
for name in names:
    chosen = [r for r in rules_of(after, name) if r["answer"] == "fail"]
    print("\n%s: %d still fail" % (name, len(chosen)))
    for r in chosen:
        print("  %-52s %s" % (short(r), r["evidence"]))
END
