#!/bin/sh
# A role and an instance profile for one build alone.
. "$2/tests/lib/scenario.sh"
project_make
# shellcheck disable=SC2086
sandbox_start $fast
plan 8

cat >recipes/profiled.yaml <<'END'
bakery: 1
name: profiled
source:
  ami: {owners: ["136693071363"], name: "debian-12-*"}
launch:
  instance_types: [m5.large]
  temporary_profile: {policy: policy.json, managed_policies: ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]}
connect: {user: admin, timeout: 1m}
deadline: 10m
playbooks: [slow]
verify: false
END
cat >recipes/policy.json <<'END'
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"}]
}
END
running() { cloud ec2 describe-instances --filters Name=instance-state-name,Values=running --query 'Reservations[].Instances[].InstanceId' --output text; }
began() { "$bakery" sandbox exec "$(running)" ls /run/slow-began; }
roles() { cloud iam list-roles --query "Roles[?starts_with(RoleName, 'bakery-2')].RoleName" --output text; }
profiles() { cloud iam list-instance-profiles --query "InstanceProfiles[?starts_with(InstanceProfileName, 'bakery-2')].InstanceProfileName" --output text; }
ok "a wrong policy: exit 3" exits 3 "$bakery" build profiled --sandbox
ok "with its place" says 'policy.json:3:.*names no Principal'
sed -i 's/, "Principal": "\*"//' recipes/policy.json
"$bakery" build profiled --sandbox >"$work/profiled.out" 2>"$work/profiled.err" &
profiled=$!
ok "a build with a profile of its own runs" wait_for 60 began
ok "the instance has it" sh -c "[ \"$(cloud ec2 describe-instances --instance-ids "$(running)" --query 'Reservations[0].Instances[0].IamInstanceProfile.Arn' --output text | sed 's/.*\///')\" = \"$(profiles)\" ]"
role=$(roles)
ok "the role has the recipe's policy" sh -c "[ '$(cloud iam get-role-policy --role-name "$role" --policy-name bakery --query PolicyDocument.Statement[0].Action --output text)' = s3:GetObject ]"
"$bakery" sandbox exec "$(running)" touch /run/slow-go-on
wait "$profiled"
ok "the build is done" test $? = 0
ok "neither role nor profile is left" sh -c "[ -z '$(roles)' ] && [ -z '$(profiles)' ]"
ok "nothing is left" nothing_left
exit $failed
