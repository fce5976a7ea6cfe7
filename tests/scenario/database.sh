#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What bad luck with the database does: a full disk, one that may only be read, another process that keeps it locked, a kill at each write of a migration. A build stops with
# a reason, and nothing is left in AWS. Arguments: bakery, the source tree.
. "$2/tests/lib/scenario.sh"
plan 28
project_make
# shellcheck disable=SC2086
sandbox_start $fast

small=$work/small
mkdir "$small"
mount -t tmpfs -o size=2m tmpfs "$small" 2>/dev/null || skip_all "tmpfs cannot be mounted here"
trap 'umount "$small" 2>/dev/null; scenario_end' EXIT
own=$BAKERY_STORE

in_provision() { grep -q '"event":"step_began"' "$work/events.jsonl" 2>/dev/null; }
start_slow() {
  rm -f "$work/events.jsonl"
  "$bakery" build slow --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 in_provision
}
go_on() {
  instance=$("$bakery" sandbox status --format json | python3 -c 'import json,sys; print([i["instance"] for i in json.load(sys.stdin)["instances"] if i["state"] == "running"][0])')
  "$bakery" sandbox exec "$instance" touch /run/slow-go-on
}
ends_with() { wait $pid; got=$?; [ $got = "$1" ] || { echo "ended with $got"; return 1; }; }
fill() { cat /dev/zero >"$small/filled" 2>/dev/null; true; }
in_aws() { # what there is, whatever the ledger says
  "$bakery" sandbox status --format json >"$work/status.json"
  holds "$work/status.json" '[i for i in x["instances"] if i["state"] != "terminated"] == [] and x["volumes"] == [] and x["security_groups"] == []'
}
launched() { cloud --region us-east-1 ec2 describe-instances --query 'length(Reservations)' --output text; }

# --- a full disk ---
export BAKERY_STORE="$small/bakery.db"
fill
ok "with a full disk no build begins" exits 1 "$bakery" build slow --sandbox
ok "it says so" says 'bakery\.db: .*(disk is full|No space left)'
ok "and AWS was not touched" test "$(launched)" = 0
rm "$small/filled"
ok "a build runs" start_slow
fill
go_on
ok "the disk is full: it stops, and nothing is left: no exit code 8" ends_with 1
ok "it says why" says 'the disk is full'
ok "in AWS nothing is left" in_aws
ok "it says that, and what the ledger does not know yet" says 'all that build .* held was removed, but the ledger cannot be told .*disk is full.*bakery gc'
rm "$small/filled"
ok "with room again the history is there" exits 0 "$bakery" history --format json
ok "as of an interrupted one" holds "$work/out" 'x[0]["status"] == "interrupted"'
ok "gc makes the ledger say what AWS says" exits 0 "$bakery" gc --sandbox --yes
ok "nothing is left" nothing_left

# --- may only be read ---
mount -o remount,ro "$small"
ok "what may only be read begins no build" exits 1 "$bakery" build slow --sandbox
ok "it says what to look at" says 'cannot be written; check'
ok "and AWS was not touched" test "$(launched)" = 1
ok "the history can be read" exits 0 "$bakery" history --format json
mount -o remount,rw "$small"
export BAKERY_STORE="$own"

# --- locked by another process ---
lock() { # lock SECONDS: in the background; ends sooner when $work/unlock is there
  rm -f "$work/locked" "$work/unlock"
  python3 - "$BAKERY_STORE" "$1" "$work/locked" "$work/unlock" <<'PY' &
import os, sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
open(sys.argv[3], "w").close()
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until and not os.path.exists(sys.argv[4]):
    time.sleep(0.1)
held.execute("ROLLBACK")
PY
  wait_for 30 test -e "$work/locked"
}
ok "a build runs" start_slow
lock 4
go_on
ok "a lock of seconds is waited for" ends_with 0
ok "another build runs" start_slow
lock 200
go_on
gave_up() { grep -q '"event":"stage_failed"' "$work/events.jsonl"; }
wait_for 150 gave_up
touch "$work/unlock"
ok "one that is kept ends the build" ends_with 1
ok "it says so" says 'another process has kept it locked'
ok "nothing is left" nothing_left

# --- killed at each write of a migration ---
cc -D_GNU_SOURCE -shared -fPIC -o "$work/stop.so" "$source/tests/crash/stop_at_write.c" -ldl || exit 1
# The database before the steps that made leases and documents.
python3 - "$BAKERY_STORE" "$work/old.db" <<'PY'
import sqlite3, sys
whole = sqlite3.connect(sys.argv[1])
whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
old = sqlite3.connect(sys.argv[2])
whole.backup(old)
old.executescript("DROP TABLE document; DROP TABLE lease; PRAGMA user_version = 4; PRAGMA journal_mode = WAL;")
old.close()
PY
"$bakery" history --format json >"$work/before.json"
points=0
wrong=0
# A sanitized bakery wants its runtime to be the first library; the killer comes before it on purpose.
killed_bakery() { ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" LD_PRELOAD="$work/stop.so" "$bakery" "$@"; }
one_kill() { # one_kill N HOW: false when the migration has fewer writes
  rm -rf "$work/migrate"
  mkdir "$work/migrate"
  cp "$work/old.db" "$work/migrate/bakery.db"
  STOP_AT_WRITE="$1:$2" BAKERY_STORE="$work/migrate/bakery.db" killed_bakery history >/dev/null 2>&1
  [ $? = 137 ] || return 1
  points=$((points + 1))
  BAKERY_STORE="$work/migrate/bakery.db" "$bakery" history --format json >"$work/after.json" 2>"$work/after.err" &&
    cmp -s "$work/before.json" "$work/after.json" &&
    [ "$(python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); print(c.execute("PRAGMA user_version").fetchone()[0] > 4, c.execute("PRAGMA integrity_check").fetchone()[0])' "$work/migrate/bakery.db")" = "True ok" ] ||
    { wrong=$((wrong + 1)); echo "# killed at write $1 ($2): $(cat "$work/after.err")"; }
}
for how in before torn after; do
  n=1
  while one_kill $n $how; do n=$((n + 1)); done
done
ok "a migration is killed at each of its writes ($points times)" test "$points" -gt 3
ok "each time the next bakery brings it forward, whole" test "$wrong" = 0
ok "a copy of the version before is kept" test -s "$work/migrate/bakery.db.v4"
ok "and is of no use to be mistaken: it opens as it was" eval 'BAKERY_STORE="$work/migrate/bakery.db.v4" "$bakery" history --format json >"$work/copy.json" && cmp "$work/before.json" "$work/copy.json"'
mv "$work/migrate/bakery.db.v4" "$work/migrate/bakery.db" 2>/dev/null
rm -f "$work/migrate/bakery.db-wal" "$work/migrate/bakery.db-shm"
ok "so it can be put back" eval 'BAKERY_STORE="$work/migrate/bakery.db" "$bakery" history --format json >"$work/copy.json" && cmp "$work/before.json" "$work/copy.json"'
ok "the chain of records is whole" eval '"$bakery" doctor --format json --sandbox >"$work/doctor.json" 2>&1; grep -i "chain\|records" "$work/doctor.json" && ! grep -q "was changed" "$work/doctor.json"'
exit $failed
