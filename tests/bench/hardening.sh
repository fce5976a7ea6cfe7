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
[ "${KERNEL:-no}" = yes ] && before='[kernel]' after='[kernel, patch, harden-linux]' || before='[]' after=
{
  printf 'bakery: 1\nname: before\nextends: debian-12\nplaybooks: %s\nverify: {playbooks: [none]}\n%s\n' "$before" "$scan"
} >recipes/before.yaml
{
  printf 'bakery: 1\nname: after\nextends: debian-12\n%s\n' "$scan"
  [ -z "$after" ] || printf 'playbooks: %s\n' "$after"
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
whole = lambda rows: {r["control"]: r["evidence"] for r in rows if r["control"] == r["step"]}
for name, text in whole(before).items():
    print("%-34s before: %s" % (name, text))
    print("%-34s after:  %s" % ("", whole(after)[name]))
for name in whole(after):
    rows = [r for r in after if r["step"] == name and r["control"] != name]
    for answer, title in (("fail", "still fails"), ("waived", "is waived")):
        chosen = [r for r in rows if r["answer"] == answer]
        print("\n%s: %d %s" % (name, len(chosen), title))
        for r in chosen:
            print("  %-52s %s" % (r["control"].split("_rule_")[-1], r["evidence"]))
END
