#!/bin/sh
# What killed builds left is found by its tags alone, in all regions, when no database knows of it: young things stay, old ones go; what is
# published, of another project or not known for sure stays. The cloud's clock is set forward, since a day is the least age of a result.
. "$2/tests/lib/scenario.sh"
plan 66
project_make
# shellcheck disable=SC2086
sandbox_start latency.launch=400ms latency.stop=400ms latency.terminate=50ms latency.image=400ms latency.copy=1s

reached() { grep -q "\"event\":\"stage_began\".*\"stage\":\"$1\"" "$work/events.jsonl" 2>/dev/null; }
killed_in() {
  rm -f "$work/events.jsonl"
  "$bakery" build "$2" --sandbox --events "$work/events.jsonl" >"$work/out" 2>"$work/err" &
  pid=$!
  wait_for 60 reached "$1" && { sleep "${3:-0}"; kill -9 $pid; }
  wait $pid 2>/dev/null
  [ $? = 137 ]
}
gc() { "$bakery" gc --sandbox --format json "$@" >"$work/gc.json" 2>"$work/gc.err"; }
finds() { gc --dry-run "$@" || { cat "$work/gc.err"; return 1; }; }
row() { holds "$work/gc.json" "$1"; }
database_gone() { rm -f "$BAKERY_STORE" "$BAKERY_STORE"-*; }
now_again() { "$bakery" sandbox set clock= >/dev/null; } # the aws of Debian keeps to its own clock
hours_later() { "$bakery" sandbox set clock="+$1h" >/dev/null; }

# --- schedules need neither AWS nor a database ---
ok "--schedule prints a job for GitLab" exits 0 "$bakery" gc --schedule gitlab
ok "which runs it" says 'bakery gc --yes'
ok "and a workflow for GitHub" exits 0 "$bakery" gc --schedule github
ok "which is YAML" python3 -c 'import sys; t=open(sys.argv[1]).read(); assert "cron" in t and "\t" not in t' "$work/out"
ok "and a line for cron" sh -c "'$bakery' gc --schedule cron | grep -qE '^17 3 \* \* \* bakery '"
ok "and units for systemd" sh -c "'$bakery' gc --schedule systemd | grep -q '^OnCalendar='"
ok "another kind is refused" exits 2 "$bakery" gc --schedule at

# --- a finished build, then killed ones ---
ok "a build is published" exits 0 "$bakery" build tiny --sandbox
ok "gc has nothing to say of it" finds
ok "nothing" row 'x == []'
ok "but with --all that it is a result" finds --all
ok "in both regions" row 'len(x) == 2 and {r["region"] for r in x} == {"us-east-1", "eu-west-1"} and all(r["kind"] == "image" and not r["removable"] and "published" in r["reason"] for r in x)'
python3 - "$BAKERY_STORE" <<'PY'
import sqlite3, sys
from_backup = sqlite3.connect(sys.argv[1])
with sqlite3.connect(sys.argv[1] + ".kept") as kept: from_backup.backup(kept)
with from_backup:
    from_backup.execute("UPDATE build SET status = 'interrupted'")
    from_backup.execute("UPDATE hold SET status = 'held' WHERE kind IN ('image', 'copy')")
    from_backup.execute("DELETE FROM stage WHERE stage IN ('gate', 'distribute', 'share', 'publish', 'tidy')")
PY
ok "with a backup of the database from before the gates" exits 8 "$bakery" gc --sandbox --yes
ok "gc says that the images are published" says 'keep +published as /bakery/tiny/candidate'
ok "and leaves them" sh -c "[ $(image_count us-east-1) = 1 ] && [ $(image_count eu-west-1) = 1 ]"
mv "$BAKERY_STORE.kept" "$BAKERY_STORE" && rm -f "$BAKERY_STORE"-*
{ sed 's/^name: tiny/name: profiled/' recipes/tiny.yaml | sed 's/^launch:$/launch:\n  temporary_profile: {policy: policy.json, managed_policies: ["arn:aws:iam::aws:policy\/AmazonSSMManagedInstanceCore"]}/'; } >recipes/profiled.yaml
echo '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}' >recipes/policy.json
for stage in launch connect provision; do
  ok "a build is killed in $stage" killed_in "$stage" tiny
done
ok "and one that has a role of its own" killed_in connect profiled
ok "and one while it copies its image" killed_in distribute tiny 0.3
instances() { cloud ec2 describe-instances --filters Name=instance-state-name,Values=pending,running,stopping,stopped --query 'length(Reservations)' --output text; }
group=$(cloud ec2 create-security-group --group-name theirs --description theirs --tag-specifications \
  'ResourceType=security-group,Tags=[{Key=bakery:project,Value=theirs},{Key=bakery:build,Value=b1},{Key=bakery:expires,Value=2020-01-01T00:00:00Z}]' --query GroupId --output text)
far=$(cloud --region eu-west-1 ec2 create-security-group --group-name far --description far --tag-specifications \
  'ResourceType=security-group,Tags=[{Key=bakery:project,Value=scenario},{Key=bakery:build,Value=b1},{Key=bakery:token,Value=far},{Key=bakery:expires,Value=2020-01-01}]' --query GroupId --output text)
like=$(cloud ec2 create-security-group --group-name like-far --description like-far --tag-specifications \
  'ResourceType=security-group,Tags=[{Key=bakery:project,Value=scenario},{Key=bakery:build,Value=b1},{Key=bakery:token,Value=far},{Key=bakery:expires,Value=2020-01-01}]' --query GroupId --output text)
ok "the ledger and the tags do not tell the same thing twice" finds
ok "each id stands once" row 'len({(r["id"], r["region"]) for r in x if r["id"]}) == len([r for r in x if r["id"]])'
ok "an image that passed its gates stays for resume" row 'any("passed its gates" in r["reason"] and not r["removable"] for r in x)'

database_gone
ok "without a database" finds
ok "all that is young stays" row 'x and {r["id"] for r in x if r["removable"]} == {"'"$far"'"} and any(r["kind"] == "instance" and "young" in r["reason"] for r in x)'
ok "an instance has a price" row 'any(r["kind"] == "instance" and r["cost_month_usd"] > 1 for r in x)'
ok "without a terminal nothing is removed" exits 4 "$bakery" gc --sandbox
"$bakery" sandbox set fault.DeleteSecurityGroup=InvalidGroup.Reserved >/dev/null
ok "one thing that cannot be removed is enough to fail" exits 8 "$bakery" gc --sandbox --yes
ok "with --yes what is due goes" gc --yes
ok "in the other region, too" sh -c "! '$bakery' gc --dry-run --sandbox --format csv | grep -q '$far'"

hours_later 26
ok "a day later" finds
ok "the machines and groups may go, the unknown images not" row 'any(r["kind"] == "instance" and r["removable"] for r in x) and any(r["reason"].startswith("unknown image") and not r["removable"] for r in x) and all(r["removable"] for r in x if r["kind"] in ("instance", "security_group", "volume", "role", "instance_profile")) and {"role", "instance_profile"} < {r["kind"] for r in x}'
ok "only in the region that is asked for" finds --region eu-west-1
ok "there" row 'all(r["region"] == "eu-west-1" for r in x)'
"$bakery" iam-policy --gc --account 123456789012 >"$work/policy.json" && "$bakery" sandbox up --policy "$work/policy.json" >/dev/null
ok "they go with the permissions of iam-policy --gc" gc --yes
"$bakery" sandbox up --policy '' >/dev/null
ok "the images of unknown builds go with --images" gc --yes --images
ok "one that is published does not" finds --all
ok "as it says" row '["published as /bakery/tiny/candidate"] * 2 == [r["reason"] for r in x if r["kind"] == "image"]'
now_again
ok "no role is left" sh -c "[ $(cloud iam list-roles --query "length(Roles[?starts_with(RoleName, 'bakery-20')])") = 0 ] && [ $(cloud iam list-instance-profiles --query "length(InstanceProfiles[?starts_with(InstanceProfileName, 'bakery-20')])") = 0 ]"
ok "no instance is left" sh -c "[ $(instances) = 0 ]"
ok "the published images are left, with their snapshots" sh -c "[ $(image_count us-east-1) = 1 ] && [ $(image_count eu-west-1) = 1 ] && [ $(snapshot_count us-east-1) = 1 ] && [ $(snapshot_count eu-west-1) = 1 ]"
pointed=$(cloud ssm get-parameter --name /bakery/tiny/candidate --query Parameter.Value --output text)
ok "and pointed to" test "$(cloud ec2 describe-images --image-ids "$pointed" --query 'Images[0].State' --output text)" = available
ok "what is not ours is untouched" cloud ec2 describe-security-groups --group-ids "$group"
ok "nor is what somebody tagged like ours" cloud ec2 describe-security-groups --group-ids "$like"
for id in "$group" "$like"; do cloud ec2 delete-security-group --group-id "$id" >/dev/null; done
ok "nothing else is left" nothing_left

# --- other accounts ---
member() { # member COMMAND...: the aws of account 210987654321
  read -r key secret token <<EOF
$(cloud sts assume-role --role-arn arn:aws:iam::210987654321:role/OrganizationAccountAccessRole --role-session-name someone \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
EOF
  AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token cloud "$@"
}
member ec2 create-security-group --group-name lost --description lost --tag-specifications \
  'ResourceType=security-group,Tags=[{Key=bakery:project,Value=scenario},{Key=bakery:build,Value=b1},{Key=bakery:token,Value=lost},{Key=bakery:expires,Value=2020-01-01T00:00:00Z}]' >/dev/null
lost() { member ec2 describe-security-groups --filters Name=group-name,Values=lost --query 'length(SecurityGroups)'; }
cp bakery.yaml "$work/own.yaml"
echo 'fleet: {accounts: ["210987654321", "123456789012"], role: bakery-nobody}' >>bakery.yaml
ok "an account that may not be looked at is told" exits 6 "$bakery" gc --dry-run --sandbox
ok "by its name" grep -q '210987654321' "$work/err"
cp "$work/own.yaml" bakery.yaml
echo 'fleet: {accounts: organization, role: OrganizationAccountAccessRole}' >>bakery.yaml
ok "what lies in an account of the organization is found" finds
ok "there" row '[(r["account"], r["kind"]) for r in x if r["removable"]] == [("210987654321", "security_group")]'
"$bakery" iam-policy --gc --account 123456789012 >"$work/policy.json" && "$bakery" sandbox up --policy "$work/policy.json" >/dev/null
ok "and removed, with the permissions of iam-policy --gc" gc --yes
"$bakery" sandbox up --policy '' >/dev/null
ok "it is gone" test "$(lost)" = 0
cp "$work/own.yaml" bakery.yaml

# --- quarantine ---
late_failure() {
  "$bakery" sandbox set fault.PutParameter=InternalServerError:20 >/dev/null
  exits 1 "$bakery" build tiny --sandbox
  "$bakery" sandbox set fault.PutParameter= >/dev/null
  build=$("$bakery" history --limit 1 --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["build"])')
}
status_is() { "$bakery" show "$build" --format json >"$work/show.json" && holds "$work/show.json" 'x["status"] == "'"$1"'"'; }
tagged() { cloud ec2 describe-images --owners self --filters "Name=tag:bakery:build,Values=$build" Name=tag-key,Values=bakery:retire-after --query 'length(Images)' --output text; }
late_failure
ok "the note of a late failure names the date and the command" grep -qE "in quarantine until 20..-..-..*bakery resume $build" "$work/err"
ok "show tells both" sh -c "'$bakery' show '$build' | grep -qE 'quarantine +until 20..-..-..; .bakery resume $build. tries again'"
ok "the image's tag, too" test "$(tagged)" = 1
ok "resume ends it" exits 0 "$bakery" resume "$build" --sandbox
ok "and takes the tag away" test "$(tagged)" = 0
late_failure
ok "gc keeps one in quarantine" gc --yes
hours_later 696
ok "for 30 days less one" finds
ok "as it says" row 'sum("in quarantine until" in r["reason"] for r in x) == 2 and not any(r["removable"] for r in x)'
hours_later 744
ok "then it goes" gc --yes
now_again
ok "with all its copies and snapshots" sh -c "[ $(image_count us-east-1) = 2 ] && [ $(image_count eu-west-1) = 2 ] && [ $(snapshot_count us-east-1) = 2 ] && [ $(snapshot_count eu-west-1) = 2 ]"
ok "the build has failed for good" status_is failed
ok "its record says why there is no image" holds "$work/show.json" 'all(i["state"] == "retired" for i in x["images"]) and x["holds"] == []'
ok "nothing more can be resumed" exits 1 "$bakery" resume --sandbox
hours_later 26
ok "what an older database published and a newer one superseded goes with --images alone" gc --yes --images
now_again
ok "nothing is left" nothing_left
exit $failed
