#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's aws against the sandbox's STS and IAM: roles of the organization's accounts, sessions, a policy that is enforced and tells which permission is missing, the life of an
# instance profile. Everything said on the wire is then held against AWS's own models.
# Arguments: bakery, the source tree, model_check (or nothing).
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
model_check=${3:-}
export BAKERY_RECORD=$work/record.jsonl

architecture=$(uname -m)
[ "$architecture" = aarch64 ] && type=m6g.large || type=m5.large
member=210987654321
other=345678901234

plan 40
sandbox_start machines=off $fast
export AWS_SHARED_CREDENTIALS_FILE=$work/credentials
. "$source/tests/lib/aws_kept.sh"

# With the credentials of a session, which aws reads anew at each call: as ROLE-ARN ARGUMENTS...
as() {
  local role=$1
  shift
  cloud sts assume-role --role-arn "$role" --role-session-name scenario >"$work/session.json" 2>"$work/err" || return 1
  with_session "$work/session.json" "$@"
}
with_session() {
  local session=$1
  shift
  json "$session" '"[session]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s" % tuple(x["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken"))' >"$AWS_SHARED_CREDENTIALS_FILE"
  cloud --profile session "$@" >"$work/as.json" 2>"$work/err"
}
as_refused() {
  local code=$1
  shift
  if as "$@"; then echo "not refused"; return 1; fi
  grep -qF "An error occurred ($code)" "$work/err" || { cat "$work/err"; return 1; }
}
says() { holds "$work/as.json" "$1"; }
policy() {
  printf '%s' "$1" >"$work/policy.json"
  "$bakery" sandbox up --policy "$work/policy.json" >/dev/null
}
lift() { "$bakery" sandbox up --policy '' >/dev/null; }

# --- roles of other accounts
admin=arn:aws:iam::$member:role/OrganizationAccountAccessRole
reader=arn:aws:iam::$member:role/bakery-reader
ok "sts assume-role in a member account" eval 'as $admin sts get-caller-identity && says "x[\"Account\"] == \"$member\" and x[\"Arn\"].endswith(\":assumed-role/OrganizationAccountAccessRole/scenario\")"'
ok "a member has a network of its own" eval 'as $admin ec2 describe-vpcs && says "x[\"Vpcs\"][0][\"OwnerId\"] == \"$member\""'
ok "a role that is not there cannot be told from one that is closed" refused AccessDenied sts assume-role --role-arn "arn:aws:iam::$member:role/none" --role-session-name ab
ok "a session of a name that AWS would not take" refused ValidationError sts assume-role --role-arn "$reader" --role-session-name 'a b'
ok "one that lasts too long" refused ValidationError sts assume-role --role-arn "$reader" --role-session-name ab --duration-seconds 43201
ok "a reader changes nothing, and is told what is missing" eval 'as_refused UnauthorizedOperation $reader ec2 create-key-pair --key-name k && grep -q "is not authorized to perform: ec2:CreateKeyPair on resource: arn:aws:ec2:us-east-1:$member:key-pair/k because no identity-based policy allows" "$work/err"'
ok "a member does not see the organization's accounts" as_refused AccessDeniedException "$admin" organizations list-accounts
ok "... but its organization" as "$admin" organizations describe-organization

# --- sessions
ok "sts get-session-token" eval 'got token sts get-session-token && with_session "$work/token.json" sts get-caller-identity && says "x[\"Arn\"].endswith(\":user/sandbox\")"'
ok "... with a one-time code" eval 'got token sts get-session-token --serial-number arn:aws:iam::123456789012:mfa/sandbox --token-code 123456'
ok "... a wrong one is refused" refused AccessDenied sts get-session-token --serial-number arn:aws:iam::123456789012:mfa/sandbox --token-code 000000
ok "a session that has run out" eval 'got token sts get-session-token && "$bakery" sandbox set session.early=36h && ! with_session "$work/token.json" sts get-caller-identity && grep -q "(ExpiredToken)" "$work/err"; status=$?; "$bakery" sandbox set session.early=; [ $status = 0 ]'
ok "credentials that last as long as the sandbox is told" eval '"$bakery" sandbox set session.duration=1h && got token sts get-session-token && "$bakery" sandbox set session.duration='

# --- a token of an identity provider
part() { printf '%s' "$1" | base64 -w0 | tr '+/' '-_' | tr -d '='; }
jwt=$(part '{"alg":"RS256"}').$(part "{\"iss\":\"https://gitlab.com\",\"aud\":\"sts.amazonaws.com\",\"sub\":\"project_path:x/y:ref_type:branch:ref:main\",\"exp\":$(($(date +%s) + 600))}").c2ln
ok "sts assume-role-with-web-identity" got web sts assume-role-with-web-identity --role-arn arn:aws:iam::123456789012:role/bakery-ci --role-session-name ci --web-identity-token "$jwt"
ok "... speaks for the role" eval 'with_session "$work/web.json" sts get-caller-identity && says "x[\"Arn\"] == \"arn:aws:sts::123456789012:assumed-role/bakery-ci/ci\""'
ok "... and bakery takes it by itself, from a token file" eval 'printf %s "$jwt" >"$work/jwt" && env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY AWS_WEB_IDENTITY_TOKEN_FILE="$work/jwt" AWS_ROLE_ARN=arn:aws:iam::123456789012:role/bakery-ci AWS_ROLE_SESSION_NAME=file "$bakery" doctor >"$work/out" 2>"$work/err"; grep "assumed-role/bakery-ci/file, from web identity" "$work/out"'

# --- what is shared is seen
ok "an image of the management account" got base ec2 describe-images --owners 136693071363 --query 'sort_by(Images,&CreationDate)[-1]'
got copy ec2 copy-image --source-region us-east-1 --source-image-id "$(value base 'x["ImageId"]')" --name shared
image=$(value copy 'x["ImageId"]')
ok "... becomes available" eventually copies 'x[0]["State"] == "available"' ec2 describe-images --image-ids "$image" --query Images
ok "a member does not see it" as_refused InvalidAMIID.NotFound "$reader" ec2 describe-images --image-ids "$image"
ok "... once it is shared, it does" eval 'got m ec2 modify-image-attribute --image-id $image --launch-permission "Add=[{UserId=$member}]" && as $reader ec2 describe-images --executable-users self && says "[i[\"ImageId\"] for i in x[\"Images\"]] == [\"$image\"] and x[\"Images\"][0][\"OwnerId\"] == \"123456789012\""'
ok "another account does not" as_refused InvalidAMIID.NotFound "arn:aws:iam::$other:role/bakery-reader" ec2 describe-images --image-ids "$image"
got org organizations describe-organization
ok "... until the organization may" eval 'got m ec2 modify-image-attribute --image-id $image --launch-permission "Add=[{OrganizationArn=$(value org "x[\"Organization\"][\"Arn\"]")}]" && as "arn:aws:iam::$other:role/bakery-reader" ec2 describe-images --image-ids "$image"'
ok "a member launches it" eval 'as $admin ec2 run-instances --image-id $image --instance-type $type --count 1 && says "x[\"OwnerId\"] == \"$member\""'

# --- the life of an instance profile
trust='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}'
ok "iam create-role" eval_again role 'x["Role"]["AssumeRolePolicyDocument"]["Statement"]["Principal"] == {"Service": "ec2.amazonaws.com"}' iam create-role --role-name builder --assume-role-policy-document "$trust" --tags Key=bakery:build,Value=b1
ok "... a second of that name is refused" refused EntityAlreadyExists iam create-role --role-name builder --assume-role-policy-document "$trust"
ok "... and one that is malformed" refused MalformedPolicyDocument iam create-role --role-name b2 --assume-role-policy-document '{"Statement":[]}'
ok "iam put-role-policy, get-role-policy, list-role-policies" eval 'got p iam put-role-policy --role-name builder --policy-name own --policy-document "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}" && eval_again p "x[\"PolicyDocument\"][\"Statement\"][\"Action\"] == \"s3:*\"" iam get-role-policy --role-name builder --policy-name own && eval_again p "x[\"PolicyNames\"] == [\"own\"]" iam list-role-policies --role-name builder'
ok "iam attach-role-policy, list-attached-role-policies" eval 'got p iam attach-role-policy --role-name builder --policy-arn arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore && eval_again p "x[\"AttachedPolicies\"][0][\"PolicyName\"] == \"AmazonSSMManagedInstanceCore\"" iam list-attached-role-policies --role-name builder'
ok "iam create-instance-profile, add-role-to-instance-profile" eval 'got p iam create-instance-profile --instance-profile-name builder && got p iam add-role-to-instance-profile --instance-profile-name builder --role-name builder && eval_again p "x[\"InstanceProfile\"][\"Roles\"][0][\"RoleName\"] == \"builder\"" iam get-instance-profile --instance-profile-name builder'
ok "iam list-roles, list-instance-profiles, list-instance-profiles-for-role, tag-role, get-role, get-user" eval 'eval_again p "\"builder\" in [r[\"RoleName\"] for r in x[\"Roles\"]]" iam list-roles --page-size 2 && got p iam list-instance-profiles && eval_again p "len(x[\"InstanceProfiles\"]) == 1" iam list-instance-profiles-for-role --role-name builder && got p iam tag-role --role-name builder --tags Key=a,Value=b && eval_again p "len(x[\"Role\"][\"Tags\"]) == 2" iam get-role --role-name builder && got p iam get-user'
ok "an instance of it" eval_again run 'x["Instances"][0]["IamInstanceProfile"]["Arn"].endswith("instance-profile/builder")' ec2 run-instances --image-id "$image" --instance-type $type --count 1 --iam-instance-profile Name=builder
ok "one that does not exist is refused" eval 'refused InvalidParameterValue ec2 run-instances --image-id $image --instance-type $type --count 1 --iam-instance-profile Name=none && grep -q "Invalid IAM Instance Profile name" "$work/err"'
ok "EC2 sees a new one late" eval 'got p iam create-instance-profile --instance-profile-name late && got p iam add-role-to-instance-profile --instance-profile-name late --role-name bakery-builder && "$bakery" sandbox set lag.instance-profile=1h && got p iam get-instance-profile --instance-profile-name late && refused InvalidParameterValue ec2 run-instances --image-id $(value base "x[\"ImageId\"]") --instance-type $type --count 1 --iam-instance-profile Name=late; status=$?; "$bakery" sandbox set lag.instance-profile=; [ $status = 0 ]'
ok "what is in use cannot go; then it does" eval 'refused DeleteConflict iam delete-instance-profile --instance-profile-name builder && refused DeleteConflict iam delete-role --role-name builder && got p iam remove-role-from-instance-profile --instance-profile-name builder --role-name builder && got p iam delete-instance-profile --instance-profile-name builder && got p iam detach-role-policy --role-name builder --policy-arn arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore && got p iam delete-role-policy --role-name builder --policy-name own && got p iam delete-role --role-name builder && refused NoSuchEntity iam get-role --role-name builder'

# --- a policy for the user
ok "a malformed policy is refused with its place" eval '! policy "{\"Version\":\"2012-10-17\",
 \"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"RunInstances\",\"Resource\":\"*\"}]}" 2>"$work/err" && grep -q "policy.json: 2:42: \"RunInstances\" is no action" "$work/err"'
ok "a policy is enforced" eval 'policy "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"ec2:Describe*\",\"sts:DecodeAuthorizationMessage\",\"iam:SimulatePrincipalPolicy\"],\"Resource\":\"*\"}]}" && got r ec2 describe-regions && refused UnauthorizedOperation ec2 create-security-group --group-name g --description d && grep -q "is not authorized to perform: ec2:CreateSecurityGroup on resource: arn:aws:ec2:us-east-1:123456789012:security-group/\* because no identity-based policy allows the ec2:CreateSecurityGroup action" "$work/err"'
ok "sts decode-authorization-message" eval 'encoded=$(sed -n "s/.*Encoded authorization failure message: //p" "$work/err") && got decoded sts decode-authorization-message --encoded-message "$encoded" && is decoded "__import__(\"json\").loads(x[\"DecodedMessage\"])[\"context\"][\"action\"] == \"ec2:CreateSecurityGroup\""'
ok "iam simulate-principal-policy" eval_again sim '[r["EvalDecision"] for r in x["EvaluationResults"]] == ["allowed", "implicitDeny"]' iam simulate-principal-policy --policy-source-arn arn:aws:iam::123456789012:user/sandbox --action-names ec2:DescribeImages ec2:RunInstances
ok "and lifted" eval 'lift && got g ec2 create-security-group --group-name g --description d'

fits_models "$model_check"
exit $failed
