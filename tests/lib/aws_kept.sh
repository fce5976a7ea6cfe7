# SPDX-License-Identifier: Apache-2.0
#
# Debian's aws for scenarios with many calls: awscli takes most of a second to start, so one is kept running (aws_kept.py). Sourced after scenario.sh;
# `cloud` then asks it. What is in the environment at the first call counts for all.
#
#   got NAME ARGUMENTS...               the answer becomes $work/NAME.json
#   is NAME EXPRESSION                  a Python expression over an earlier answer x holds
#   value NAME EXPRESSION               prints it
#   refused CODE ARGUMENTS...           AWS's error code is the answer
#   eval_again NAME EXPRESSION ARGUMENTS...  got and is
#   eventually NAME EXPRESSION ARGUMENTS...  polls until it holds
#   posted NAME ACTION FORM             EC2 by curl, which signs too: for what Debian's aws is too old to know; $work/NAME.json has {"text": reply}
#   all_driven_but SERVICE...           every operation that the sandbox offers was called and answered (from $BAKERY_RECORD), but for these services
export AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=1
coproc AWSCLI { exec /usr/bin/python3 "$source/tests/lib/aws_kept.py" 2>/dev/null; }
exec 8>&"${AWSCLI[1]}" 9<&"${AWSCLI[0]}"

quote() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//$'\n'/\\n}"
}
# To files of each caller's own, since a caller may stand in a pipe.
cloud() {
  local list="" word status at=$work/aws.$BASHPID
  for word in --endpoint-url "$AWS_ENDPOINT_URL" --output json "$@"; do list="$list${list:+, }$(quote "$word")"; done
  echo "$at.out $at.err [$list]" >&8 && read -r status <&9 || return 99
  cat "$at.out"
  cat "$at.err" >&2
  rm -f "$at.out" "$at.err"
  return "$status"
}

got() {
  local to=$work/$1.json
  shift
  cloud "$@" >"$to" 2>"$work/err" || { cat "$work/err"; return 1; }
  [ -s "$to" ] || echo '{}' >"$to"
}
value() { json "$work/$1.json" "$2"; }
is() { holds "$work/$1.json" "$2"; }
refused() {
  local code=$1
  shift
  if cloud "$@" >"$work/out" 2>"$work/err"; then echo "not refused"; cat "$work/out"; return 1; fi
  grep -qF "An error occurred ($code) when calling" "$work/err" || { echo "not $code:"; cat "$work/err"; return 1; }
}
eval_again() {
  local name=$1 expression=$2
  shift 2
  got "$name" "$@" && is "$name" "$expression"
}
eventually() {
  local name=$1 expression=$2
  shift 2
  wait_for 20 eval_again "$name" "$expression" "$@"
}
posted() {
  curl -sS --max-time 20 --aws-sigv4 "aws:amz:$AWS_REGION:ec2" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -d "Action=$2&Version=2016-11-15&$3" "$AWS_ENDPOINT_URL/" >"$work/posted.xml" || return 1
  python3 -c 'import json, sys; print(json.dumps({"text": open(sys.argv[1]).read()}))' "$work/posted.xml" >"$work/$1.json"
  ! grep -q '<Errors>' "$work/posted.xml" || { cat "$work/posted.xml"; return 1; }
}
all_driven_but() {
  "$bakery" sandbox operations --format json >"$work/operations.json" || return 1
  python3 - "$work/operations.json" "$BAKERY_RECORD" "$@" <<'END'
import json, sys
driven = set()
for line in open(sys.argv[2]):
    exchange = json.loads(line)
    if exchange["status"] == 200:
        driven.add((exchange["service"], exchange["operation"]))
offered = {(o["service"], o["operation"]) for o in json.load(open(sys.argv[1]))}
missing = sorted(o for o in offered - driven if o[0] not in sys.argv[3:])
print("nobody drove:", missing)
sys.exit(bool(missing))
END
}
