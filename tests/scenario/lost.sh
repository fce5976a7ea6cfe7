#!/bin/sh
# Answers that are lost after AWS has acted: bakery looks before it asks again, so nothing is made twice.
. "$2/tests/lib/scenario.sh"
plan 6
project_make
# shellcheck disable=SC2086
sandbox_start $fast

for operation in CreateSecurityGroup AuthorizeSecurityGroupIngress RunInstances CreateImage CopyImage; do
  "$bakery" sandbox set "fault.$operation=reset:1:after" >/dev/null
done
ok "a build of which the answers are lost" exits 0 "$bakery" build tiny --sandbox
ok "looks for its image" says 'looking whether the image was made'
ok "and finds it" says 'image ami-[0-9a-f]+ was made'
ok "each region has one image" sh -c "[ $(image_count us-east-1) = 1 ] && [ $(image_count eu-west-1) = 1 ]"
launched() { cloud --region us-east-1 ec2 describe-instances --query 'length(Reservations[])' --output text; }
ok "one instance was built on and one tested" test "$(launched)" -le 2
ok "nothing is left" nothing_left
exit $failed
