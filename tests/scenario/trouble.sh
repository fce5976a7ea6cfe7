#!/bin/sh
# What bad input and bad luck get: a clear sentence, the right exit status, nothing left behind.
. "$2/tests/lib/scenario.sh"
plan 26
project_make
# shellcheck disable=SC2086
sandbox_start $fast

cat >recipes/broken.yaml <<'END'
bakery: 1
name: broken
source:
  ami: {owners: ["1366"], name: "debian-12-*"}
lanch:
  region: us-east-1
launch: {instance_types: [], colour: blue}
deadline: soon
playbooks: [no-such-playbook]
END
instances_ever() { cloud ec2 describe-instances --query 'length(Reservations)' --output text; }

ok "a broken recipe exits with 3" exits 3 "$bakery" build broken --sandbox
ok "every fault is listed with its place" sh -c "grep -q 'broken.yaml:5:1: lanch: .*did you mean launch' '$work/err' && grep -q 'broken.yaml:7:.*colour' '$work/err' && grep -q 'broken.yaml:8:.*deadline' '$work/err' && grep -q 'no-such-playbook' '$work/err'"
ok "and nothing was launched" test "$(instances_ever)" = 0
ok "an unknown recipe exits with 2 and names those there are" exits 2 "$bakery" build tinny --sandbox
ok "with a suggestion" says 'tiny'
ok "an unknown variable exits with 3" exits 3 "$bakery" build tiny --var wrod=x --sandbox
ok "it is named" says 'wrod'
ok "an unknown option exits with 2" exits 2 "$bakery" build tiny --sanbox
rm recipes/broken.yaml

ok "a failing step exits with 1" exits 1 "$bakery" build failing --sandbox
ok "its output and its place are shown" sh -c "grep -q 'cannot find the frobnicator' '$work/err' && grep -q 'failing.yaml:6' '$work/err'"
ok "nothing is left" nothing_left
"$bakery" show --format json >"$work/show.json"
ok "the failure is recorded" holds "$work/show.json" 'x["status"] == "failed" and any(s["result"] == "failed" and s["exit_status"] == 7 and "frobnicator" in s["output"] for s in x["steps"])'

ok "--keep-on-failure exits with 1, too" exits 1 "$bakery" build failing --sandbox --keep-on-failure
way_in=$(grep -oE 'ssh -i .*@[0-9.]+' "$work/err" | head -n 1)
kept_answers() { sh -c "$way_in -o BatchMode=yes hostname"; }
ok "the ssh command gets in" wait_for 20 kept_answers
ok "gc removes what was kept" exits 0 "$bakery" gc --sandbox --yes
ok "nothing is left then" nothing_left

ok "no credentials: exit 6" exits 6 env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$bakery" plan tiny
ok "it says where it looked" says 'AWS_ACCESS_KEY_ID'
ok "a wrong endpoint: exit 6" exits 6 env AWS_ENDPOINT_URL=http://127.0.0.1:1 "$bakery" plan tiny
ok "naming operation and endpoint" says 'GetCallerIdentity.*127\.0\.0\.1:1'
"$bakery" sandbox set fault.RunInstances=UnauthorizedOperation:1 >/dev/null
ok "a refused permission: exit 6" exits 6 "$bakery" build tiny --sandbox
ok "naming the operation" says 'RunInstances.*UnauthorizedOperation'
ok "nothing is left after it" nothing_left

"$bakery" sandbox set fault.PutParameter=InternalServerError:20 >/dev/null
ok "a late failure quarantines the image" exits 1 "$bakery" build tiny --sandbox
"$bakery" sandbox set fault.PutParameter= >/dev/null
build=$("$bakery" history --limit 1 --format json | python3 -c 'import json,sys; r=json.load(sys.stdin)[0]; print(r["build"] if r["status"] == "quarantined" else "not quarantined")')
ok "and resume publishes it" exits 0 "$bakery" resume "$build" --sandbox
ok "nothing is left at the end" nothing_left
exit $failed
