#!/bin/sh
# Where an instance comes from and how it is reached: no room, spot taken back, keys that cannot be used, a bastion.
. "$2/tests/lib/scenario.sh"
plan 33
project_make
# shellcheck disable=SC2086
sandbox_start $fast

# recipe NAME LAUNCH CONNECT PLAYBOOK
recipe() {
  cat >"recipes/$1.yaml" <<END
bakery: 1
name: $1
source:
  ami: {owners: ["136693071363"], name: "debian-12-*"}
launch: {instance_types: [m7i.large, m5.large], root_volume: {encrypted: true, kms_key: alias/bakery}$2}
connect: {user: admin, timeout: 1m$3}
deadline: 10m
playbooks: [$4]
verify: false
END
}
set_it() { "$bakery" sandbox set "$@" >/dev/null; }
show() { "$bakery" show --format json >"$work/show.json"; }
shows() { show && holds "$work/show.json" "$1"; }
instances_ever() { cloud ec2 describe-instances --query 'length(Reservations)' --output text; }

# --- no room ---
recipe crowded "" "" tiny
set_it capacity.m7i.large=0 capacity.m5.large.us-east-1a=0
ok "a build goes where there is room" exits 0 "$bakery" build crowded --sandbox
ok "the record tells what was tried" shows 'len([l for l in x["launches"] if l["instance_type"] == "m7i.large" and l["code"] == "InsufficientInstanceCapacity" and not l["instance"]]) >= 2 and x["launches"][-1]["instance_type"] == "m5.large" and x["launches"][-1]["zone"] == "us-east-1b" and x["launches"][-1]["instance"].startswith("i-")'
ok "show prints it" exits 0 "$bakery" show
ok "with AWS's words" says 'm7i.large +us-east-1a +.*InsufficientInstanceCapacity'
set_it capacity.m5.large=0
ok "no room anywhere: exit 1" exits 1 "$bakery" build crowded --sandbox
ok "each try is told" says 'nothing the recipe names has room \([0-9]+ tried\): m7i.large in us-east-1a: InsufficientInstanceCapacity, .*m5.large in us-east-1b'
ok "and what to do" says 'name more launch.instance_types'
ok "nothing is left" nothing_left
set_it capacity.m7i.large= capacity.m5.large= capacity.m5.large.us-east-1a=
recipe spot ", market: spot-then-on-demand" "" tiny
set_it fault.RunInstances=VcpuLimitExceeded:1
ok "a quota of a family moves on to the next type" exits 0 "$bakery" build spot --sandbox --no-preflight
ok "without trying it in every zone" shows '[(l["market"], l["instance_type"], l["code"]) for l in x["launches"]] == [("spot", "m7i.large", "VcpuLimitExceeded"), ("spot", "m5.large", None)]'

# --- a key that cannot be used, which EC2 tells only when the instance is pending ---
key=$(cloud kms describe-key --key-id alias/bakery --query KeyMetadata.KeyId --output text)
recipe locked "" "" tiny
set_it hang.RunInstances=3s
"$bakery" build locked --sandbox --no-preflight >"$work/out" 2>"$work/err" &
locked=$!
wait_for 60 grep -q 'security group' "$work/err"
cloud kms disable-key --key-id "$key"
wait "$locked"
ok "a key that is disabled meanwhile: exit 1" test $? = 1
set_it hang.RunInstances=
ok "the instance's end tells why" says 'is (terminated|shutting-down) instead of running'
ok "with what to check" says 'EC2 could not use the key of the root volume: check that alias/bakery exists in us-east-1 and is enabled, .*kms:CreateGrant'
ok "the record knows, too" shows 'x["launches"][0]["instance"].startswith("i-") and x["launches"][0]["code"].startswith("Client.")'
ok "nothing is left of it" nothing_left
cloud kms enable-key --key-id "$key"

# --- spot, taken back while a step hangs ---
recipe patient ", market: spot-then-on-demand" "" slow
"$bakery" build patient --sandbox >"$work/patient.out" 2>"$work/patient.err" &
patient=$!
running() { cloud ec2 describe-instances --filters Name=instance-state-name,Values=running --query 'Reservations[].Instances[].InstanceId' --output text; }
began() { "$bakery" sandbox exec "$(running)" ls /run/slow-began; }
ok "a step hangs on a spot instance" wait_for 60 began
first=$(running)
set_it "interrupt=$first"
other() { second=$(running) && [ -n "$second" ] && [ "$second" != "$first" ] && began; }
ok "another instance comes by itself, soon" wait_for 60 other
"$bakery" sandbox exec "$(running)" touch /run/slow-go-on
wait "$patient"
ok "and the build is done" test $? = 0
cp "$work/patient.err" "$work/err"
ok "the story is told" says "spot instance $first was taken back by EC2 at .*Server.SpotInstanceTermination|spot instance $first was taken back by EC2"
ok "the record knows why, and that the second was on demand" shows '[(l["market"], l["code"]) for l in x["launches"]] == [("spot", "Server.SpotInstanceTermination"), ("on-demand", None)]'
ok "nothing is left of both" nothing_left

# --- a bastion: this host's sshd, in front of the sandbox's machines ---
sshd=/usr/sbin/sshd
mkdir -p /run/sshd "$work/jump"
ssh-keygen -q -t ed25519 -N '' -f "$work/jump/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/jump/key"
cp "$work/jump/key.pub" "$work/jump/authorized_keys"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/jump/config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $work/jump/host
AuthorizedKeysFile $work/jump/authorized_keys
PidFile $work/jump/pid
StrictModes no
UsePAM no
LogLevel INFO
END
$sshd -f "$work/jump/config" -E "$work/jump/log"
trap 'kill "$(cat "$work/jump/pid")" 2>/dev/null; scenario_end' EXIT
user=$(id -un)
recipe behind "" ", bastion: {host: 127.0.0.1, port: $port, user: $user, key: $work/jump/key, known_hosts: $work/jump/known_hosts}" tiny
: >"$work/jump/known_hosts"
before=$(instances_ever)
ok "a bastion in the VPC wants private addresses: exit 3" exits 3 "$bakery" build behind --sandbox
ok "or to be told where it comes from" says 'connect.bastion.admit'
recipe inside ", address: private" ", bastion: {host: 127.0.0.1, port: $port, user: $user}" tiny
"$bakery" plan inside --sandbox --format json >"$work/plan.json" 2>"$work/err"
ok "behind it, the VPC's own addresses are let in" holds "$work/plan.json" 'any("admit" in p["launch"] and p["launch"]["admit"] == ["172.31.0.0/16"] for p in ([x] if isinstance(x, dict) else x))'
recipe behind "" ", bastion: {host: 127.0.0.1, port: $port, user: $user, key: $work/jump/key, known_hosts: $work/jump/known_hosts, admit: 127.0.0.1/32}" tiny
ok "the plan says whom the group lets in" eval 'exits 0 "$bakery" plan behind --sandbox && says "security_group: temporary, admits only 127.0.0.1/32"'
ok "an unknown bastion: exit 4" exits 4 "$bakery" build behind --sandbox
ok "told how to know it" says "ssh-keyscan -H -p $port 127.0.0.1"
ok "before anything is launched" test "$(instances_ever)" = "$before"
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$work/jump/host.pub")" >"$work/jump/known_hosts"
ssh-keygen -q -H -f "$work/jump/known_hosts" >/dev/null 2>&1
ok "through the bastion a build works" exits 0 "$bakery" build behind --sandbox
ok "the group lets only the bastion in" says 'admits 127.0.0.1/32 to port 22'
ok "everything went through it" grep -q 'Accepted publickey' "$work/jump/log"
recipe behind "" ", bastion: {host: 127.0.0.1, port: $port, user: $user, key: $work/jump/key, known_hosts: $work/jump/known_hosts, admit: 127.0.0.1/32}" failing
"$bakery" build behind --sandbox --keep-on-failure >"$work/out" 2>"$work/err"
way_in=$(grep -oE 'ssh -i .*@[0-9.]+' "$work/err" | head -n 1)
kept_answers() { sh -c "$way_in -o BatchMode=yes hostname"; }
ok "the way in that is printed leads through it, too" wait_for 20 kept_answers
"$bakery" gc --sandbox --yes >/dev/null 2>&1
ok "nothing is left at the end" nothing_left
exit $failed
