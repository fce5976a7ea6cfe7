#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's aws, which knows nothing of bakery, drives every operation that the sandbox offers, but for those of STS and IAM, and reads what it answers. Everything said on the
# wire is then held against AWS's own models. Without machines: this is about the protocols.
# Arguments: bakery, the source tree, model_check (or nothing).
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"

architecture=$(uname -m)
[ "$architecture" = aarch64 ] && deb=arm64 type=m6g.large architecture=arm64 || deb=amd64 type=m5.large

plan 104
sandbox_start machines=off $fast
. "$source/tests/lib/aws_kept.sh"
set_to() { "$bakery" sandbox set "$@"; }

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
ok "its attributes can be changed, and it starts again" eval 'got m ec2 modify-instance-attribute --instance-id $i --instance-initiated-shutdown-behavior stop && got m ec2 start-instances --instance-ids $i && eventually again "x[0][\"State\"][\"Name\"] == \"running\"" ec2 describe-instances --instance-ids $i --query "Reservations[].Instances[]" && got m ec2 modify-instance-metadata-options --instance-id $i --http-tokens optional && got m ec2 reboot-instances --instance-ids $i'
ok "ec2 revoke-security-group-ingress" got r ec2 revoke-security-group-ingress --group-id "$sg" --protocol tcp --port 22 --cidr 127.0.0.1/32

# --- keys
ok "kms describe-key of the alias" eval_again key 'x["KeyMetadata"]["KeyManager"] == "CUSTOMER" and x["KeyMetadata"]["Enabled"]' kms describe-key --key-id alias/bakery
kms=$(value key 'x["KeyMetadata"]["Arn"]')
ok "kms list-keys, list-aliases" eval 'eval_again k "len(x[\"Keys\"]) == 2" kms list-keys && eval_again k "[a[\"AliasName\"] for a in x[\"Aliases\"]] == [\"alias/aws/ebs\", \"alias/bakery\"]" kms list-aliases'
ok "kms get-key-policy admits the organization" eval_again k '"aws:PrincipalOrgID" in x["Policy"]' kms get-key-policy --key-id "$kms" --policy-name default
ok "kms create-key, create-alias, delete-alias" eval 'got own kms create-key --description mine --tags TagKey=a,TagValue=b && own=$(value own "x[\"KeyMetadata\"][\"KeyId\"]") && got k kms create-alias --alias-name alias/mine --target-key-id $own && eval_again k "x[\"KeyMetadata\"][\"KeyId\"] == \"$own\"" kms describe-key --key-id alias/mine && got k kms delete-alias --alias-name alias/mine && refused NotFoundException kms describe-key --key-id alias/mine'
own=$(value own 'x["KeyMetadata"]["KeyId"]')
ok "kms put-key-policy, get-key-rotation-status" eval 'got policy kms get-key-policy --key-id $own --policy-name default && got k kms put-key-policy --key-id $own --policy-name default --policy "$(value policy "x[\"Policy\"]")" && eval_again k "not x[\"KeyRotationEnabled\"]" kms get-key-rotation-status --key-id $own'
role=arn:aws:iam::210987654321:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling
ok "kms create-grant, list-grants, revoke-grant" eval 'got grant kms create-grant --key-id $kms --grantee-principal $role --operations Decrypt CreateGrant && eval_again k "len(x[\"Grants\"]) == 1" kms list-grants --key-id $kms && got k kms revoke-grant --key-id $kms --grant-id $(value grant "x[\"GrantId\"]") && eval_again k "x[\"Grants\"] == []" kms list-grants --key-id $kms'
plain="ec2 run-instances --image-id $ami --instance-type $type"
ends_with() { got bad $plain "$mapping$1}" || return 1; eventually bad2 "x[0]['State']['Name'] == 'terminated' and x[0]['StateReason']['Code'] == '$2'" ec2 describe-instances --instance-ids "$(value bad 'x["Instances"][0]["InstanceId"]')" --query 'Reservations[].Instances[]'; }
mapping="--block-device-mappings=DeviceName=/dev/xvda,Ebs={Encrypted=true,KmsKeyId="
ok "a launch with a key that is not there ends" ends_with alias/none Client.InvalidKMSKey.NotFound
ok "... with a disabled one too" eval 'got k kms disable-key --key-id $own && ends_with $own Client.InvalidKMSKey.InvalidState && got k kms enable-key --key-id $own'
ok "a key pending deletion is disabled when it comes back" eval 'got k kms schedule-key-deletion --key-id $own --pending-window-in-days 7 && refused KMSInvalidStateException kms enable-key --key-id $own && got k kms cancel-key-deletion --key-id $own && eval_again k "x[\"KeyMetadata\"][\"KeyState\"] == \"Disabled\"" kms describe-key --key-id $own'

# --- quotas
ok "service-quotas get-service-quota" eval_again q 'x["Quota"]["QuotaName"].startswith("Running On-Demand Standard")' service-quotas get-service-quota --service-code ec2 --quota-code L-1216C47A
ok "... AWS's default, lists" eval 'eval_again q "x[\"Quota\"][\"Value\"] == 5" service-quotas get-aws-default-service-quota --service-code ec2 --quota-code L-1216C47A && eval_again q "len(x[\"Quotas\"]) == 5" service-quotas list-service-quotas --service-code ec2 --page-size 2 && got q service-quotas list-aws-default-service-quotas --service-code vpc && eval_again q "{s[\"ServiceCode\"] for s in x[\"Services\"]} == {\"ec2\", \"ssm\", \"vpc\"}" service-quotas list-services'
ok "past it nothing is launched" eval 'set_to quota.L-1216C47A=1 && refused VcpuLimitExceeded $plain; status=$?; set_to quota.L-1216C47A=; [ $status = 0 ]'

# --- spot
ok "a spot instance" got spot $plain --instance-market-options MarketType=spot
s=$(value spot 'x["Instances"][0]["InstanceId"]')
ok "... has a request" eval_again sir "x['SpotInstanceRequests'][0]['Status']['Code'] == 'fulfilled' and x['SpotInstanceRequests'][0]['InstanceId'] == '$s'" ec2 describe-spot-instance-requests
ok "... cannot be stopped" refused UnsupportedOperation ec2 stop-instances --instance-ids "$s"
ok "... may lose its request" eval_again sir 'x["CancelledSpotInstanceRequests"][0]["State"] == "cancelled"' ec2 cancel-spot-instance-requests --spot-instance-request-ids "$(value sir 'x["SpotInstanceRequests"][0]["SpotInstanceRequestId"]')"
ok "... is taken back" eval 'set_to interrupt=$s && eventually spot2 "x[0][\"State\"][\"Name\"] == \"terminated\" and x[0][\"StateReason\"][\"Code\"] == \"Server.SpotInstanceTermination\"" ec2 describe-instances --instance-ids $s --query "Reservations[].Instances[]"'
ok "ec2 describe-spot-price-history" eval_again price 'len(x["SpotPriceHistory"]) == 3 and float(x["SpotPriceHistory"][0]["SpotPrice"]) > 0' ec2 describe-spot-price-history --instance-types $type

# --- where, and what is passed over
ok "the network for building is private" eval_again subnets 'len(x["Subnets"]) == 3 and not any(s["MapPublicIpOnLaunch"] for s in x["Subnets"])' ec2 describe-subnets --filters Name=tag:tier,Values=build
ok "a full subnet takes nobody" eval 'got full ec2 describe-subnets --filters Name=tag:tier,Values=full && refused InsufficientFreeAddressesInSubnet $plain --subnet-id $(value full "x[\"Subnets\"][0][\"SubnetId\"]")'
ok "a newer image is deprecated" eval_again old 'sum("DeprecationTime" in i for i in x["Images"]) == 1 and len(x["Images"]) == 3' ec2 describe-images --owners 136693071363 --include-deprecated --filters "Name=name,Values=debian-12-$deb-*"
ok "a product wants a subscription" eval 'got product ec2 describe-images --owners aws-marketplace && refused OptInRequired ec2 run-instances --image-id $(value product "x[\"Images\"][0][\"ImageId\"]") --instance-type $type'
ok "a region that is not opted in to refuses everybody" eval 'refused AuthFailure ec2 describe-images --region eu-south-1 --owners self && eval_again all "[r[\"OptInStatus\"] for r in x[\"Regions\"] if r[\"RegionName\"] == \"eu-south-1\"] == [\"not-opted-in\"]" ec2 describe-regions --all-regions && set_to optin.eu-south-1=on && got opted ec2 describe-images --region eu-south-1 --owners self'
ok "ec2 describe-account-attributes, describe-network-interfaces" eval 'got a ec2 describe-account-attributes && eval_again n "len(x[\"NetworkInterfaces\"]) == 1" ec2 describe-network-interfaces --filters Name=attachment.instance-id,Values=$i'
ok "organizations describe-account, list-organizational-units-for-parent" eval 'got a organizations describe-account --account-id 210987654321 && eval_again u "len(x[\"OrganizationalUnits\"]) >= 2" organizations list-organizational-units-for-parent --parent-id $(value roots "x[\"Roots\"][0][\"Id\"]")'

# --- what goes wrong when it is told to
ok "an error, once" eval 'set_to fault.DescribeVpcs=Unavailable && refused Unavailable ec2 describe-vpcs && got v ec2 describe-vpcs'
ok "an error with another status" eval 'set_to fault.DescribeVpcs=InternalError/503 && refused InternalError ec2 describe-vpcs'
ok "a bare status, in each service's words" eval 'set_to "fault.*=500:2" && refused InternalError ec2 describe-vpcs && refused InternalServerError ssm describe-parameters'
ok "a reset, half a reply" eval 'set_to fault.DescribeVpcs=reset && ! cloud ec2 describe-vpcs 2>/dev/null && set_to fault.DescribeVpcs=cut && ! cloud ec2 describe-vpcs 2>/dev/null && got v ec2 describe-vpcs'
ok "a delay" eval 'set_to hang.DescribeVpcs=300ms && begun=$(date +%s%N) && got v ec2 describe-vpcs && [ $(($(date +%s%N) - begun)) -ge 300000000 ] && set_to hang.DescribeVpcs='
ok "no capacity in one zone" eval 'set_to capacity.$type.us-east-1b=0 && refused InsufficientInstanceCapacity $plain --placement AvailabilityZone=us-east-1b; status=$?; set_to capacity.$type.us-east-1b=; [ $status = 0 ]'
ok "what was made is not seen for a while" eval 'set_to lag.security-group=1h && got late ec2 create-security-group --group-name late --description d && refused InvalidGroup.NotFound ec2 describe-security-groups --group-ids $(value late "x[\"GroupId\"]") && set_to lag.security-group= && got v ec2 delete-security-group --group-id $(value late "x[\"GroupId\"]")'
ok "throttling" eval 'set_to throttle=1 && got v ec2 describe-vpcs; refused RequestLimitExceeded ec2 describe-vpcs; status=$?; set_to throttle=0; [ $status = 0 ]'
ok "a clock that is ahead" eval 'set_to clock=+20m && refused RequestExpired ec2 describe-vpcs && refused InvalidSignatureException ssm describe-parameters; status=$?; curl -sI "$AWS_ENDPOINT_URL/" | grep -i "^date: $(LC_ALL=C TZ=GMT date -d "20 minutes" +"%a, %d %b %Y %H:")"; status=$((status + $?)); set_to clock=; [ $status = 0 ]'

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
ok "ec2 reset-image-attribute" eval 'got a ec2 reset-image-attribute --image-id $image --attribute launchPermission && eval_again a "x[\"LaunchPermissions\"] == []" ec2 describe-image-attribute --image-id $image --attribute launchPermission'
ok "protected from deregistration" eval 'posted a EnableImageDeregistrationProtection ImageId=$image && is a "\"enabled-without-cooldown\" in x[\"text\"]" && refused OperationNotPermitted ec2 deregister-image --image-id $image && posted a DisableImageDeregistrationProtection ImageId=$image'
ok "disabled and enabled" eval 'posted a DisableImage ImageId=$image && eval_again a "x[\"Images\"] == []" ec2 describe-images --owners self && posted a EnableImage ImageId=$image'
ok "a copy with a key that is not there fails, and its snapshot says why" eval 'got copy ec2 copy-image --region eu-west-1 --source-region us-east-1 --source-image-id $image --name bad --encrypted --kms-key-id alias/none && eventually failed "x[0][\"State\"] == \"failed\" and \"internal error\" in x[0][\"StateReason\"][\"Message\"]" ec2 describe-images --region eu-west-1 --image-ids $(value copy "x[\"ImageId\"]") --query Images && eval_again why "x[\"Snapshots\"][0][\"StateMessage\"] == \"Given key ID is not accessible\"" ec2 describe-snapshots --region eu-west-1 --snapshot-ids $(value failed "x[0][\"BlockDeviceMappings\"][0][\"Ebs\"][\"SnapshotId\"]")'

# --- parameters
put="ssm put-parameter --name /bakery/debian-12/candidate --type String --data-type aws:ec2:image --value $image"
ok "ssm put-parameter, overwritten, with history" eval 'got p $put && eval_again p "x[\"Version\"] == 2" $put --overwrite && eval_again h "[p[\"Version\"] for p in x[\"Parameters\"]] == [1, 2]" ssm get-parameter-history --name /bakery/debian-12/candidate'
ok "without --overwrite it is refused" refused ParameterAlreadyExists $put
ok "an image that does not exist is taken and then dropped" eval 'got p ssm put-parameter --name /bakery/debian-12/candidate --type String --data-type aws:ec2:image --value ami-00000000000000000 --overwrite && eval_again p "x[\"Parameter\"][\"Version\"] == 2" ssm get-parameter --name /bakery/debian-12/candidate'
ok "labels and versions select" eval 'got p ssm label-parameter-version --name /bakery/debian-12/candidate --parameter-version 1 --labels first && eval_again p "x[\"Parameter\"][\"Version\"] == 1 and x[\"Parameter\"][\"Selector\"] == \":first\"" ssm get-parameter --name /bakery/debian-12/candidate:first && refused ParameterVersionNotFound ssm get-parameter --name /bakery/debian-12/candidate:7'
ok "by path, in pages of ten" eval 'for n in 1 2 3 4 5 6 7 8 9 10 11; do got p ssm put-parameter --name /many/p$n --type String --value $n || return 1; done; eval_again p "len(x[\"Parameters\"]) == 11" ssm get-parameters-by-path --path /many'
ok "tags of a parameter" eval 'got p ssm add-tags-to-resource --resource-type Parameter --resource-id /many/p1 --tags Key=a,Value=b && eval_again p "x[\"TagList\"] == [{\"Key\": \"a\", \"Value\": \"b\"}]" ssm list-tags-for-resource --resource-type Parameter --resource-id /many/p1'
ok "... and off again; several go at once" eval 'got p ssm remove-tags-from-resource --resource-type Parameter --resource-id /many/p1 --tag-keys a && got p ssm put-parameter --name /gone --type String --value 1 && eval_again p "x[\"DeletedParameters\"] == [\"/gone\"]" ssm delete-parameters --names /gone /never'
ok "describe, several, delete" eval 'eval_again p "len(x[\"Parameters\"]) == 12" ssm describe-parameters && eval_again p "len(x[\"Parameters\"]) == 1 and x[\"InvalidParameters\"] == [\"/none\"]" ssm get-parameters --names /many/p2 /none && got p ssm delete-parameter --name /many/p1 && refused ParameterNotFound ssm get-parameter --name /many/p1'

# --- clean-up
ok "terminate, and everything goes" eval 'got t ec2 terminate-instances --instance-ids $i && eventually gone "x[0][\"State\"][\"Name\"] == \"terminated\"" ec2 describe-instances --instance-ids $i --query "Reservations[].Instances[]" && got d ec2 delete-security-group --group-id $sg && got d ec2 delete-key-pair --key-name mine && refused InvalidSnapshot.InUse ec2 delete-snapshot --snapshot-id $snapshot && got d ec2 deregister-image --image-id $image && got d ec2 delete-snapshot --snapshot-id $snapshot && eval_again v "x[\"Volumes\"] == []" ec2 describe-volumes'
ok "a volume may stay when its instance goes" eval 'got k ec2 run-instances --image-id $ami --instance-type $type --block-device-mappings DeviceName=/dev/xvda,Ebs={DeleteOnTermination=false} && kept=$(value k "x[\"Instances\"][0][\"InstanceId\"]") && eventually k2 "x[0][\"State\"][\"Name\"] == \"running\"" ec2 describe-instances --instance-ids $kept --query "Reservations[].Instances[]" && got t ec2 terminate-instances --instance-ids $kept && eventually v "len(x[\"Volumes\"]) == 1 and x[\"Volumes\"][0][\"State\"] == \"available\"" ec2 describe-volumes && got d ec2 delete-volume --volume-id $(value v "x[\"Volumes\"][0][\"VolumeId\"]")'
ok "a wrong secret is refused" env AWS_SECRET_ACCESS_KEY=wrong bash -c '! AWS_PAGER= /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" sts get-caller-identity 2>"$0" && grep -q SignatureDoesNotMatch "$0"' "$work/err"

ok "every operation that the sandbox offers was driven" all_driven_but sts iam
fits_models "$model_check"
exit $failed
