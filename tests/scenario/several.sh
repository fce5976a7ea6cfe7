#!/bin/sh
# Several builds in one process: side by side, parents before children, one failure among them.
. "$2/tests/lib/scenario.sh"
plan 8
project_make
# shellcheck disable=SC2086
sandbox_start $fast
rm recipes/slow.yaml recipes/rejoin.yaml recipes/hiding.yaml

ok "three at once, child after parent" exits 0 "$bakery" build child tiny other --sandbox --format json
cp "$work/out" "$work/build.json"
ok "all are done" holds "$work/build.json" '[b["recipe"] for b in x] == ["child", "tiny", "other"] and all(b["status"] == "done" for b in x)'
ok "the child starts from the parent's image" holds "$work/build.json" 'x[0]["source_ami"] == x[1]["images"][0]["ami"]'
ok "--all with one that fails exits with 1" exits 1 "$bakery" build --all --sandbox --jobs 2
ok "says how many failed and why" says '1 of 4 builds failed'
ok "history shows seven builds" exits 0 "$bakery" history --format json
ok "one of them failed" holds "$work/out" 'len(x) == 7 and [b["recipe"] for b in x if b["status"] == "failed"] == ["failing"]'
ok "nothing is left" nothing_left
exit $failed
