#!/bin/sh
# The policy that `bakery iam-policy` prints is enough for a whole build, and no statement of it is superfluous: without any one of them the
# build is refused, and the permission is named. The sandbox judges by a table of its own.
. "$2/tests/lib/scenario.sh"
plan 8
project_make
"$bakery" iam-policy tiny --account 123456789012 >"$work/policy.json" || exit 1
"$bakery" iam-policy tiny --account 123456789012 --doctor >"$work/doctor.json" || exit 1
# shellcheck disable=SC2086
sandbox_start $fast

enforce() { "$bakery" sandbox up --policy "$1" >/dev/null; }
sids() { python3 -c 'import json,sys; print(" ".join(s["Sid"] for s in json.load(open(sys.argv[1]))["Statement"]))' "$1"; }
# $work/less.json: the policy $1 without the statement $2; $work/actions: that statement's actions, one of which must be named.
without() {
  python3 - "$1" "$2" "$work/less.json" "$work/actions" <<'END'
import json, sys
policy = json.load(open(sys.argv[1]))
gone = [s for s in policy["Statement"] if s["Sid"] == sys.argv[2]][0]
policy["Statement"] = [s for s in policy["Statement"] if s is not gone]
json.dump(policy, open(sys.argv[3], "w"))
open(sys.argv[4], "w").write("\n".join(gone["Action"]) + "\n")
END
}
names_an_action() { cat "$work/out" "$work/err" | grep -qF -f "$work/actions" || { echo "no action named of: $(cat "$work/actions")"; return 1; }; }

each_is_missed_by_doctor() {
  for sid in $(sids "$work/policy.json"); do
    without "$work/doctor.json" "$sid" && enforce "$work/less.json" &&
      exits 6 "$bakery" doctor tiny --format json && names_an_action || { echo "without $sid"; return 1; }
  done
}
# What is refused while cleaning up is left behind, which says more than that it was refused: 8. EC2 asks for a key on the caller's behalf, and of a
# refusal says only that the launch failed: 1.
each_is_missed_by_build() {
  for sid in $(sids "$work/policy.json"); do
    without "$work/policy.json" "$sid" && enforce "$work/less.json" || return 1
    "$bakery" build tiny --no-preflight >"$work/out" 2>"$work/err"
    status=$?
    case $sid-$status in *-6 | *-8 | *Keys*-1) ;; *) false ;; esac && names_an_action || { echo "exit $status without $sid"; return 1; }
    enforce "$work/policy.json" && "$bakery" gc --ledger --yes >"$work/gc.out" 2>&1 || { cat "$work/gc.out"; echo "gc after $sid"; return 1; }
  done
}

# A key's policy may admit a caller by itself. This one leaves its own account to IAM, and admits the rest of the organization.
organization=$(cloud organizations describe-organization --query Organization.Id --output text)
cat >"$work/key.json" <<END
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"},
  {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant"],
   "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "$organization"}, "StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}}]}
END
for region in us-east-1 eu-west-1; do
  key=$(cloud --region $region kms describe-key --key-id alias/bakery --query KeyMetadata.KeyId --output text)
  cloud --region $region kms put-key-policy --key-id "$key" --policy-name default --policy "file://$work/key.json" || exit 1
done

ok "the policy fits into one managed policy" sh -c "[ \$(tr -d ' \n' <'$work/policy.json' | wc -c) -le 6144 ]"
ok "the sandbox enforces it" enforce "$work/policy.json"
ok "what it does not allow is refused" sh -c "! AWS_PAGER= /usr/bin/aws --endpoint-url '$AWS_ENDPOINT_URL' ec2 describe-volumes >/dev/null 2>&1"
ok "a whole build passes with it" exits 0 "$bakery" build tiny
ok "and cleans up all of its own" exits 0 "$bakery" gc --ledger --yes
ok "a doctor has nothing to say against the one for doctors" sh -c "'$bakery' sandbox up --policy '$work/doctor.json' >/dev/null && '$bakery' doctor tiny"
ok "without any one statement, doctor names the permission" each_is_missed_by_doctor
ok "and a build is refused for it" each_is_missed_by_build
exit $failed
