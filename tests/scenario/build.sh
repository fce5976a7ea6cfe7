#!/bin/sh
# A build from its recipe to published parameters in two regions, looked at with AWS's own command line.
. "$2/tests/lib/scenario.sh"
plan 21
project_make
# shellcheck disable=SC2086
sandbox_start $fast

image_is_shared() {
  organization=$(cloud organizations describe-organization --query Organization.Arn --output text)
  for pair in us-east-1:$ami eu-west-1:$copy; do
    shared=$(cloud --region "${pair%%:*}" ec2 describe-image-attribute --image-id "${pair#*:}" --attribute launchPermission --query 'LaunchPermissions[].OrganizationArn' --output text)
    [ "$shared" = "$organization" ] || { echo "$pair is shared with \"$shared\""; return 1; }
  done
}
image_has_tags() {
  cloud ec2 describe-images --image-ids "$ami" >"$work/image.json" &&
    holds "$work/image.json" '(lambda t: t["bakery:recipe"] == "tiny" and t["team"] == "red" and t["cost-center"] == "42" and t["bakery:build"] == "'"$build"'")({t["Key"]: t["Value"] for t in x["Images"][0]["Tags"]})' &&
    holds "$work/image.json" 'x["Images"][0]["ImdsSupport"] == "v2.0" and "DeprecationTime" in x["Images"][0]'
}
parameter_is() { [ "$(cloud --region "$1" ssm get-parameter --name /bakery/tiny/candidate --query Parameter.Value --output text)" = "$2" ]; }
metadata_names_build() { cloud --region eu-west-1 ssm get-parameter --name /bakery/tiny/candidate/metadata --query Parameter.Value --output text | grep -q "\"build\":\"$build\""; }
launched_by_aws_answers() {
  ssh-keygen -q -t ed25519 -N '' -f "$work/key" &&
    cloud ec2 import-key-pair --key-name mine --public-key-material "fileb://$work/key.pub" >/dev/null &&
    instance=$(cloud ec2 run-instances --image-id "$ami" --instance-type m5.large --key-name mine --query 'Instances[0].InstanceId' --output text) &&
    cloud ec2 wait instance-running --instance-ids "$instance" &&
    address=$(cloud ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].PublicIpAddress' --output text) &&
    wait_for 30 remote true && [ "$(remote cat /etc/bakery-word)" = changed ] && remote test ! -e /etc/motd
}
remote() { ssh -i "$work/key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5 "admin@$address" "$@"; }
no_build_key_in_image() { [ "$(remote sudo cat /home/admin/.ssh/authorized_keys | grep -c bakery-)" = 0 ] && ! remote sudo grep -rqs "$build" /root /home /etc; }

ok "the plan is shown" exits 0 "$bakery" plan tiny --sandbox
ok "plan names the source image and the parameter" says '/bakery/tiny/candidate'
ok "build ends with 0" exits 0 "$bakery" build tiny --var word=changed --sandbox --format json --events "$work/events.jsonl"
cp "$work/out" "$work/build.json"
build=$(json "$work/build.json" 'x[0]["build"]')
ami=$(json "$work/build.json" '[i["ami"] for i in x[0]["images"] if i["region"] == "us-east-1"][0]')
copy=$(json "$work/build.json" '[i["ami"] for i in x[0]["images"] if i["region"] == "eu-west-1"][0]')
ok "its record is done, with an image in each region" holds "$work/build.json" 'x[0]["status"] == "done" and len(x[0]["images"]) == 2'
ok "events are JSON lines that end with the build" sh -c "tail -n 1 '$work/events.jsonl' | grep -q '\"event\":\"build_ended\".*\"status\":\"done\"'"
ok "the parameter holds the image in the first region" parameter_is us-east-1 "$ami"
ok "and the copy in the second" parameter_is eu-west-1 "$copy"
ok "metadata names the build" metadata_names_build
ok "both are shared with the organization" image_is_shared
ok "tags, IMDSv2 and deprecation are on the image" image_has_tags
ok "one image and one snapshot in each region" sh -c "[ $(image_count us-east-1) = 1 ] && [ $(image_count eu-west-1) = 1 ] && [ $(snapshot_count eu-west-1) = 1 ] && [ $(snapshot_count us-east-1) = 1 ]"
ok "nothing else is left" nothing_left
ok "an instance of it, started by aws, has what was baked" launched_by_aws_answers
ok "and no key of the build" no_build_key_in_image
ok "history shows it" exits 0 "$bakery" history tiny --format json
ok "with its images" holds "$work/out" 'x[0]["build"] == "'"$build"'" and len(x[0]["images"]) == 2'
"$bakery" show "$build" --format json >"$work/show.json"
ok "the record has steps, evidence, origin and parameters" holds "$work/show.json" 'len(x["parameters"]) == 2 and any(e["control"] == "TINY-1" and e["answer"] == "pass" and e["phase"] == "verify" for e in x["controls"]) and any("to stderr" in (s.get("output") or "") for s in x["steps"])'
ok "a step for waived controls alone is not run, and says why" holds "$work/show.json" '[s["why"] for s in x["steps"] if s["step"] == "tiny/never"] == 2 * ["waived until 2999-12-31: nobody wants it"]'
ok "a waived control beside another one is asked and not counted" holds "$work/show.json" '{(e["control"], e["answer"]) for e in x["controls"] if e["control"] in ("TINY-4", "TINY-5")} == {("TINY-4", "waived"), ("TINY-5", "waived")} and all("the check says pass" in e["evidence"] for e in x["controls"] if e["control"] == "TINY-5")'
"$bakery" show "$build" >"$work/out" 2>"$work/err"
ok "the exceptions are shown with the build" says 'TINY-4 +2999-12-31 +nobody wants it'
fits_models "${3:-}"
exit $failed
