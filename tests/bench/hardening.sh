#!/bin/sh
# What hardening comes to, by scanners that do not know us: Lynis, and OpenSCAP with the ANSSI-BP-028 profiles, before (Debian 12 as it comes) and after (recipe debian-12).
#
#     tests/bench/hardening.sh [BUILD_FOLDER]      (default: build)
#
# Prints figures and the rules that fail afterwards; it judges nothing. Needs the network: scanners are installed on the sandbox's machines, and the SCAP content is Debian 13's (package
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
# What is not done, and why (docs/hardening.md has more of it).
waivers() {
  for part in boot home opt srv usr var var_log var_log_audit var_tmp; do echo "partition_for_$part|an image has the partitions of its source image"; done
  for part in deny interval unlock_time; do echo "accounts_passwords_pam_faillock_$part|accounts are locked, but without the line authsucc, after which PAM would leave out a second factor"; done
  echo "accounts_password_set_max_life_root|root has no password, and an age would stop its cron jobs"
  echo "accounts_password_pam_unix_rounds_password_auth|yescrypt at eleven rounds takes 1 GiB for each attempt; its own cost is kept"
  echo "sudo_add_noexec|sudo could start nothing that starts something: no package manager, no systemctl"
  echo "sudo_add_requiretty|bakery, Ansible and Systems Manager use sudo without a terminal"
  echo "sudo_add_umask|files in /etc would be readable for no service"
  echo "sudo_dedicated_group|the login user is made at first boot, and is in no group of ours"
  echo "file_permissions_sudo|as sudo_dedicated_group; the mode is 4111"
  echo "sudoers_no_root_target|cloud-init's login user is the only administrator"
  echo "sudoers_explicit_command_args|as sudoers_no_root_target"
  echo "prefer_64bit_os|it asks the name of the kernel's release, which is the sandbox host's"
  echo "apparmor_configured|a sandbox machine has no systemd"
  echo "grub2_enable_apparmor|a sandbox machine has no boot loader"
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
  waivers | sed 's/\([^|]*\)|\(.*\)/  - {control: "openscap:\1", reason: "\2", expires: "2099-12-31"}/'
} >recipes/after.yaml
cat >playbooks/none.yaml <<'END'
playbook: 1
name: none
steps: [{id: none, check: "true"}]
END

"$bakery" sandbox up >/dev/null 2>&1
for recipe in before after; do
  "$bakery" build $recipe --sandbox -q >"$work/$recipe.out" 2>&1 || { cat "$work/$recipe.out"; exit 1; }
  "$bakery" show --format json >"$work/$recipe.json"
done
python3 - "$work/before.json" "$work/after.json" <<'END'
import json, sys
before, after = ([r for r in json.load(open(path))["controls"] if r["phase"] == "scan"] for path in sys.argv[1:])
names = [r["control"] for r in before if r["control"] == r["step"]]
def figures(rows, name):
    rules = [r["answer"] for r in rows if r["step"] == name and r["control"] != name]
    passed, failed, waived = (rules.count(answer) for answer in ("pass", "fail", "waived"))
    index = next(r["evidence"] for r in rows if r["control"] == name).split(";")[0] if name == "lynis" else ""
    return "%s%d of %d rules that apply pass (%.1f%%); %d of the others are waived, %d fail" % (
        index + "; " if index else "", passed, passed + failed + waived, 100 * passed / (passed + failed + waived), waived, failed)
for name in names:
    print("%-34s before: %s" % (name, figures(before, name)))
    print("%-34s after:  %s" % ("", figures(after, name)))
for name in names:
    rows = [r for r in after if r["step"] == name and r["control"] != name]
    for answer, title in (("fail", "still fail"), ("waived", "are waived")):
        chosen = [r for r in rows if r["answer"] == answer]
        print("\n%s: %d %s" % (name, len(chosen), title))
        for r in chosen:
            print("  %-52s %s" % (r["control"].split("_rule_")[-1], r["evidence"]))
END
