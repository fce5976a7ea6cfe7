#!/bin/sh
# What `bakery doctor RECIPE` and the first seconds of a build find before anything is made: all of it at once, and what to do.
. "$2/tests/lib/scenario.sh"
plan 31
export BAKERY_RECORD=$work/record.jsonl
project_make
# shellcheck disable=SC2086
sandbox_start $fast

set_() { "$bakery" sandbox set "$@" >/dev/null; }
# A finding of the last doctor: finds CHECK RESULT TEXT
finds() {
  python3 - "$work/out" "$@" <<'END'
import json, sys
rows = json.load(open(sys.argv[1]))
check, result, text = sys.argv[2:5]
if not any(r["check"] == check and r["result"] == result and text in (r["detail"] or "") for r in rows):
    sys.exit("no %s %s \"%s\" in\n%s" % (check, result, text, "\n".join("%(check)s %(result)s %(detail)s" % r for r in rows)))
END
}
doctor() { exits "$1" "$bakery" doctor "$2" --format json; }
instances_ever() { cloud ec2 describe-instances --query 'length(Reservations)' --output text; }
groups() { cloud ec2 describe-security-groups --query 'length(SecurityGroups)' --output text; }

ok "a recipe that would work: exit 0" doctor 0 tiny
ok "each region's endpoints" finds endpoints ok "eu-west-1: EC2 and Parameter Store answer"
ok "EC2 would start an instance" finds "dry runs" ok "2 types"
ok "there is no image yet to try a copy with" finds "dry run of a copy" unknown eu-west-1
ok "the organization is known" finds organization ok "the account's own"
ok "quotas have room" finds "vCPU quota" ok "of standard instances"
ok "in each region" finds "image quota" ok eu-west-1
ok "a doctor starts nothing" test "$(instances_ever)" = 0
before=$(groups)

# The region is the recipe's, where it names one, and the settings' where nobody does.
regionless() { env -u AWS_REGION -u AWS_DEFAULT_REGION "$bakery" doctor "$@" --format json >"$work/out" 2>"$work/err"; }
ok "without AWS_REGION, the region is the settings'" regionless tiny
ok "where nobody names one, that is told" sh -c "cd / && ! env -u AWS_REGION -u AWS_DEFAULT_REGION '$bakery' doctor 2>/dev/null | grep -q 'credentials.*ok'"
printf 'a: 1\nb: 2\n' | cat bakery.yaml - >"$work/faulty.yaml"
regionless --config "$work/faulty.yaml"
ok "several faults of a file are a row each" sh -c "[ \$(grep -c 'unknown key' '$work/out') = 2 ]"

# Several faults at once.
cat >recipes/faulty.yaml <<'END'
bakery: 1
name: faulty
source:
  ami: {owners: ["136693071363"], name: "debian-12-*"}
launch:
  instance_types: [m5.large]
  root_volume: {type: gp3, encrypted: false}
connect: {user: admin, timeout: 1m}
deadline: 10m
playbooks: [tiny]
verify: false
image: {name: taken}
distribute:
  share: {accounts: ["999999999999"]}
publish: {channel: candidate}
END
source_ami=$(cloud ec2 describe-images --owners 136693071363 --filters 'Name=name,Values=debian-12-amd64-*' --query 'Images[0].ImageId' --output text)
cloud ec2 copy-image --source-image-id "$source_ami" --source-region us-east-1 --name taken >/dev/null
set_ quota.L-1216C47A=1 quota.L-B665C33B=1 quota.L-E79EC296=1
soon=$(date -u -d '+5 minutes' +%Y-%m-%dT%H:%M:%SZ)
AWS_CREDENTIAL_EXPIRATION=$soon
export AWS_CREDENTIAL_EXPIRATION
ok "several faults at once: exit 6, for one is of the credentials" doctor 6 faulty
ok "the credentials end too early" finds "credentials' end" failed "they end at $soon"
ok "the name is taken" finds "image name" failed "has an image named taken already"
ok "an account that nobody knows" finds accounts warning 999999999999
ok "too few vCPUs" finds "vCPU quota" failed "L-1216C47A"
ok "too few images" finds "image quota" failed "raise quota L-B665C33B"
ok "too few security groups" finds "security group quota" failed "L-E79EC296"
ok "build lists them, too" exits 6 "$bakery" build faulty
ok "all of them" sh -c "grep -q 'they end at' '$work/err' && grep -q 'L-1216C47A' '$work/err' && grep -q 'L-E79EC296' '$work/err' && grep -q 'image named taken' '$work/err'"
unset AWS_CREDENTIAL_EXPIRATION
ok "without the one of the credentials: exit 1" exits 1 "$bakery" build faulty
ok "nothing was made" sh -c "[ $(instances_ever) = 0 ] && [ $(groups) = $before ]"
set_ quota.L-1216C47A= quota.L-B665C33B= quota.L-E79EC296=

# What worked once is not asked again.
asked() { wc -l <"$BAKERY_RECORD"; }
mark=$(asked)
ok "a build of another recipe passes" exits 0 "$bakery" build other
ok "its first one asks for quotas" sh -c "tail -n +$((mark + 1)) '$BAKERY_RECORD' | grep -q ServiceQuota"
mark=$(asked)
ok "and passes again" exits 0 "$bakery" build other
ok "without asking for quotas a second time" sh -c "! tail -n +$((mark + 1)) '$BAKERY_RECORD' | grep -q ServiceQuota"
mark=$(asked)
ok "--no-preflight asks for none, either" exits 0 "$bakery" build tiny --no-preflight
ok "though it is the first of its recipe" sh -c "! tail -n +$((mark + 1)) '$BAKERY_RECORD' | grep -q ServiceQuota"
ok "now there is an image to try a copy with" doctor 0 tiny
ok "and EC2 would copy it" finds "dry run of a copy" ok eu-west-1
fits_models "${3:-}"
exit $failed
