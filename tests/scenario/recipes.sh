#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The recipes that come with bakery: each is without faults and can be planned, from its publisher's account, name or alias; what the sandbox has no files of is
# refused before anything is made, with the reason. They are baked by scripts/bake-all.
. "$2/tests/lib/scenario.sh"
recipes="debian-12 debian-13 ubuntu-22.04 ubuntu-24.04 amazon-linux-2023 rhel-9 rocky-9"
plan 27
mkdir "$work/project"
cd "$work/project" || exit 1
echo "recipes: [$source/recipes]
playbooks: [$source/playbooks]" >bakery.yaml
# shellcheck disable=SC2086
sandbox_start $fast

ok "no recipe has a fault" exits 0 "$bakery" validate --format json
# shellcheck disable=SC2086
ok "there is one for each system and architecture" holds "$work/out" "sorted(r['recipe'] for r in x) == sorted(n + a for n in '$recipes'.split() for a in ('', '-arm64'))"

comes_from() { # comes_from RECIPE ARCHITECTURE OWNER NAME USER
  exits 0 "$bakery" plan "$1" --sandbox --format json &&
    holds "$work/out" "x['source']['architecture'] == '$2' and x['source']['owner'] == '$3' and __import__('fnmatch').fnmatch(x['source']['name'], '$4') and x['connect']['user'] == '$5' and x['launch']['root_volume']['size_gib'] >= x['source']['size_gib']"
}
both() { # both RECIPE OWNER NAME USER X86 ARM: %s in the name is the architecture as its publisher has it
  # shellcheck disable=SC2059
  ok "$1" comes_from "$1" x86_64 "$2" "$(printf "$3" "$5")" "$4"
  # shellcheck disable=SC2059
  ok "$1-arm64" comes_from "$1-arm64" arm64 "$2" "$(printf "$3" "$6")" "$4"
}
both debian-12 136693071363 'debian-12-%s-*' admin amd64 arm64
both debian-13 136693071363 'debian-13-%s-*' admin amd64 arm64
both ubuntu-22.04 099720109477 'ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-%s-server-*' ubuntu amd64 arm64
both ubuntu-24.04 099720109477 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-%s-server-*' ubuntu amd64 arm64
both amazon-linux-2023 137112412989 'al2023-ami-2023.*-kernel-6.1-%s' ec2-user x86_64 arm64
both rhel-9 309956199498 'RHEL-9.*_HVM-*-%s-*-Hourly2-GP3' ec2-user x86_64 arm64
both rocky-9 792107900819 'Rocky-9-EC2-Base-9.*.%s' rocky x86_64 aarch64

# --- aliases that the recipes' heads name beside what they use themselves

alias_names() { [ "$(cloud ssm get-parameter --name "$1" --query Parameter.Value --output text)" = "$(json "$work/out" 'x["source"]["ami"]')" ]; }
exits 0 "$bakery" plan debian-13 --sandbox --format json
ok "Debian's alias is the recipe's image" alias_names /aws/service/debian/release/13/latest/amd64
exits 0 "$bakery" plan ubuntu-24.04 --sandbox --format json
newest_noble() { [ "$(cloud ec2 describe-images --owners 099720109477 --filters 'Name=name,Values=ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*' --query 'sort_by(Images,&CreationDate)[-1].ImageId' --output text)" = "$(json "$work/out" 'x["source"]["ami"]')" ]; }
ok "Canonical's alias is the newest by its name" newest_noble

# --- what cannot be built on here

exits 0 "$bakery" plan rhel-9 --sandbox --format json
ok "the newest by date is an older release, rebuilt" holds "$work/out" "x['source']['name'].startswith('RHEL-9.6.0_HVM-')"
ok "a release can be asked for" exits 0 "$bakery" plan rhel-9 --var rhel_release='9.7*' --sandbox --format json
ok "and is taken" holds "$work/out" "x['source']['name'].startswith('RHEL-9.7.0_HVM-')"
ok "there are no files of Rocky Linux" exits 1 "$bakery" build rocky-9 --sandbox
ok "which is said at once" says 'UnsupportedOperation: no root file system of rocky-9 can be made here: .*bakery sandbox import'
ok "nor a processor for arm64" exits 1 "$bakery" build debian-12-arm64 --sandbox
ok "which is said, too" says 'UnsupportedOperation: this host can run no machines of'
ok "before anything was made" exits 0 "$bakery" sandbox status --format json
ok "so nothing is left" holds "$work/out" "x['instances'] == []"
exit $failed
