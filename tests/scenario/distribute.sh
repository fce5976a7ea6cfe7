#!/bin/sh
# Three regions with a key each: what is told of keys before a build, a copy that fails and is tried again by itself, one that fails for good and is all that resume does; protection,
# shared snapshots, tags on all of it.
. "$2/tests/lib/scenario.sh"
plan 34
export BAKERY_RECORD=$work/record.jsonl
project_make
# shellcheck disable=SC2086
sandbox_start $fast
regions="us-east-1 eu-west-1 us-west-2"

key_make() { # key_make REGION ALIAS -> its id
  key=$(cloud --region "$1" kms create-key --query KeyMetadata.KeyId --output text)
  cloud --region "$1" kms create-alias --alias-name "$2" --target-key-id "$key"
  echo "$key"
}
home_key=$(key_make us-east-1 alias/wide)
europe_key=$(key_make eu-west-1 alias/wide)
west_key=$(key_make us-west-2 alias/wide-west)
sed -e 's/^name: tiny/name: wide/' -e 's|kms_key: alias/bakery}$|kms_key: alias/wide}|' -e 's/^image: .*/image: {name: "{{ recipe }}-{{ build }}", imds: v2.0, deregistration_protection: true}/' \
  -e 's/^verify: .*/verify: false/' -e '/^distribute:/,$d' recipes/tiny.yaml >recipes/wide.yaml
recipe_end() { # recipe_end EUROPE_KEY SHARE
  sed '/^distribute:/,$d' recipes/wide.yaml >"$work/head.yaml"
  { cat "$work/head.yaml"; printf 'distribute:\n  regions: {eu-west-1: {%s}, us-west-2: {kms_key: alias/wide-west}}\n  share: {%s}\npublish: {channel: candidate}\n' "$1" "$2"; } >recipes/wide.yaml
}
field() { cloud --region "$1" ec2 describe-images --owners self --query "sort_by(Images,&CreationDate)[-1].$2" --output text; }
snapshot_field() { cloud --region "$1" ec2 describe-snapshots --owner-ids self --query "sort_by(Snapshots,&StartTime)[-1].$2" --output text; }
called() { python3 -c 'import json,sys; print(sum(json.loads(l)["operation"] == sys.argv[2] for l in open(sys.argv[1])))' "$BAKERY_RECORD" "$1"; }
everywhere() { for region in $regions; do "$@" "$region" || { echo "in $region"; return 1; }; done; }

# --- before a build ---
recipe_end 'kms_key: alias/nowhere' 'accounts: ["210987654321"]'
cloud --region us-west-2 kms disable-key --key-id "$west_key"
ok "keys that cannot be used are faults" exits 3 "$bakery" plan wide --sandbox
ok "one that is not there is named with its region" says 'distribute.regions.eu-west-1.kms_key: alias/nowhere in eu-west-1: there is no such key'
ok "and in the same run the one that is disabled" says 'alias/wide-west in us-west-2: the key is Disabled; enable it'
cloud --region us-west-2 kms enable-key --key-id "$west_key"
recipe_end '' 'organization: true'
ok "a default key cannot be shared" exits 3 "$bakery" plan wide --sandbox
ok "it says where one is needed" says 'distribute.regions.eu-west-1.kms_key'
recipe_end 'kms_key: alias/wide' 'accounts: ["210987654321"], snapshots: true, consumer_role: bakery-reader'
ok "a key policy that admits nobody else is no fault" exits 0 "$bakery" plan wide --sandbox
ok "but noted for each region" sh -c "[ \$(grep -c 'no statement of its key policy admits account 210987654321' '$work/err') = 3 ]"

# --- a copy that is refused, and one that fails, each tried again by itself ---
ok "a build, as far as its gate" exits 7 "$bakery" build wide --sandbox --until gate
cloud --region eu-west-1 kms disable-key --key-id "$europe_key"
"$bakery" sandbox set fault.CopyImage=InvalidRequest:1 >/dev/null
"$bakery" resume --sandbox >"$work/out" 2>"$work/err" &
resuming=$!
copy_failed() { grep -q 'eu-west-1: copy ami-.* is failed.*it is tried again' "$work/err"; }
ok "a copy fails in one region" wait_for 60 copy_failed
cloud --region eu-west-1 kms enable-key --key-id "$europe_key"
ok "and the build gets through" wait $resuming
ok "so does what was refused" says 'InvalidRequest.*it is tried again'
is_alone() { [ "$(image_count "$1")" = 1 ] && [ "$(snapshot_count "$1")" = 1 ]; }
ok "the account was asked whether it sees the image" says 'account 210987654321 sees the image in 3 regions'
ok "with one image and one snapshot a region: failed ones are gone" everywhere is_alone
ok "the image has its key" test "$(snapshot_field us-east-1 KmsKeyId | sed 's|.*/||')" = "$home_key"
ok "the copy in one region that region's" test "$(snapshot_field eu-west-1 KmsKeyId | sed 's|.*/||')" = "$europe_key"
ok "and in the other its own" test "$(snapshot_field us-west-2 KmsKeyId | sed 's|.*/||')" = "$west_key"
is_protected() { ! cloud --region "$1" ec2 deregister-image --image-id "$(field "$1" ImageId)" 2>"$work/refusal" && grep -qi protect "$work/refusal"; }
ok "all are protected from deregistration" everywhere is_protected
asks_v2() { [ "$(field "$1" ImdsSupport)" = v2.0 ]; }
ok "and ask for IMDSv2" everywhere asks_v2
build=$("$bakery" history --limit 1 --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["build"])')
is_tagged() {
  [ "$(field "$1" "Tags[?Key=='bakery:build']|[0].Value")" = "$build" ] && [ "$(snapshot_field "$1" "Tags[?Key=='bakery:build']|[0].Value")" = "$build" ] &&
    [ "$(snapshot_field "$1" "Tags[?Key=='cost-center']|[0].Value")" = 42 ]
}
ok "images and snapshots carry their tags everywhere" everywhere is_tagged
snapshot_is_shared() { [ "$(cloud --region "$1" ec2 describe-snapshot-attribute --snapshot-id "$(snapshot_field "$1" SnapshotId)" --attribute createVolumePermission --query 'CreateVolumePermissions[].UserId' --output text)" = 210987654321 ]; }
ok "and the account may make volumes of the snapshots" everywhere snapshot_is_shared
ok "nothing else is left" nothing_left

# --- grants for the accounts' Auto Scaling ---
sed -e 's/^name: wide/name: granted/' -e 's|alias/wide-west|alias/bakery|; s|alias/wide|alias/bakery|' -e 's/share: .*/share: {accounts: ["210987654321"], consumer_role: OrganizationAccountAccessRole, auto_scaling_grant: true}/' recipes/wide.yaml >recipes/granted.yaml
ok "with a role that may, Auto Scaling gets its grants" exits 0 "$bakery" build granted --sandbox
ok "said with the key" says 'account 210987654321: its Auto Scaling may use arn:aws:kms:us-west-2:.*\(grant [0-9a-f]+\)'
ok "a second build" exits 0 "$bakery" build granted --sandbox
grant_is_one() { [ "$(cloud --region "$1" kms list-grants --key-id "$(cloud --region "$1" kms describe-key --key-id alias/bakery --query KeyMetadata.Arn --output text)" --query "length(Grants[?Name=='bakery-auto-scaling'])" --output text)" = 1 ]; }
ok "makes no second grant" everywhere grant_is_one

# --- one region fails for good ---
recipe_end 'kms_key: alias/wide' 'organization: true'
ok "a second build, as far as its gate" exits 7 "$bakery" build wide --sandbox --until gate
cloud --region eu-west-1 kms disable-key --key-id "$europe_key"
ok "a region that goes on failing fails the build" exits 1 "$bakery" resume --sandbox
ok "the error names it, and what is done" says '1 of 3 regions failed: eu-west-1: copy ami-.*; done: us-east-1 \(ami-[0-9a-f]+\), us-west-2 \(ami-[0-9a-f]+\)'
"$bakery" history --limit 1 --format json >"$work/history.json"
ok "the image is in quarantine" holds "$work/history.json" 'x[0]["status"] == "quarantined"'
is_quarantined() { [ "$(field "$1" "Tags[?Key=='bakery:quarantined']|[0].Value")" = distribute ]; }
both_are_quarantined() { is_quarantined us-east-1 && is_quarantined us-west-2; }
ok "what there is of it is tagged so" both_are_quarantined
before=$(field us-west-2 ImageId)
copies=$(called CopyImage)
cloud --region eu-west-1 kms enable-key --key-id "$europe_key"
ok "resume finishes it" exits 0 "$bakery" resume --sandbox
ok "with one more copy, and the done one as it was" sh -c "[ $(called CopyImage) = $((copies + 1)) ] && [ $(field us-west-2 ImageId) = $before ]"
is_free() { [ "$(field "$1" "Tags[?Key=='bakery:quarantined']|[0].Value")" = None ]; }
ok "no image says quarantine any more" everywhere is_free
fits_models "${3:-}"
exit $failed
