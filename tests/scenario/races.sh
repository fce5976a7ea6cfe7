#!/bin/sh
# Several builds of one recipe at once, and several processes on one build: one at a time publishes, a pointer never goes back to an older build, one process works.
. "$2/tests/lib/scenario.sh"
plan 29
project_make
# shellcheck disable=SC2086
sandbox_start $fast
sed -i 's/^verify: .*/verify: false/' recipes/other.yaml
parameter=/bakery/other/candidate

pointer() { cloud --region us-east-1 ssm get-parameter --name $parameter --query Parameter.Value --output text; }
versions() { cloud --region us-east-1 ssm get-parameter-history --name $parameter --query 'length(Parameters)' --output text; }
newest() { "$bakery" history --limit 1 --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["build"])'; }
image_of() { "$bakery" show "$1" --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["images"][0]["ami"])'; }
status_of() { "$bakery" show "$1" --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])'; }
points_to() { [ "$(pointer)" = "$(image_of "$1")" ]; }
is() { [ "$(status_of "$1")" = "$2" ] || { status_of "$1"; return 1; }; }
ends_with() { wait "$2"; got=$?; [ $got = "$1" ] || { echo "ended with $got"; return 1; }; }
until_share() { exits 7 "$bakery" build other --sandbox --until share && sleep 1; }

# --- an older build comes later ---
ok "an older build, all but published" until_share
old=$(newest)
ok "a newer one is published" exits 0 "$bakery" build other --sandbox
new=$(newest)
ok "the older one is refused" exits 1 "$bakery" resume "$old" --sandbox
ok "it says which one is newer" says "build $new, which started later than this one, publishes there already"
ok "and that nothing is to be done" says 'nothing is to be done'
ok "its image is kept" is "$old" quarantined
ok "the pointer stays" points_to "$new"
ok "and was moved once" test "$(versions)" = 1
export BAKERY_STORE="$work/another.db"
cloud --region us-east-1 ssm put-parameter --name $parameter/metadata --type String --overwrite --value '{"build": "29991231-235959-ffff"}' >/dev/null
ok "a build that another database knows is newer, too" exits 1 "$bakery" build other --sandbox
ok "it is named" says 'build 29991231-235959-ffff'
export BAKERY_STORE="$work/bakery.db"
cloud --region us-east-1 ssm put-parameter --name $parameter/metadata --type String --overwrite --value 'written by hand' >/dev/null

# --- two processes want to publish at once ---
publishing() { grep -q '"event":"stage_began".*"stage":"publish"' "$work/$1.jsonl" 2>/dev/null; }
waits() { grep -q "build $first is publishing to" "$work/second.err"; }
resume() { # resume NAME BUILD: in the background
  rm -f "$work/$1.jsonl"
  "$bakery" resume "$2" --sandbox --events "$work/$1.jsonl" >"$work/$1.out" 2>"$work/$1.err" &
}
ok "one build, all but published" until_share
first=$(newest)
ok "another one" until_share
second=$(newest)
"$bakery" sandbox set hang.PutParameter=5s >/dev/null
resume first "$first"
first_pid=$!
wait_for 30 publishing first
resume second "$second"
second_pid=$!
ok "the second waits for the first" wait_for 30 waits
"$bakery" sandbox set hang.PutParameter= >/dev/null
ok "the first is done" ends_with 0 $first_pid
ok "the second after it" ends_with 0 $second_pid
ok "the pointer is the second's" points_to "$second"

# --- the one that publishes is killed ---
ok "one more, all but published" until_share
first=$(newest)
ok "and another one" until_share
second=$(newest)
"$bakery" sandbox set hang.PutParameter=5s >/dev/null
resume first "$first"
first_pid=$!
wait_for 30 publishing first
resume second "$second"
second_pid=$!
wait_for 30 waits
kill -9 $first_pid
"$bakery" sandbox set hang.PutParameter= >/dev/null
ok "a dead one's turn is taken over" ends_with 0 $second_pid

# --- two processes want to go on with one build ---
ok "a build, all but published" until_share
build=$(newest)
"$bakery" sandbox set hang.PutParameter=1s >/dev/null
for name in one two three; do
  resume $name "$build"
  eval "pid_$name=\$!"
done
done_count=0
for name in one two three; do
  eval "wait \$pid_$name" && done_count=$((done_count + 1))
done
"$bakery" sandbox set hang.PutParameter= >/dev/null
ok "of three that resume it, one works" test $done_count = 1
ok "the others say who does" eval 'test "$(cat "$work"/one.err "$work"/two.err "$work"/three.err | grep -cE "is being worked on by process|it is done already")" = 2'
ok "it was published once" eval 'test "$(cloud --region us-east-1 ssm get-parameter-history --name $parameter --query "length(Parameters[?Value==\`$(image_of "$build")\`])" --output text)" = 1'

# --- a process that is taken for dead finds out at its next heartbeat ---
began() { grep -q '"event":"step_began"' "$work/events.jsonl" 2>/dev/null; }
slow_runs() {
  "$bakery" build slow --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 began
}
ok "a build runs" slow_runs
build=$(newest)
python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1], timeout=20); c.execute("UPDATE claim SET boot = \"another\", host = \"elsewhere\", heartbeat_ms = 0"); c.commit()' "$BAKERY_STORE"
ok "another process takes it over: it stops" ends_with 1 $pid
ok "it says why" says 'another process has taken the build over'
ok "and leaves all to that one" eval '[ "$("$bakery" sandbox status --format json | python3 -c "import json,sys; print(sum(i[\"state\"] == \"running\" for i in json.load(sys.stdin)[\"instances\"]))")" = 1 ]'
ok "what it held is still in the ledger" eval '"$bakery" gc --dry-run --format json --sandbox >"$work/held.json" && holds "$work/held.json" "len(x) > 0"'
ok "nothing is left" eval '"$bakery" gc --sandbox --yes >/dev/null 2>&1; nothing_left'
exit $failed
