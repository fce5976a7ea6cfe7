#!/bin/sh
# Where an image comes from: the newest that can be built on, children, revoked parents, plans through a file, and builds that are left out because nothing has changed.
. "$2/tests/lib/scenario.sh"
plan 52
project_make
# shellcheck disable=SC2086
sandbox_start $fast
rm recipes/slow.yaml recipes/failing.yaml

tag() { cloud ec2 create-tags --resources "$1" --tags "Key=$2,Value=$3"; }
untag() { cloud ec2 delete-tags --resources "$1" --tags "Key=$2"; }
built() { exits 0 "$bakery" build "$@" --sandbox --format json; } # also prints what it said
because() { exits 0 "$bakery" log --sandbox && says "built because $1"; }

# --- the newest that can be built on ---

cat > recipes/newest.yaml <<'EOF'
bakery: 1
extends: other
name: newest
source: {ami: {owners: [self], name: "base-*"}}
EOF
debian=$(cloud ec2 describe-images --owners 136693071363 --filters 'Name=name,Values=debian-12-*' --query 'sort_by(Images[?State==`available` && !DeprecationTime],&CreationDate)[-1].ImageId' --output text)
base() { cloud ec2 copy-image --source-region us-east-1 --source-image-id "$debian" --name "$1" --query ImageId --output text; }
available() { [ "$(cloud ec2 describe-images --image-ids "$1" --query 'Images[0].State' --output text)" = available ]; }
first=$(base base-1)
second=$(base base-2)
third=$(base base-3)
for image in "$first" "$second" "$third"; do wait_for 20 available "$image"; done

planned() { exits 0 "$bakery" plan newest --sandbox --format json && holds "$work/out" "x['source']['ami'] == '$1'"; }
ok "the newest match is taken" planned "$third"
cloud ec2 enable-image-deprecation --image-id "$third" --deprecate-at "$(date -u +%Y-%m-%dT%H:%M:%SZ)" > "$work/cloud.out"
ok "a deprecated one is passed over, though AWS shows it to its owner" planned "$second"
tag "$second" bakery:revoked "a hole"
ok "a revoked one is passed over" planned "$first"
tag "$first" bakery:quarantined test
ok "none is left" exits 1 "$bakery" plan newest --sandbox
ok "the words tell what was searched and what stands in the way" says 'owner self, name base-\*.*fit 3: 1 revoked, 1 in quarantine, 1 deprecated'
sed -i 's/base-\*/nothing-*/' recipes/newest.yaml
ok "no match at all" exits 1 "$bakery" plan newest --sandbox
ok "says so" says 'no image of that name'
sed -i "s/^source:.*/source: {id: $third}/" recipes/newest.yaml
ok "a deprecated one by its id is refused" exits 3 "$bakery" plan newest --sandbox
ok "in words" says "$third \(base-3\) is deprecated since"
sed -i 's/^source:.*/source: {id: ami-00000000000000000}/' recipes/newest.yaml
ok "an id that is not there is refused" exits 1 "$bakery" plan newest --sandbox
ok "and told where it was looked for" says 'there is no image ami-00000000000000000 in us-east-1 that account [0-9]* can see'
sed -i 's|^source:.*|source: {ssm: /golden/base}|' recipes/newest.yaml
untag "$first" bakery:quarantined
cloud ssm put-parameter --name /golden/base --type String --value "{\"image_id\": \"$first\", \"image_name\": \"base-1\"}" > "$work/cloud.out"
ok "a parameter may hold JSON" planned "$first"
cloud ssm put-parameter --name /golden/base --type String --value "$second" --overwrite > "$work/cloud.out"
sed -i 's|/golden/base|"/golden/base:1"|' recipes/newest.yaml
ok "and have a version" planned "$first"
rm recipes/newest.yaml

# --- a product of the marketplace ---

cat > recipes/product.yaml <<'EOF'
bakery: 1
extends: other
name: product
source: {ami: {owners: [aws-marketplace], name: "debian-12-*"}}
EOF
ok "the plan of a product" exits 0 "$bakery" plan product --sandbox --format json
code=$(json "$work/out" 'x["source"]["product_codes"][0]')
ok "is shown with its code" exits 0 "$bakery" plan product --sandbox
ok "and what that means" says 'each that launches the image must be subscribed'
ok "without a subscription it is not built" exits 6 "$bakery" build product --sandbox
ok "the words name product, page and accounts" says "product code $code: subscribe account [0-9]+ to it at https://aws.amazon.com/marketplace/[^ ]*$code, and each account"
ok "subscribed" exits 0 "$bakery" sandbox set "subscribed.$code=on"
ok "it is built" built product
rm recipes/product.yaml

# --- parent and child ---

ok "parent and child" built tiny child
child=$(json "$work/out" '[b["build"] for b in x if b["recipe"] == "child"][0]')
cp "$work/out" "$work/both.json"
parent=$(json "$work/both.json" '[b["images"][0]["ami"] for b in x if b["recipe"] == "tiny"][0]')
ok "the child's plan knows what it stands on" holds "$work/both.json" "[b['plan']['source'] for b in x if b['recipe'] == 'child'][0]['ancestors'] == ['$debian']"
ok "and so does the page of the build" exits 0 "$bakery" show "$child" --sandbox
ok "with parent and ancestors" says "ancestors +$debian"
ok "the plan shows its parent, too" exits 0 "$bakery" plan child --sandbox
ok "by build and recipe" says 'build [0-9a-f-]+ of recipe tiny'
tag "$parent" bakery:revoked CVE-2026-1
ok "a child of a revoked parent is refused" exits 4 "$bakery" build child --sandbox
ok "and told why" says "$parent was revoked: CVE-2026-1"
untag "$parent" bakery:revoked
ok "no more when it is lifted" exits 0 "$bakery" plan child --sandbox

# --- unchanged ---

good=$(json "$work/both.json" '[b["build"] for b in x if b["recipe"] == "tiny"][0]')
ok "nothing has changed" built tiny --if-changed
ok "so the good build is shown" holds "$work/out" "x[0]['status'] == 'unchanged' and x[0]['build'] == '$good' and len(x[0]['images']) == 2"
ok "history tells what was skipped" exits 0 "$bakery" history --skipped --sandbox --format json
ok "with the reason" holds "$work/out" "len(x) == 1 and x[0]['build'] == '$good' and 'recipe, playbooks and source image' in x[0]['reason']"
ok "an age that has passed builds again" built tiny --if-changed --max-age 1s
ok "and says so" because 'it is [0-9]+ seconds old'
echo '  - {id: more, run: "true"}' >> playbooks/tiny.yaml
ok "a playbook that changed builds again" built tiny --if-changed
ok "and names it" because 'playbook tiny changed'
sed -i 's/deprecate_after: 90d/deprecate_after: 91d/' recipes/tiny.yaml
ok "a recipe that changed builds again" built tiny --if-changed
ok "and names the key" because 'the recipe or the settings changed \(image.deprecate_after_s\)'
ok "a child whose parent moved on is built again" built child --if-changed
gone=$(json "$work/out" 'x[0]["images"][0]["ami"]')
ok "since its source is newer" because "the source image is newer: $parent → ami-"
cloud ec2 deregister-image --image-id "$gone" > "$work/cloud.out"
ok "a build whose image is gone is built again" built child --if-changed
ok "and says which" because "image $gone in us-east-1 is gone"
cloud ssm put-parameter --name /bakery/child/candidate --type String --value "$parent" --overwrite > "$work/cloud.out"
ok "a pointer that points elsewhere builds again" built child --if-changed
ok "and says where" because "parameter /bakery/child/candidate in us-east-1 points to $parent"

# --- a plan through a file ---

ok "a plan is written" exits 0 "$bakery" plan tiny --sandbox --out plan.json
echo '  - {id: even-more, run: "true"}' >> playbooks/tiny.yaml
ok "and baked as it is, whatever the recipe says now" exits 0 "$bakery" build --plan plan.json --sandbox --format json
ok "under the same hash" holds "$work/out" "x[0]['plan_sha256'] == '$(json plan.json 'x["plan_sha256"]')'"
python3 -c 'import json; x = json.load(open("plan.json")); x["deadline_s"] = 60; json.dump(x, open("edited.json", "w"))'
ok "an edited one is refused" exits 3 "$bakery" build --plan edited.json --sandbox
python3 -c 'import json; x = json.load(open("plan.json")); x["account"] = "999999999999"; del x["plan_sha256"]; json.dump(x, open("other.json", "w"))'
ok "one for another account, too" exits 6 "$bakery" build --plan other.json --sandbox
ok "and a recipe beside it" exits 2 "$bakery" build tiny --plan plan.json --sandbox
# The image that was deregistered here by hand left its snapshot.
for snapshot in $("$bakery" gc --dry-run --sandbox --format json 2>/dev/null | python3 -c 'import json,sys; print(*(r["id"] for r in json.load(sys.stdin) if r["kind"] == "snapshot"))'); do
  cloud ec2 delete-snapshot --snapshot-id "$snapshot"
done
ok "nothing is left" nothing_left
exit $failed
