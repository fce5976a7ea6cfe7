#!/bin/sh
# What a build costs beyond the cloud's own latencies: a 20-step build in the sandbox with latencies injected, beside Debian's Packer where it is installed.
#
#     tests/bench/build.sh [BUILD_FOLDER]      (default: build; a release build without sanitizers)
#
# Prints figures and ratios; it judges nothing. Everything runs in one go on one machine, in a temporary folder.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
bakery=$build/bakery
measure=$build/tests/bench/measure
ninja -C "$build" --quiet bakery tests/bench/measure
work=$(mktemp -d /var/tmp/bakery-bench.XXXXXX)
export BAKERY_STORE=$work/bakery.db BAKERY_SANDBOX=$work/sandbox NO_COLOR=1
trap '"$bakery" sandbox down >/dev/null 2>&1 || true; rm -rf --one-file-system "$work"' EXIT

# The latencies on the path of a build: two launches (build, test), stop, image, copy. Terminations run beside it.
launch_s=3 stop_s=2 image_s=3 copy_s=3 terminate_s=2
sum_s=$((2 * launch_s + stop_s + image_s + copy_s))

mkdir -p "$work/project/recipes" "$work/project/playbooks"
cd "$work/project"
{
  printf 'playbook: 1\nname: twenty\nsteps:\n'
  for n in $(seq 20); do printf '  - {id: step-%d, check: "test -e /etc/bench-%d", run: "touch /etc/bench-%d"}\n' "$n" "$n" "$n"; done
} >playbooks/twenty.yaml
printf 'playbook: 1\nname: boots\nsteps:\n  - {id: boots, check: "test -e /etc/bench-20"}\n' >playbooks/boots.yaml
cat >recipes/bench.yaml <<'END'
bakery: 1
name: bench
description: twenty trivial steps
source:
  ami: {owners: ["136693071363"], name: "debian-12-*"}
launch: {region: us-east-1, instance_types: [m5.large], root_volume: {type: gp3, encrypted: true, kms_key: alias/bakery}}
connect: {user: admin, timeout: 1m}
deadline: 30m
playbooks: [twenty]
verify: {playbooks: [boots]}
image: {name: "{{ recipe }}-{{ build }}"}
distribute: {regions: {eu-west-1: {kms_key: alias/bakery}}, share: {organization: true}}
publish: {channel: candidate}
END
# What Packer does below: no test, no copy, no sharing, no parameter.
sed -e 's/^name: bench/name: plain/' -e 's/^verify: .*/verify: false/' -e '/^distribute:/d' -e '/^publish:/d' recipes/bench.yaml >recipes/plain.yaml
: >bakery.yaml

"$bakery" sandbox up --record "$work/record.jsonl" --set latency.launch=${launch_s}s --set latency.stop=${stop_s}s --set latency.image=${image_s}s \
  --set latency.copy=${copy_s}s --set latency.terminate=${terminate_s}s >/dev/null 2>&1
eval "$("$bakery" sandbox env)"

figure() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
ratio() { python3 -c 'import sys; print("%.2f" % (float(sys.argv[1]) / float(sys.argv[2])))' "$1" "$2"; }
calls() { wc -l <"$work/record.jsonl" | tr -d ' '; }
report() { # report NAME RESULT CALLS LATENCY_SUM
  wall=$(figure "$2" wall_s)
  overhead=$(python3 -c 'import sys; print("%.2f" % (float(sys.argv[1]) - float(sys.argv[2])))' "$wall" "$4")
  printf '%-8s wall %7.2f s   latencies %2d s   overhead %6.2f s (%5.1f%%)   CPU %5.2f s   peak memory %6.1f MiB   API calls %s\n' "$1" "$wall" "$4" \
    "$overhead" "$(python3 -c 'import sys; print(100 * float(sys.argv[1]) / float(sys.argv[2]))' "$overhead" "$4")" "$(figure "$2" cpu_s)" "$(figure "$2" peak_mib)" "$3"
}

echo "20 steps, fresh-instance test, copy to a second region, share, publish:"
for run in first second third; do
  before=$(calls)
  : >"$work/events.jsonl"
  "$measure" "$work/bakery.json" "$bakery" build bench --sandbox -q --events "$work/events.jsonl" >"$work/bakery.out" 2>&1 || { cat "$work/bakery.out"; exit 1; }
  echo "$run build:"
  report bakery "$work/bakery.json" $(($(calls) - before)) $sum_s
  # What the instance itself does, in the steps of playbook, seal and verify, is neither the cloud's latency nor bakery's overhead.
  python3 - "$work/events.jsonl" $sum_s <<'END'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
steps = sum(e.get("duration_s", 0) for e in events if e["event"] == "step_ended")
stages = {e["stage"]: e.get("duration_s", 0) for e in events if e["event"] == "stage_done"}
wall = next(e["duration_s"] for e in events if e["event"] == "build_ended")
print("         of it in steps on the instances %.2f s (seal %.2f s); overhead without them %.2f s (%.1f%%)"
      % (steps, stages["seal"], wall - steps - float(sys.argv[2]), 100 * (wall - steps - float(sys.argv[2])) / float(sys.argv[2])))
print("         stages: " + ", ".join("%s %.2f" % (k, v) for k, v in stages.items()))
END
done

if ! command -v packer >/dev/null 2>&1; then
  echo "packer: not installed (Debian's package packer); nothing to compare with"
  exit 0
fi
plain_sum_s=$((launch_s + stop_s + image_s + terminate_s))
echo "the same steps, image in one region only, no test, no copy, no parameter (the first build looks at permissions, quotas and the like before it makes anything):"
for run in first second; do
  before=$(calls)
  "$measure" "$work/plain.json" "$bakery" build plain --sandbox -q >"$work/bakery.out" 2>&1 || { cat "$work/bakery.out"; exit 1; }
  echo "$run build:"
  report bakery "$work/plain.json" $(($(calls) - before)) $plain_sum_s
done
ami=$(/usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" --output text ec2 describe-images --owners 136693071363 \
  --filters Name=architecture,Values=x86_64 'Name=name,Values=debian-12-amd64-*' --query 'sort_by(Images,&CreationDate)[-1].ImageId')
python3 - "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$ami" >"$work/packer.json" <<'END'
import json, sys
endpoint, key, secret, ami = sys.argv[1:]
print(json.dumps({
    "builders": [{"type": "amazon-ebs", "access_key": key, "secret_key": secret, "region": "us-east-1", "custom_endpoint_ec2": endpoint,
                  "skip_region_validation": True, "skip_credential_validation": True, "skip_metadata_api_check": True,
                  "source_ami": ami, "instance_type": "m5.large", "ssh_username": "admin", "ami_name": "packer-bench", "ssh_timeout": "2m"}],
    "provisioners": [{"type": "shell", "inline": ["test -e /etc/bench-%d || sudo touch /etc/bench-%d" % (n, n)]} for n in range(1, 21)],
}))
END
for delay in default 1; do
  [ $delay = default ] || export AWS_POLL_DELAY_SECONDS=$delay
  before=$(calls)
  if "$measure" "$work/packer-result.json" packer build -force -color=false "$work/packer.json" >"$work/packer.out" 2>&1; then
    echo "packer $(packer version | sed -n 's/^Packer //p'), 20 shell provisioners, image in one region only, no test, no copy (polling: $delay):"
    report packer "$work/packer-result.json" $(($(calls) - before)) $plain_sum_s
    printf '         bakery/packer: wall %s   CPU %s   peak memory %s\n' "$(ratio "$(figure "$work/plain.json" wall_s)" "$(figure "$work/packer-result.json" wall_s)")" \
      "$(ratio "$(figure "$work/plain.json" cpu_s)" "$(figure "$work/packer-result.json" cpu_s)")" \
      "$(ratio "$(figure "$work/plain.json" peak_mib)" "$(figure "$work/packer-result.json" peak_mib)")"
  else
    echo "packer did not get through:"
    tail -n 5 "$work/packer.out" | sed 's/^/  /'
  fi
done
