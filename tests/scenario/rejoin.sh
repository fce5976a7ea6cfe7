#!/bin/sh
# bakery is killed while it works on an instance: resume goes on on that instance, runs nothing twice, and writes each step down once.
. "$2/tests/lib/scenario.sh"

# keyring forget BUILD: its keys are taken out; keyring count BUILD: how many there are. The kernel has no command of its own for that.
keyring() {
  python3 - "$@" <<'EOF'
import ctypes, os, sys
add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
call = ctypes.CDLL(None, use_errno=True).syscall
LINK, UNLINK, SEARCH, USER, PROCESS = 8, 9, 10, -4, -2
verb, build = sys.argv[1:]
if call(keyctl, LINK, USER, PROCESS) < 0:
    sys.exit(1)
keys = [call(keyctl, SEARCH, USER, b"user", b"bakery:%s:build:%s" % (build.encode(), which), 0) for which in (b"login", b"host")]
keys = [key for key in keys if key >= 0]
if verb == "count":
    print(len(keys))
if verb == "probe":
    sys.exit(call(add_key, b"user", b"bakery:probe", b"x", 1, USER) < 0 or call(keyctl, UNLINK, call(keyctl, SEARCH, USER, b"user", b"bakery:probe", 0), USER) < 0)
if verb == "forget":
    sys.exit(len(keys) != 2 or any(call(keyctl, UNLINK, key, USER) < 0 for key in keys))
EOF
}
keyring probe none || skip_all "the kernel's keyring cannot be used here"
plan 40
project_make
# shellcheck disable=SC2086
sandbox_start $fast

build='' instance='' before=''
newest() { "$bakery" history --limit 1 --format json >"$work/history.json" && build=$(json "$work/history.json" 'x[0]["build"]'); }
running() { "$bakery" sandbox status --format json >"$work/status.json" && instance=$(json "$work/status.json" '[i["instance"] for i in x["instances"] if i["state"] == "running"][0]'); }
there() { "$bakery" sandbox exec "$instance" -- test -e "$1"; }
tell() { running && "$bakery" sandbox exec "$instance" -- touch /run/slow-go-on; }
reached() { grep -q "$1" "$work/events.jsonl" 2>/dev/null; }
start() {
  rm -f "$work/events.jsonl"
  "$bakery" "$@" --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
}
kill_now() {
  kill -9 $pid
  wait $pid 2>/dev/null
  [ $? = 137 ] && newest
}
began() { reached "step_began.*\"text\":\"$1\""; }
waits() { wait_for 60 began wait && running && wait_for 20 there /run/slow-began; }
killed_while_it_waits() { waits && kill_now; }
ends_with() { wait $pid; [ $? = "$1" ]; }
launched() { "$bakery" show "$build" --format json >"$work/show.json" && holds "$work/show.json" "len(x['launches']) == $1"; }
same_instance() { launched 1 && holds "$work/show.json" "x['launches'][0]['instance'] == '$instance'"; }
each_step_once() { holds "$work/show.json" 'len([s for s in x["steps"]]) == len({(s["phase"], s["step"]) for s in x["steps"]}) and [s["result"] for s in x["steps"] if s["phase"] == "provision"] == ["changed"] * 8'; }
each_ran_once() { holds "$work/show.json" '[s["output"].split() for s in x["steps"] if s["step"].endswith("count")][-1] == "one two three wait four five".split()'; }
no_keys() { [ "$(keyring count "$build")" = 0 ]; }

# When it has to begin anew, its step is told to go on.
resumed_through() {
  start resume
  while kill -0 $pid 2>/dev/null; do
    ! began wait || tell >/dev/null 2>&1
    sleep 0.2
  done
  ends_with 0
}

# Until when a gc that has only the tags leaves a kind of thing alone.
expires() {
  "$bakery" gc --sandbox --dry-run --store "$work/other.db" --format json >"$work/swept.json" && json "$work/swept.json" "[r['expires'] for r in x if r['kind'] == '$1'][0]"
}

# --- a step is running, on a machine that knows nothing but ECDSA
start build rejoin --var key_type=ecdsa
ok "killed while a step runs" killed_while_it_waits
before=$instance
first=$(expires instance)
ok "its keys are in the keyring" test "$(keyring count "$build")" = 2
start resume
ok "resume finds the step" wait_for 30 began wait
ok "from now on it has the whole time again" test "$(expires instance)" \> "$first"
ok "... and its security group with it" test "$(expires security_group)" = "$(expires instance)"
ok "... which is told to go on" tell
ok "... and the build ends well" ends_with 0
ok "it says where it goes on" says "goes on at stage provision, on $before as it stands"
ok "... and what is done" says '3 steps of provision are done already'
instance=$before
ok "it was the same instance" same_instance
ok "each step is recorded once" each_step_once
ok "... with its evidence" holds "$work/show.json" 'len([e for e in x["controls"] if e["control"] == "WAIT-1"]) == 1'
ok "and was run once" each_ran_once
ok "its keys are gone" no_keys
ok "nothing is left" nothing_left

# --- killed twice, and while the machine restarts
start build rejoin
ok "killed while a step runs" killed_while_it_waits
before=$instance
start resume
wait_for 30 began wait
tell
ok "killed again in a restart" eval "wait_for 30 began restart && sleep 0.7 && kill_now"
ok "resume finishes it" exits 0 "$bakery" resume --sandbox
instance=$before
ok "on the same instance" same_instance
ok "each step is recorded once" each_step_once
ok "and was run once" each_ran_once

# --- stopped in between, as asked
start build rejoin --until provision
wait_for 60 waits
tell
ok "stopped after provision" ends_with 7
newest
running
before=$instance
ok "resume finishes it" exits 0 "$bakery" resume --sandbox
instance=$before
ok "on the same instance, at seal" eval 'same_instance && says "goes on at stage seal, on $before"'
ok "each step is recorded once" each_step_once

# --- in seal
start build rejoin
waits
before=$instance
tell
ok "killed in seal" eval "wait_for 60 reached 'stage_began.*\"stage\":\"seal\"' && sleep 0.3 && kill_now"
ok "resume finishes it, there or on another one" resumed_through
ok "... which it says why, when nobody can log in any more" eval 'launched 1 || says "connecting to $before|$before is not gone on with: "'
ok "one image, nothing left" eval 'nothing_left && [ "$(image_count us-east-1)" = 4 ]'
ok "its keys are gone" no_keys

# --- without its keys
start build rejoin
ok "killed while a step runs" killed_while_it_waits
before=$instance
ok "its keys are taken away" keyring forget "$build"
start resume
ok "another instance" eval 'wait_for 60 began wait && waits && [ "$instance" != "$before" ]'
tell
ok "... on which the build ends well" ends_with 0
ok "it says why" says "$before is not gone on with: the kernel's keyring has no "
ok "each was run once there" eval 'launched 2 && each_ran_once'

# --- without the program
start build rejoin
ok "killed while a step runs" killed_while_it_waits
before=$instance
"$bakery" sandbox exec "$instance" -- sh -c 'rm -rf /run/bakery'
start resume
ok "another instance" eval 'wait_for 60 reached "stage_began.*\"launch\"" && waits && [ "$instance" != "$before" ]'
tell
ok "... on which the build ends well" ends_with 0
ok "it says why, and nothing is left" eval 'says "knows nothing any more of the program" && nothing_left'
exit $failed
