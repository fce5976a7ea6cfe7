#!/bin/sh
# bakery is killed in each stage up to the image; resume finishes the build, and nothing is left.
. "$2/tests/lib/scenario.sh"
stages="prepare launch connect provision seal image"
plan 26
project_make
sandbox_start latency.launch=400ms latency.stop=400ms latency.terminate=50ms latency.image=400ms latency.copy=100ms

reached() { grep -q "\"event\":\"stage_began\".*\"stage\":\"$1\"" "$work/events.jsonl" 2>/dev/null; }
killed_in() {
  rm -f "$work/events.jsonl"
  "$bakery" build tiny --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 reached "$1" && kill -9 $pid
  wait $pid 2>/dev/null
  [ $? = 137 ]
}
status_is() { "$bakery" history --limit 1 --format json >"$work/history.json" && holds "$work/history.json" 'x[0]["status"] == "'"$1"'"'; }

count=0
for stage in $stages; do
  ok "killed in $stage" killed_in "$stage"
  ok "history says interrupted" status_is interrupted
  ok "resume finishes it ($stage)" exits 0 "$bakery" resume --sandbox
  count=$((count + 1))
  ok "one image more in each region, nothing left ($stage)" sh -c "[ $(image_count us-east-1) = $count ] && [ $(image_count eu-west-1) = $count ]"
done
ok "nothing is left after all of them" nothing_left
ok "nothing more can be resumed" exits 1 "$bakery" resume --sandbox
exit $failed
