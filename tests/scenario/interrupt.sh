#!/bin/sh
# Ctrl-C: stops, cleans up, exit 7, resume goes on. A second one leaves at once and says what is left.
. "$2/tests/lib/scenario.sh"
plan 10
project_make
# shellcheck disable=SC2086
sandbox_start $fast

in_provision() { grep -q '"event":"step_began"' "$work/events.jsonl" 2>/dev/null; }
start_slow() {
  rm -f "$work/events.jsonl"
  "$bakery" build slow --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 in_provision
}
ends_with() { wait $pid; [ $? = "$1" ]; }

ok "a build runs" start_slow
kill -INT $pid
ok "Ctrl-C ends it with 7" ends_with 7
ok "it says how to go on" says 'bakery resume'
ok "nothing is left" nothing_left

go_on() {
  wait_for 60 in_provision
  instance=$("$bakery" sandbox status --format json | python3 -c 'import json,sys; print([i["instance"] for i in json.load(sys.stdin)["instances"] if i["state"] == "running"][0])')
  "$bakery" sandbox exec "$instance" touch /run/slow-go-on
}
rm -f "$work/events.jsonl"
"$bakery" resume --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
pid=$!
ok "resumed, its step is told to go on" go_on
ok "resume ends with 0" ends_with 0

ok "another build runs" start_slow
"$bakery" sandbox set latency.terminate=30s >/dev/null
kill -TERM $pid
sleep 0.3
kill -TERM $pid
ok "a second signal ends it at once with what is left" ends_with 8
ok "and says what takes care of it" says 'bakery gc'
"$bakery" sandbox set latency.terminate=50ms >/dev/null
"$bakery" gc --sandbox --yes >/dev/null 2>&1
ok "gc removes it" nothing_left
exit $failed
