#!/bin/sh
# Many builds in one process: what each costs AWS, this host and time, as their number grows. In the sandbox, with latencies injected.
#
#     tests/bench/many.sh [BUILD_FOLDER [N...]]      (default: build 1 5 20 50; a release build without sanitizers)
#
# Each number is built twice: first with nothing known, then with what the first taught. Prints figures; it judges nothing. The sandbox's machines are real and stand on this host, too: the CPU
# of all of it is told beside bakery's, since with many builds it is what runs short. "Noticed" counts from when an image could be available at the earliest, so it holds the sandbox's own lateness.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
[ $# -lt 2 ] || shift
[ $# -ge 1 ] && [ ! -d "$1" ] || set -- 1 5 20 50
bakery=$build/bakery
measure=$build/tests/bench/measure
ninja -C "$build" --quiet bakery tests/bench/measure
work=$(mktemp -d /var/tmp/bakery-many.XXXXXX)
export BAKERY_STORE=$work/bakery.db BAKERY_SANDBOX=$work/sandbox NO_COLOR=1
trap '"$bakery" sandbox down >/dev/null 2>&1 || true; rm -rf --one-file-system "$work"' EXIT
sum_s=14 # two launches, stop, image, copy

mkdir -p "$work/project/recipes" "$work/project/playbooks"
cd "$work/project"
printf 'playbook: 1\nname: mark\nsteps:\n  - {id: mark, check: "test -e /etc/bench", run: "touch /etc/bench"}\n' >playbooks/mark.yaml
recipe() { # recipe NAME
  cat <<END
bakery: 1
name: $1
source:
  ami: {owners: ["136693071363"], name: "debian-12-*"}
launch: {region: us-east-1, instance_types: [m5.large], root_volume: {type: gp3, encrypted: true, kms_key: alias/bakery}}
connect: {user: admin, timeout: 10m}
deadline: 1h
playbooks: [mark]
verify: {playbooks: [mark]}
image: {name: "{{ recipe }}-{{ build }}", imds: v2.0, deprecate_after: 90d}
distribute: {regions: {eu-west-1: {kms_key: alias/bakery}}, share: {organization: true}}
publish: {channel: candidate}
END
}
: >bakery.yaml
cat >"$work/figures.py" <<'END'
import collections, json, sys
record, result, before, count, first_wall, cpu_before, cpu_after, latency_s = sys.argv[1], json.load(open(sys.argv[2])), *map(float, sys.argv[3:])
asked, seen, calls = {}, {}, collections.Counter()
def items(text, list_name):
    import xml.etree.ElementTree as tree
    root = tree.fromstring(text)
    space = root.tag.split('}')[0] + '}'
    for item in root.findall(space + list_name + '/' + space + 'item'):
        yield item.findtext(space + 'imageId'), item.findtext(space + 'imageState')
with open(record) as lines:
    for number, line in enumerate(lines):
        if number < before:
            continue
        row = json.loads(line)
        calls[row["operation"]] += 1
        if row["operation"] in ("CreateImage", "CopyImage") and row["status"] == 200:
            import re
            asked[re.search("<imageId>(ami-[^<]*)", row["reply"]).group(1)] = row["at_ms"]
        if row["operation"] == "DescribeImages" and row["status"] == 200:
            for ami, state in items(row["reply"], "imagesSet"):
                if state == "available" and ami in asked:
                    seen.setdefault(ami, row["at_ms"])
late = [(seen[a] - asked[a]) / 1000 - latency_s for a in seen]
total = sum(calls.values())
print("%3d builds: wall %7.2f s (%.2f x one)   API calls %5d, %5.1f a build   CPU %6.2f s   peak memory %6.1f MiB   CPU of the whole host %6.1f s   noticed after %5.2f s (mean of %d images and copies, at most %.2f)"
      % (count, result["wall_s"], result["wall_s"] / first_wall if first_wall else 1, total, total / count, result["cpu_s"], result["peak_mib"],
         cpu_after - cpu_before, sum(late) / max(1, len(late)), len(late), max(late, default=0)))
if count in (1, 50) or "-v" in sys.argv:
    print("            " + ", ".join("%s %d" % pair for pair in calls.most_common()))
END
lines() { wc -l <"$work/record.jsonl" | tr -d ' '; }
busy() { awk '/^cpu /{printf "%.2f", ($2 + $3 + $4 + $7 + $8) / 100}' /proc/stat; } # of the whole host, s

wall_of_one=0
for count in "$@"; do
  rm -rf recipes && mkdir recipes
  names=$(seq -f 'many-%02g' "$count")
  for name in $names; do recipe "$name" >"recipes/$name.yaml"; done
  rm -f "$BAKERY_STORE"*
  "$bakery" sandbox up --record "$work/record.jsonl" --set latency.launch=3s --set latency.stop=2s --set latency.image=3s --set latency.copy=3s --set latency.terminate=2s >/dev/null 2>&1
  for time in first second; do
    before=$(lines)
    cpu=$(busy)
    # shellcheck disable=SC2086
    "$measure" "$work/result.json" "$bakery" build $names --sandbox -q >"$work/out" 2>&1 || { tail -n 20 "$work/out"; exit 1; }
    printf '%-6s ' "$time"
    python3 "$work/figures.py" "$work/record.jsonl" "$work/result.json" "$before" "$count" "$wall_of_one" "$cpu" "$(busy)" 3
    [ "$wall_of_one" != 0 ] || [ "$time" = first ] || wall_of_one=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["wall_s"])' "$work/result.json")
  done
  "$bakery" sandbox down >/dev/null 2>&1
  "$bakery" sandbox reset --yes >/dev/null 2>&1
  : >"$work/record.jsonl"
done
echo "The latencies alone are $sum_s s. What the whole host spends beyond bakery's CPU is the sandbox's machines, when nothing else runs."
