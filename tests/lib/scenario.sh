# SPDX-License-Identifier: Apache-2.0
#
# For scenarios: a project, a database and a sandbox of their own, gone at the end; checks in TAP's form. Sourced with the path of bakery as $1, of the source tree as $2 and
# of model_check as $3 (which may be empty). What is said to the sandbox is recorded, and at the end held against AWS's models: what does not fit fails the scenario.
#
#   plan N                      how many checks there are
#   ok NAME COMMAND...          a check: the command must exit with 0
#   exits STATUS COMMAND...     runs it, output in $work/out and $work/err; true when it exits so
#   says PATTERN                the last command said so (extended regular expression), on stdout or stderr
#   json FILE EXPRESSION        a Python expression over the document x
#   cloud ...                   Debian's aws, pointed at the sandbox, JSON
#   wait_for SECONDS COMMAND... polls until it holds
#   machine_start               a machine to log in to; admin COMMAND... runs something there

set -u
bakery=$1
source=$2
model_check=${3:-}
work=$(mktemp -d /var/tmp/bakery-scenario.XXXXXX)
number=0
failed=0

export BAKERY_RECORD=${BAKERY_RECORD:-$work/record.jsonl}
export BAKERY_STORE=$work/bakery.db
export BAKERY_SANDBOX=$work/sandbox
export NO_COLOR=1
export AWS_EC2_METADATA_DISABLED=true
export HOME=$work
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-${BAKERY_TEST_CACHE:-/root/.cache}}
export XDG_RUNTIME_DIR=$work/runtime
unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL XDG_STATE_HOME 2>/dev/null || true

models_asked=""
said_what_aws_knows() {
  [ -z "$models_asked" ] && [ -x "$model_check" ] && [ -s "$BAKERY_RECORD" ] || return 0
  "$model_check" "$BAKERY_RECORD" >"$work/models.out" 2>&1 || { sed 's/^/# /' "$work/models.out" >&2; return 1; }
}

scenario_end() {
  status=$?
  "$bakery" sandbox down >/dev/null 2>&1
  said_what_aws_knows || failed=1
  [ "$failed" = 0 ] || [ "$status" != 0 ] || status=1
  if [ "$failed" = 0 ] && [ "$status" = 0 ]; then
    "$bakery" sandbox reset --yes >/dev/null 2>&1
    rm -rf --one-file-system "$work"
  else
    echo "# left for a look: $work" >&2
  fi
  exit "$status"
}
trap scenario_end EXIT
trap 'exit 130' INT TERM

plan() { echo "1..$1"; }

ok() {
  name=$1
  shift
  number=$((number + 1))
  if "$@" >"$work/check.out" 2>&1; then
    echo "ok $number - $name"
  else
    sed 's/^/# /' "$work/check.out"
    for stream in out err; do [ ! -s "$work/$stream" ] || tail -n 25 "$work/$stream" | sed "s/^/# $stream: /"; done
    echo "not ok $number - $name"
    failed=1
  fi
}

# The same as a check of its own; MODEL_CHECK may be empty.
fits_models() { # fits_models MODEL_CHECK
  models_asked=yes
  if [ -x "$1" ]; then
    ok "all that was said fits AWS's models" "$1" "$BAKERY_RECORD"
  else
    number=$((number + 1))
    echo "ok $number - all that was said fits AWS's models # SKIP model_check is not built"
  fi
}

skip_all() {
  echo "1..0 # SKIP $*"
  exit 0
}

exits() {
  wanted=$1
  shift
  "$@" >"$work/out" 2>"$work/err"
  got=$?
  [ "$got" = "$wanted" ] || { echo "exit $got instead of $wanted: $*"; return 1; }
}

says() { cat "$work/out" "$work/err" | grep -qE -- "$1" || { echo "nobody said: $1"; return 1; }; }
says_not() { ! says "$1" >/dev/null; }

json() { python3 -c 'import json,sys; x=json.load(open(sys.argv[1])); v=eval(sys.argv[2]); print(v if not isinstance(v,bool) else str(v).lower())' "$1" "$2"; }
holds() { [ "$(json "$1" "$2")" = true ] || { echo "does not hold: $2"; cat "$1"; return 1; }; }

cloud() { AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" --output json "$@"; }

wait_for() {
  until=$(($(date +%s) + $1))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$until" ] || { echo "waited in vain: $*"; return 1; }
    sleep 0.1
  done
}

# A project to work in; the sandbox, as fast as it can be unless settings are given.
project_make() {
  cp -r "$source/tests/scenario/project" "$work/project"
  cd "$work/project" || exit 1
}
sandbox_start() {
  set -- $(printf -- '--set %s ' "$@")
  "$bakery" sandbox up ${BAKERY_RECORD:+--record "$BAKERY_RECORD"} "$@" >"$work/up.out" 2>"$work/up.err" || { cat "$work/up.err"; echo "Bail out! the sandbox does not start"; exit 1; }
  eval "$("$bakery" sandbox env)"
}
fast="latency.launch=100ms latency.stop=50ms latency.terminate=50ms latency.image=100ms latency.copy=100ms"

# Nothing but what a finished build is meant to leave: no instance that is not terminated, no security group but the defaults.
nothing_left() {
  for region in us-east-1 eu-west-1; do
    left=$(cloud --region $region ec2 describe-instances --filters Name=instance-state-name,Values=pending,running,stopping,stopped --query 'Reservations[].Instances[].InstanceId' --output text)
    [ -z "$left" ] || { echo "instances in $region: $left"; return 1; }
    left=$(cloud --region $region ec2 describe-security-groups --query "SecurityGroups[?GroupName!='default'].GroupName" --output text)
    [ -z "$left" ] || { echo "groups in $region: $left"; return 1; }
    left=$(cloud --region $region ec2 describe-volumes --query 'Volumes[].VolumeId' --output text)
    [ -z "$left" ] || { echo "volumes in $region: $left"; return 1; }
  done
  "$bakery" gc --dry-run --format json --sandbox >"$work/held.json" 2>/dev/null && holds "$work/held.json" 'all(r["reason"].startswith("in quarantine") for r in x)'
}
image_count() { cloud --region "$1" ec2 describe-images --owners self --query 'length(Images)' --output text; }
snapshot_count() { cloud --region "$1" ec2 describe-snapshots --owner-ids self --query 'length(Snapshots)' --output text; }

# A machine of Debian's image whose host key is known beforehand: $instance, $address, "$work/login" (the key), "$work/known_hosts".
machine_start() {
  for key in host login; do ssh-keygen -q -t ed25519 -N '' -C $key -f "$work/$key" </dev/null; done
  python3 - "$work" >"$work/user-data" <<'PY'
import json, sys
read = lambda name: open(f"{sys.argv[1]}/{name}").read()
print("#cloud-config")
print(json.dumps({"ssh_keys": {"ed25519_private": read("host"), "ed25519_public": read("host.pub").strip()},
                  "ssh_deletekeys": True, "ssh_authorized_keys": [read("login.pub").strip()]}))
PY
  ami=$(cloud ec2 describe-images --owners 136693071363 --query 'sort_by(Images,&CreationDate)[-1].ImageId' --output text)
  cloud ec2 run-instances --image-id "$ami" --instance-type m5.large --user-data "file://$work/user-data" >"$work/run.json"
  instance=$(json "$work/run.json" 'x["Instances"][0]["InstanceId"]')
  cloud ec2 wait instance-running --instance-ids "$instance"
  address=$(cloud ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].PublicIpAddress' --output text)
  echo "$address $(cat "$work/host.pub")" >"$work/known_hosts"
}
admin() { ssh -q -i "$work/login" -o UserKnownHostsFile="$work/known_hosts" -o BatchMode=yes "admin@$address" "$@"; }
