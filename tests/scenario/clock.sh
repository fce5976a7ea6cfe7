#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Clocks that jump. A build begins on a host whose clock is two hours behind (libfaketime), which jumps to two hours ahead while its playbook runs, and back again; meanwhile
# its machine's own clock jumps as well. Nobody takes a living build over or removes what is its, and what is written down is AWS's time. Arguments: bakery, the source tree.
. "$2/tests/lib/scenario.sh"
library=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketimeMT.so.1
[ -r "$library" ] || skip_all "libfaketime is not installed"
plan 20
project_make
# shellcheck disable=SC2086
sandbox_start $fast

# A sanitized bakery wants its runtime to be the first library; this one comes before it on purpose.
at() { # at OFFSET COMMAND...: with a clock that is off so far; "@FILE": by what the file says
  offset=$1
  shift
  case $offset in @*) offset_file=${offset#@} offset= ;; *) offset_file= ;; esac
  env ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" LD_PRELOAD="$library" FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 \
    ${offset:+FAKETIME="$offset"} ${offset_file:+FAKETIME_TIMESTAMP_FILE="$offset_file"} "$@"
}
in_provision() { grep -q '"event":"step_began"' "$work/events.jsonl" 2>/dev/null; }
newest() { "$bakery" history --limit 1 --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["build"])'; }
machine_of() { "$bakery" sandbox status --format json | python3 -c 'import json,sys; print([i["instance"] for i in json.load(sys.stdin)["instances"] if i["state"] == "running"][0])'; }
ends_with() { wait $pid; got=$?; [ $got = "$1" ] || { echo "ended with $got"; return 1; }; }
nothing_removable() { holds "$work/out" 'not any(r["removable"] for r in x)'; }
dated() { # dated FILE EXPRESSION, which may ask how many seconds a time is ahead() of now, and whether it is near()
  python3 - "$1" "$2" <<'PY' || { echo "does not hold: $2"; cat "$1"; return 1; }
import datetime, json, sys
def ahead(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
def near(text):
    return abs(ahead(text)) < 600
x = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))
PY
}

ok "two hours off, AWS refuses the first request, and believes the second" exits 0 at +2h "$bakery" plan slow --sandbox
ok "it is told" says "clock is .* ahead of AWS's"

cat >playbooks/slow.yaml <<'END'
playbook: 1
name: slow
steps:
  - id: wait
    timeout: 60s
    run: |
      n=0
      while [ ! -e /run/slow-go-on ] && [ "$n" -lt 500 ]; do sleep 0.1; n=$((n + 1)); done
  - {id: ahead, timeout: 5s, run: 'echo 7200 >/etc/clock-jump; sleep 2'}
  - {id: behind, timeout: 5s, run: 'echo -7200 >/etc/clock-jump; sleep 2; date +%s'}
  - {id: dropped, timeout: 20s, run: 'echo 7200 >/etc/clock-jump; echo before; pkill -9 -f "sshd: admin"; sleep 1; echo -7200 >/etc/clock-jump; echo after'}
  - {id: hangs, timeout: 2s, run: 'echo 7200 >/etc/clock-jump; sleep 1; echo -7200 >/etc/clock-jump; sleep 300', if: 'test -e /etc/clock-hang'}
END
cc -D_GNU_SOURCE -shared -fPIC -O1 -o "$work/clock_jump.so" "$source/tests/scenario/clock_jump.c" || exit 1
begins() {
  rm -f "$work/events.jsonl"
  echo "$1" >"$work/clock"
  at "@$work/clock" "$bakery" build slow --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 in_provision && instance=$(machine_of)
}
machine_jumps() { # its programs, from now on, see what /etc/clock-jump says
  base64 "$work/clock_jump.so" >"$work/clock_jump.b64"
  "$bakery" sandbox exec "$instance" -- sh -c 'base64 -d >/usr/local/lib/clock_jump.so && echo 0 >/etc/clock-jump && echo /usr/local/lib/clock_jump.so >/etc/ld.so.preload' <"$work/clock_jump.b64"
}
machine_is_ahead() {
  "$bakery" sandbox exec "$instance" -- sh -c 'echo 7200 >/etc/clock-jump'
  there=$("$bakery" sandbox exec "$instance" -- date +%s)
  [ "$there" -gt $(($(date +%s) + 7000)) ]
}

# --- a build in the middle of it ---
ok "with a clock that is two hours behind a build runs" begins -2h
build=$(newest)
ok "its machine's clock jumps ahead" eval 'machine_jumps && machine_is_ahead'
echo +2h >"$work/clock"
ok "it jumps ahead: another process does not take the build over" exits 1 at +2h "$bakery" resume "$build" --sandbox
ok "it names who works on it" says 'is being worked on by process'
ok "nor does one of a container, which sees no process, only the heartbeat" exits 1 at +2h unshare --pid --fork --mount-proc "$bakery" resume "$build" --sandbox
ok "it says so, too" says 'is being worked on by process'
ok "nor one whose clock is behind" exits 1 at -2h unshare --pid --fork --mount-proc "$bakery" resume "$build" --sandbox
ok "gc with a clock that is ahead removes nothing of it" eval 'exits 0 at +2h "$bakery" gc --sandbox --yes --region us-east-1 --format json && nothing_removable'
ok "nor does one of another database, which knows it by its tags alone" eval 'exits 0 env BAKERY_STORE="$work/other.db" ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$library" FAKETIME=+2h FAKETIME_DONT_FAKE_MONOTONIC=1 "$bakery" gc --sandbox --yes --region us-east-1 --format json && nothing_removable && holds "$work/out" "len(x) > 0"'
ok "what it sees says until when it is to stay, by AWS's time: deadline and ten minutes" dated "$work/out" 'all(600 < ahead(r["expires"]) <= 1200 for r in x)'
sleep 1
echo -2h >"$work/clock"
"$bakery" sandbox exec "$instance" -- touch /run/slow-go-on
ok "it jumps back: the build finishes" ends_with 0
"$bakery" show "$build" --format json >"$work/show.json"
ok "no stage and no step took negative or absurd times" holds "$work/show.json" 'all(0 <= s["duration_s"] < 120 for s in x["stages"] + x["steps"]) and 0 <= x["duration_s"] < 120'
ok "its record has AWS's time, not this host's" dated "$work/show.json" 'all(near(s["started"]) for s in x["stages"] + x["steps"]) and near(x["started"]) and near(x["ended"])'
ok "nor did a jump on its machine end a step or lose one" holds "$work/show.json" '[s["result"] for s in x["steps"] if s["phase"] == "provision"] == ["changed"] * 4 + ["skipped"] and "before\nafter" in [s for s in x["steps"] if s["step"] == "slow/dropped"][0]["output"]'

# --- a step that hangs while its machine's clock jumps ---
ok "another build runs, two hours ahead" begins +2h
build=$(newest)
"$bakery" sandbox exec "$instance" -- sh -c 'touch /etc/clock-hang /run/slow-go-on'
ok "a step that hangs is ended at its time-out" eval 'machine_jumps && ends_with 1 && says "timed out after 2s"'
"$bakery" show "$build" --format json >"$work/show.json"
ok "within seconds" holds "$work/show.json" 'all(0 <= s["duration_s"] < 20 for s in x["steps"])'
ok "nothing is left of both" nothing_left
exit $failed
