#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# No image is made of a machine on which a private key, a key of bakery's own or a secret is left, and every file is named. Arguments: bakery, the source tree.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
plan 15
project_make
# shellcheck disable=SC2086
sandbox_start $fast
export HIDDEN_PASSWORD='tr0ub4dor & "three" %'

ok "a machine with keys and secrets on it is refused" exits 4 "$bakery" build hiding --sandbox -q
ok "... a private key in a file of its own" says '/opt/tool/id \(a private key\)'
ok "... an encrypted one" says '/opt/tool/pkcs8.pem \(a private key\)'
ok "... the login key that bakery made" says '/home/admin/notes of mine \(the temporary login key'
ok "... a secret in base64" says '/usr/local/lib/app.log \(the secret HIDDEN_PASSWORD\)'
ok "... a secret in a large binary file" says '/opt/tool/blob \(the secret HIDDEN_PASSWORD\)'
ok "... and neither a manual nor a program" says_not '/opt/doc'
ok "the secret itself is said nowhere" eval 'says_not "tr0ub4dor" && ! grep -q "tr0ub4dor" "$BAKERY_STORE" && "$bakery" log >"$work/log" && ! grep -q "tr0ub4dor" "$work/log"'
"$bakery" show --controls --format json >"$work/controls.json"
ok "the answers are evidence" holds "$work/controls.json" '{r["control"]: r["verdict"] for r in x if r["step"] == "prove"} == {"bakery:no-private-keys": "fail", "bakery:no-build-keys": "fail", "bakery:no-secrets": "fail"}'
ok "there is no image" eval '[ "$(image_count us-east-1)" = 0 ]'
ok "a clean machine passes" exits 0 "$bakery" build hiding --sandbox -q --var hide=no
ok "... and its log says what was looked for" eval '"$bakery" log --stage seal >"$work/log" && grep -Eq "looked through [0-9]+ files: .* none of 1 secrets" "$work/log"'
"$bakery" show --controls --format json >"$work/controls.json"
ok "... as its evidence does" holds "$work/controls.json" '[r["verdict"] for r in x if r["step"] == "prove"] == ["pass"] * 3'
ok "a secret that is missing is not taken for one that was not found" eval 'unset HIDDEN_PASSWORD; exits 2 "$bakery" build hiding --sandbox -q --var hide=no'
ok "nothing is left behind" nothing_left
exit $failed
