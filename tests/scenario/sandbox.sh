#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The sandbox's life and its real machines, with Debian's aws as the client: an instance is launched, written to and frozen into an image, an instance of the image has what was
# written; the sandbox is stopped, killed and started again; faults are met as they were set.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
architecture=$(uname -m)
[ "$architecture" = aarch64 ] && deb=arm64 type=m6g.large || deb=amd64 type=m5.large

state() { cloud ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].State.Name' --output text; }
is_in() { [ "$(state "$1")" = "$2" ] || { echo "$1 is $(state "$1"), not $2"; return 1; }; }
address() { cloud ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].PublicIpAddress' --output text; }
inside() { # inside INSTANCE COMMAND...
  local host
  host=$(address "$1")
  shift
  ssh -i "$work/id" -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "admin@$host" "$@"
}
launch() { cloud ec2 run-instances --image-id "$1" --instance-type $type --key-name mine --count 1 --instance-initiated-shutdown-behavior "$2" --query 'Instances[0].InstanceId' --output text; }
answers() { [ "$(inside "$1" sudo id -u)" = 0 ]; }
set_() { "$bakery" sandbox set "$@"; }
pid() { json "$BAKERY_SANDBOX/address.json" 'x["pid"]'; }
image_is() { [ "$(cloud ec2 describe-images --image-ids "$1" --query 'Images[0].State' --output text)" = "$2" ]; }
layers() { ls "$BAKERY_SANDBOX/layers"; }
held() { "$bakery" sandbox status --format json >"$work/status.json" && holds "$work/status.json" "x['held'] == $1"; }
no_layers() { [ -z "$(layers)" ] || { layers; return 1; }; }

plan 44
ok "nothing runs at first" exits 1 "$bakery" sandbox status
sandbox_start $fast
. "$source/tests/lib/aws_kept.sh"
ok "up again finds the one that runs" eval 'exits 0 "$bakery" sandbox up --format json && cp $work/out $work/up.json && holds $work/up.json "x[\"endpoint\"] == \"$AWS_ENDPOINT_URL\""'
ok "a second server in the folder is refused" eval 'exits 1 "$bakery" sandbox serve && says "runs in .* already"'
ssh-keygen -q -t ed25519 -N '' -f "$work/id" </dev/null
cloud ec2 import-key-pair --key-name mine --public-key-material "fileb://$work/id.pub" >/dev/null
ami=$(cloud ssm get-parameter --name /aws/service/debian/release/12/latest/$deb --query Parameter.Value --output text)

# --- machines
i=$(launch "$ami" terminate)
ok "an instance comes to run" wait_for 60 is_in "$i" running
ok "... and answers over SSH" wait_for 60 answers "$i"
ok "the console shows its host key" eval 'cloud ec2 get-console-output --instance-id $i --output text --query Output | grep -q "BEGIN SSH HOST KEY FINGERPRINTS"'
ok "exec runs in it" eval 'exits 0 "$bakery" sandbox exec $i -- cat /etc/hostname && says ^ip-127'
inside "$i" 'echo baked | sudo tee /etc/baked >/dev/null'
image=$(cloud ec2 create-image --instance-id "$i" --name baked --query ImageId --output text)
ok "an image of the running instance" wait_for 60 image_is "$image" available
ok "... which runs again" wait_for 60 answers "$i"
ok "... and still has what was written" eval '[ "$(inside $i cat /etc/baked)" = baked ]'
second=$(launch "$image" stop)
ok "an instance of the image answers" wait_for 60 answers "$second"
ok "... and has what was baked" eval '[ "$(inside $second cat /etc/baked)" = baked ]'
ok "... under a host key of its own" eval '[ "$(ssh-keyscan -t ed25519 $(address $i) 2>/dev/null | cut -d" " -f3)" != "$(ssh-keyscan -t ed25519 $(address $second) 2>/dev/null | cut -d" " -f3)" ]'
ok "reboot" eval 'before=$(inside $second cat /proc/sys/kernel/random/boot_id /proc/1/stat | md5sum); cloud ec2 reboot-instances --instance-ids $second && wait_for 60 answers $second'
inside "$i" sudo poweroff >/dev/null 2>&1
ok "one that powers itself off is terminated, if that was its behaviour" wait_for 60 is_in "$i" terminated
inside "$second" sudo poweroff >/dev/null 2>&1
ok "... or stopped" wait_for 60 is_in "$second" stopped
ok "a stopped one starts again" eval 'cloud ec2 start-instances --instance-ids $second && wait_for 60 answers $second && [ "$(inside $second cat /etc/baked)" = baked ]'

# --- stopped and killed
ok "down" exits 0 "$bakery" sandbox down
ok "down again is fine" exits 0 "$bakery" sandbox down
host=$(json "$work/up.json" 'x["pid"]')
ok "its process is gone" wait_for 10 eval '! kill -0 $host 2>/dev/null'
sandbox_start $fast
ok "up again knows all, and what ran runs again" wait_for 60 answers "$second"
kill -9 "$(pid)"
wait_for 10 exits 1 "$bakery" sandbox status >/dev/null
ok "killed, nothing of a machine is left running" wait_for 10 eval '! pgrep -f "$BAKERY_SANDBOX/machines/$second" >/dev/null'
sandbox_start $fast
ok "... and the next one boots it again" wait_for 60 answers "$second"
ok "... with what was written" eval '[ "$(inside $second cat /etc/baked)" = baked ]'

# --- clean-up
cloud ec2 terminate-instances --instance-ids "$second" >/dev/null
wait_for 60 is_in "$second" terminated
snapshot=$(cloud ec2 describe-images --image-ids "$image" --query 'Images[0].BlockDeviceMappings[0].Ebs.SnapshotId' --output text)
cloud ec2 deregister-image --image-id "$image" >/dev/null
ok "a snapshot keeps its files" eval '[ -n "$(layers)" ]'
cloud ec2 delete-snapshot --snapshot-id "$snapshot"
ok "... and with it they go" wait_for 20 no_layers
ok "no machine's folder is left" eval '[ -z "$(ls "$BAKERY_SANDBOX/machines")" ]'

# --- a root file system of one's own
mkdir -p "$work/root/etc" "$work/root/usr" && echo own >"$work/root/etc/own" && tar -C "$work/root" -cf "$work/root.tar" .
ok "import" eval 'exits 0 "$bakery" sandbox import "$work/root.tar" --name own --owner 111122223333 --format json && cp $work/out $work/import.json'
ok "... is an image of that owner" eval '[ "$(cloud ec2 describe-images --owners 111122223333 --query "Images[0].ImageId" --output text)" = "$(json $work/import.json "x[\"ami\"]")" ]'
ok "... in other regions too" eval '[ "$(cloud --region eu-west-1 ec2 describe-images --owners 111122223333 --query "length(Images)" --output text)" = 1 ]'

# --- the files of a system that is only described
rocky=$(cloud ec2 describe-images --owners 792107900819 --filters Name=architecture,Values=$(uname -m | sed s/aarch64/arm64/) --query 'sort_by(Images,&CreationDate)[-1].ImageId' --output text)
ok "a system that is only described is not launched" eval '! launch $rocky stop 2>$work/err && grep -q UnsupportedOperation $work/err && grep -q -- "--base" $work/err'
ok "... before somebody gives its files" eval 'exits 0 "$bakery" sandbox import "$work/root.tar" --base rocky-9 && launch $rocky stop'
ok "... once, for a system that there is, and that is not made here" eval '! "$bakery" sandbox import "$work/root.tar" --base rocky-9 2>$work/err && grep -q "exists already" $work/err &&
  ! "$bakery" sandbox import "$work/root.tar" --base debian-12 2>$work/err && grep -q "made by the sandbox itself" $work/err &&
  ! "$bakery" sandbox import "$work/root.tar" --base ../plum 2>$work/err && grep -q "no system is called" $work/err && exits 2 "$bakery" sandbox import "$work/root.tar" --base rhel-9 --name own'

# --- faults
ok "a setting that there is none of is refused, with a suggestion" eval 'exits 2 "$bakery" sandbox set latency.imgae=1s && says "did you mean latency.image"'
ok "an error code, once" eval 'set_ fault.DescribeVpcs=UnauthorizedOperation && ! cloud ec2 describe-vpcs 2>$work/err && grep -q UnauthorizedOperation $work/err && cloud ec2 describe-vpcs'
ok "a status" eval 'set_ fault.PutParameter=503 && ! cloud ssm put-parameter --name /a --type String --value b 2>$work/err && grep -q ServiceUnavailable $work/err'
ok "a reset connection, after the effect" eval 'set_ fault.PutParameter=reset:after && ! cloud ssm put-parameter --name /a --type String --value b 2>$work/err && [ "$(cloud ssm get-parameter --name /a --query Parameter.Value --output text)" = b ]'
ok "a body cut in the middle" eval 'set_ fault.DescribeRegions=cut && ! cloud ec2 describe-regions 2>$work/err'
ok "capacity" eval 'set_ capacity.$type=0 && ! launch $ami stop 2>$work/err && grep -q InsufficientInstanceCapacity $work/err && set_ capacity.$type='
ok "lag: what was made is not found at once" eval 'set_ lag=1m && g=$(cloud ec2 create-security-group --group-name late --description d --query GroupId --output text) && ! cloud ec2 describe-security-groups --group-ids $g 2>$work/err && grep -q InvalidGroup.NotFound $work/err && set_ lag= && cloud ec2 describe-security-groups --group-ids $g'
ok "the Nth request is held" eval 'set_ hold=2 && cloud ec2 describe-vpcs && { /usr/bin/aws --endpoint-url $AWS_ENDPOINT_URL ec2 describe-vpcs >/dev/null 2>&1 & } && wait_for 60 held 1'
kill %%
ok "... until its client is gone" wait_for 20 held 0
ok "... and it alone" eval 'cloud ec2 describe-vpcs && set_ hold='
ok "reset forgets all but the key" eval 'exits 0 "$bakery" sandbox reset --yes && [ ! -e $BAKERY_SANDBOX/state.db ] && [ -e $BAKERY_SANDBOX/credentials.json ]'
exit $failed
