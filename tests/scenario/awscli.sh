#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's aws, which knows nothing of bakery, drives every operation of the sandbox that a build needs, and reads what it answers. Everything said on the wire is then held
# against AWS's own models. First without machines, which is about the protocols; then an instance is baked and its image launched, with real ones.
# Arguments: bakery, the source tree, model_check (or nothing).
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
model_check=${3:-}
export BAKERY_RECORD=$work/record.jsonl

architecture=$(uname -m)
[ "$architecture" = aarch64 ] && deb=arm64 type=m6g.large architecture=arm64 || deb=amd64 type=m5.large

plan 61
sandbox_start machines=off $fast
. "$source/tests/lib/aws_kept.sh"

# --- who and where
ok "sts get-caller-identity" got me sts get-caller-identity
ok "... says the account" is me 'x["Account"] == "123456789012" and x["Arn"].startswith("arn:aws:iam::123456789012:")'
ok "organizations describe-organization" got org organizations describe-organization
ok "... names its ARN" is org 'x["Organization"]["Arn"].endswith(x["Organization"]["Id"]) and x["Organization"]["FeatureSet"] == "ALL"'
ok "organizations list-accounts goes over pages" got accounts organizations list-accounts --page-size 1
ok "... finds all three" is accounts 'len(x["Accounts"]) == 3 and all(a["Status"] == "ACTIVE" for a in x["Accounts"])'
ok "organizations list-roots" got roots organizations list-roots
ok "ec2 describe-regions" got regions ec2 describe-regions
ok "... knows the usual ones" is regions '{"us-east-1", "eu-west-1"} <= {r["RegionName"] for r in x["Regions"]}'
ok "ec2 describe-availability-zones" got zones ec2 describe-availability-zones --region eu-west-1
ok "... there are three" is zones '[z["ZoneName"] for z in x["AvailabilityZones"]] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]'
ok "ec2 describe-vpcs finds the default one" got vpcs ec2 describe-vpcs --filters Name=is-default,Values=true
ok "ec2 describe-subnets, one for each zone" got subnets ec2 describe-subnets --filters Name=default-for-az,Values=true "Name=vpc-id,Values=$(value vpcs 'x["Vpcs"][0]["VpcId"]')"
ok "... public ones" is subnets 'len(x["Subnets"]) == 3 and all(s["MapPublicIpOnLaunch"] for s in x["Subnets"])'
ok "ec2 describe-instance-type-offerings" got offers ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=$type
ok "... in each zone" is offers 'len(x["InstanceTypeOfferings"]) == 3'
ok "ec2 describe-instance-types" got types ec2 describe-instance-types --instance-types $type

# --- the base image
ok "the newest image of the owner, by name" got base ec2 describe-images --owners 136693071363 --filters "Name=name,Values=debian-12-$deb-*" Name=state,Values=available --query 'sort_by(Images,&CreationDate)[-1]'
ami=$(value base 'x["ImageId"]')
ok "the public parameter names it too" got alias ssm get-parameter --name /aws/service/debian/release/12/latest/$deb
ok "... by the same id" is alias "x['Parameter']['Value'] == '$ami'"
ok "another region has it under another id" eval_again other "len(x['Images']) == 2 and '$ami' not in [i['ImageId'] for i in x['Images']]" ec2 describe-images --region eu-west-1 --owners 136693071363 --filters "Name=name,Values=debian-12-$deb-*"
ok "an unknown image is refused as AWS does" refused InvalidAMIID.NotFound ec2 describe-images --image-ids ami-00000000000000000
ok "a malformed one too" refused InvalidAMIID.Malformed ec2 describe-images --image-ids ami-xyz

# --- key, group
ok "ec2 create-key-pair (rsa)" eval_again key 'x["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----") and len(x["KeyFingerprint"]) == 59' ec2 create-key-pair --key-name rsa
ssh-keygen -q -t ed25519 -N '' -f "$work/id" </dev/null
ok "ec2 import-key-pair (ed25519), tagged" got imported ec2 import-key-pair --key-name mine --public-key-material "fileb://$work/id.pub" --tag-specifications 'ResourceType=key-pair,Tags=[{Key=bakery:build,Value=b1}]'
ok "a second of that name is refused" refused InvalidKeyPair.Duplicate ec2 import-key-pair --key-name mine --public-key-material "fileb://$work/id.pub"
ok "ec2 describe-key-pairs by tag" eval_again keys '[k["KeyName"] for k in x["KeyPairs"]] == ["mine"] and x["KeyPairs"][0]["KeyType"] == "ed25519"' ec2 describe-key-pairs --filters Name=tag:bakery:build,Values=b1
ok "ec2 create-security-group" got group ec2 create-security-group --group-name g --description 'a group' --tag-specifications 'ResourceType=security-group,Tags=[{Key=bakery:build,Value=b1}]'
sg=$(value group 'x["GroupId"]')
ok "ec2 authorize-security-group-ingress" eval_again rule 'x["SecurityGroupRules"][0]["CidrIpv4"] == "127.0.0.1/32"' ec2 authorize-security-group-ingress --group-id "$sg" --protocol tcp --port 22 --cidr 127.0.0.1/32
ok "the same rule again is refused" refused InvalidPermission.Duplicate ec2 authorize-security-group-ingress --group-id "$sg" --protocol tcp --port 22 --cidr 127.0.0.1/32
ok "ec2 describe-security-groups shows it" eval_again groups 'x["SecurityGroups"][0]["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "127.0.0.1/32"}]' ec2 describe-security-groups --group-ids "$sg"

# --- an instance
run="ec2 run-instances --image-id $ami --instance-type $type --key-name mine --security-group-ids $sg --count 1 --client-token t-1 --metadata-options HttpTokens=required
  --instance-initiated-shutdown-behavior terminate --user-data hello --block-device-mappings DeviceName=/dev/xvda,Ebs={VolumeSize=16,VolumeType=gp3,Encrypted=true,KmsKeyId=alias/bakery}
  --tag-specifications ResourceType=instance,Tags=[{Key=bakery:build,Value=b1}] ResourceType=volume,Tags=[{Key=bakery:build,Value=b1}]"
ok "DryRun says that it would work" refused DryRunOperation $run --dry-run
ok "ec2 run-instances" got run $run
i=$(value run 'x["Instances"][0]["InstanceId"]')
ok "the same client token gives the same instance" eval_again again "x['Instances'][0]['InstanceId'] == '$i'" $run
ok "... and with other parameters is refused" refused IdempotentParameterMismatch $run --ebs-optimized
ok "it comes to run" eventually there 'x[0]["State"]["Name"] == "running" and x[0]["MetadataOptions"]["HttpTokens"] == "required"' ec2 describe-instances --query 'Reservations[].Instances[]' --filters Name=tag:bakery:build,Values=b1 Name=instance-state-name,Values=running
ok "its volume is as asked for" eval_again volumes 'x["Volumes"][0]["Size"] == 16 and x["Volumes"][0]["Encrypted"] and ":key/" in x["Volumes"][0]["KmsKeyId"]' ec2 describe-volumes --filters "Name=attachment.instance-id,Values=$i"
ok "status, console, attribute" eval 'got status ec2 describe-instance-status --instance-ids $i && got console ec2 get-console-output --instance-id $i && eval_again attribute "x[\"UserData\"][\"Value\"] == \"aGVsbG8=\"" ec2 describe-instance-attribute --instance-id $i --attribute userData'
ok "a group in use cannot go" refused DependencyViolation ec2 delete-security-group --group-id "$sg"
ok "ec2 create-tags, describe-tags, delete-tags" eval 'got tags ec2 create-tags --resources $i --tags Key=more,Value=1 && eval_again tags "[t[\"Value\"] for t in x[\"Tags\"]] == [\"1\"]" ec2 describe-tags --filters Name=resource-id,Values=$i Name=key,Values=more && got tags ec2 delete-tags --resources $i --tags Key=more'
ok "stopping, and stopped" eval 'got stop ec2 stop-instances --instance-ids $i && eventually stopped "x[0][\"State\"][\"Name\"] == \"stopped\"" ec2 describe-instances --instance-ids $i --query "Reservations[].Instances[]"'
ok "a stopped one cannot be rebooted" refused IncorrectInstanceState ec2 reboot-instances --instance-ids "$i"

# --- its image
ok "ec2 create-image" got image ec2 create-image --instance-id "$i" --name baked --tag-specifications 'ResourceType=image,Tags=[{Key=bakery:build,Value=b1}]' 'ResourceType=snapshot,Tags=[{Key=bakery:build,Value=b1}]'
image=$(value image 'x["ImageId"]')
ok "a second of that name is refused" refused InvalidAMIName.Duplicate ec2 create-image --instance-id "$i" --name baked
ok "it becomes available" eventually baked 'x[0]["State"] == "available" and x[0]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"]' ec2 describe-images --image-ids "$image" --query Images
snapshot=$(value baked 'x[0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]')
ok "its snapshot is complete" eval_again snapshots 'x["Snapshots"][0]["State"] == "completed" and x["Snapshots"][0]["Progress"] == "100%"' ec2 describe-snapshots --snapshot-ids "$snapshot"
ok "ec2 copy-image to another region" got copy ec2 copy-image --region eu-west-1 --source-region us-east-1 --source-image-id "$image" --name baked --client-token c-1 --encrypted --kms-key-id alias/bakery
copied=$(value copy 'x["ImageId"]')
ok "... where it becomes available" eventually copies 'x[0]["State"] == "available"' ec2 describe-images --region eu-west-1 --image-ids "$copied" --query Images
arn=$(value org 'x["Organization"]["Arn"]')
ok "shared with the organization and an account" eval 'got share ec2 modify-image-attribute --image-id $image --launch-permission "Add=[{OrganizationArn=$arn},{UserId=210987654321}]" && eval_again shared "{p.get(\"OrganizationArn\") or p.get(\"UserId\") for p in x[\"LaunchPermissions\"]} == {\"$arn\", \"210987654321\"}" ec2 describe-image-attribute --image-id $image --attribute launchPermission'
ok "description, deprecation" eval 'got a ec2 modify-image-attribute --image-id $image --description "{\"Value\": \"new\"}" && got a ec2 enable-image-deprecation --image-id $image --deprecate-at 2099-01-01T00:00:00Z && eval_again image2 "x[0][\"DeprecationTime\"].startswith(\"2099\") and x[0][\"Description\"] == \"new\"" ec2 describe-images --image-ids $image --query Images && got a ec2 disable-image-deprecation --image-id $image'
ok "ec2 modify-snapshot-attribute" eval 'got a ec2 modify-snapshot-attribute --snapshot-id $snapshot --attribute createVolumePermission --operation-type add --user-ids 210987654321 && eval_again a "x[\"CreateVolumePermissions\"] == [{\"UserId\": \"210987654321\"}]" ec2 describe-snapshot-attribute --snapshot-id $snapshot --attribute createVolumePermission'

# --- parameters
put="ssm put-parameter --name /bakery/debian-12/candidate --type String --data-type aws:ec2:image --value $image"
ok "ssm put-parameter, overwritten, with history" eval 'got p $put && eval_again p "x[\"Version\"] == 2" $put --overwrite && eval_again h "[p[\"Version\"] for p in x[\"Parameters\"]] == [1, 2]" ssm get-parameter-history --name /bakery/debian-12/candidate'
ok "without --overwrite it is refused" refused ParameterAlreadyExists $put
ok "an image that does not exist is taken and then dropped" eval 'got p ssm put-parameter --name /bakery/debian-12/candidate --type String --data-type aws:ec2:image --value ami-00000000000000000 --overwrite && eval_again p "x[\"Parameter\"][\"Version\"] == 2" ssm get-parameter --name /bakery/debian-12/candidate'
ok "labels and versions select" eval 'got p ssm label-parameter-version --name /bakery/debian-12/candidate --parameter-version 1 --labels first && eval_again p "x[\"Parameter\"][\"Version\"] == 1 and x[\"Parameter\"][\"Selector\"] == \":first\"" ssm get-parameter --name /bakery/debian-12/candidate:first && refused ParameterVersionNotFound ssm get-parameter --name /bakery/debian-12/candidate:7'
ok "by path, in pages of ten" eval 'for n in 1 2 3 4 5 6 7 8 9 10 11; do got p ssm put-parameter --name /many/p$n --type String --value $n || return 1; done; eval_again p "len(x[\"Parameters\"]) == 11" ssm get-parameters-by-path --path /many'
ok "tags of a parameter" eval 'got p ssm add-tags-to-resource --resource-type Parameter --resource-id /many/p1 --tags Key=a,Value=b && eval_again p "x[\"TagList\"] == [{\"Key\": \"a\", \"Value\": \"b\"}]" ssm list-tags-for-resource --resource-type Parameter --resource-id /many/p1'
ok "describe, several, delete" eval 'eval_again p "len(x[\"Parameters\"]) == 12" ssm describe-parameters && eval_again p "len(x[\"Parameters\"]) == 1 and x[\"InvalidParameters\"] == [\"/none\"]" ssm get-parameters --names /many/p2 /none && got p ssm delete-parameter --name /many/p1 && refused ParameterNotFound ssm get-parameter --name /many/p1'

# --- clean-up
ok "terminate, and everything goes" eval 'got t ec2 terminate-instances --instance-ids $i && eventually gone "x[0][\"State\"][\"Name\"] == \"terminated\"" ec2 describe-instances --instance-ids $i --query "Reservations[].Instances[]" && got d ec2 delete-security-group --group-id $sg && got d ec2 delete-key-pair --key-name mine && refused InvalidSnapshot.InUse ec2 delete-snapshot --snapshot-id $snapshot && got d ec2 deregister-image --image-id $image && got d ec2 delete-snapshot --snapshot-id $snapshot && eval_again v "x[\"Volumes\"] == []" ec2 describe-volumes'
ok "a wrong secret is refused" env AWS_SECRET_ACCESS_KEY=wrong bash -c '! AWS_PAGER= /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" sts get-caller-identity 2>"$0" && grep -q SignatureDoesNotMatch "$0"' "$work/err"

fits_models "$model_check"
exit $failed
