#!/bin/sh
# Ctrl-C: stops, cleans up, exit 7, resume goes on. A second one leaves at once and says what is left.
. "$2/tests/lib/scenario.sh"
plan 19
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

# --- the terminal goes away: the kernel hangs up, and what is written fails ---
rm -f "$work/events.jsonl"
cat >"$work/terminal.py" <<'END'
import os, pty, select, signal, sys, time
events, *command = sys.argv[1:]
child, master = pty.fork()
if child == 0:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
    os.environ["TERM"] = "xterm"
    os.execv(command[0], command)
shown, end = b"", time.monotonic() + 60
while time.monotonic() < end and not (os.path.exists(events) and '"event":"step_began"' in open(events).read()):
    if select.select([master], [], [], 0.1)[0]:
        shown += os.read(master, 65536)
os.close(master)
_, status = os.waitpid(child, 0)
print("shown:", len(shown), "killed by:", os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 99)
END
ok "a closed terminal ends it with 7" exits 7 python3 "$work/terminal.py" "$work/events.jsonl" "$bakery" build slow --sandbox --events "$work/events.jsonl"
ok "nothing is left" nothing_left
"$bakery" history --limit 1 --format json >"$work/history.json"
ok "it can go on" holds "$work/history.json" 'x[0]["status"] == "interrupted"'

start_kept() {
  rm -f "$work/events.jsonl"
  (trap '' HUP && exec "$bakery" build slow --sandbox --events "$work/events.jsonl") >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 in_provision
}
ok "one that is told to ignore it (nohup) runs" start_kept
kill -HUP $pid
sleep 0.5
ok "a hang-up leaves it running" kill -0 $pid
kill -TERM $pid
kill -HUP $pid
kill -TERM $pid
ok "SIGTERM does not; twice at the same moment counts as once" ends_with 7
ok "nothing is left" nothing_left

# --- the deadline of the whole build; less than a recipe may say, by a plan that is changed ---
"$bakery" plan slow --sandbox --format json >"$work/plan.json"
python3 -c 'import json,sys; x=json.load(open(sys.argv[1])); x.pop("plan_sha256"); x["deadline_s"]=15; json.dump(x, open(sys.argv[1], "w"))' "$work/plan.json"
deadline_passes() { exits 1 "$bakery" build --plan "$work/plan.json" --sandbox && says 'the deadline of 15 s has passed'; }
ok "a build that takes too long fails, and says so" deadline_passes
ok "nothing is left" nothing_left
exit $failed
