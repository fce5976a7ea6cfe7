#!/bin/sh
# Documents on the command line, offline: validate, schema, playbook compile.
. "$2/tests/lib/scenario.sh"
plan 20

mkdir -p "$work/shop/recipes/base" "$work/shop/playbooks"
cd "$work/shop" || exit 1
cat >recipes/base/common.yaml <<'END'
bakery: 1
launch: {region: eu-west-1, instance_types: [m7i.large]}
connect: {user: admin}
END
cat >recipes/web.yaml <<'END'
bakery: 1
extends: base/common
variables: {package: nginx}
source: {id: ami-0123456789abcdef0}
playbooks:
  - {playbook: app, vars: {package: "{{ package }}"}}
END
cat >playbooks/app.yaml <<'END'
playbook: 1
vars: {package: }
steps:
  - {id: installed, controls: [APP-1], check: "dpkg -s {{ package }}", run: "apt-get install {{ package }}"}
END

ok "a valid recipe exits with 0" exits 0 "$bakery" validate web
ok "and has a row: steps and controls" says '^web +recipes/web.yaml +1 +1$'
ok "by its file, too" exits 0 "$bakery" validate ./recipes/web.yaml
ok "as JSON" exits 0 "$bakery" validate web --format json
ok "with its hash" holds "$work/out" 'len(x) == 1 and x[0]["recipe"] == "web" and x[0]["valid"] and len(x[0]["sha256"]) == 64'
ok "all recipes of the project" exits 0 "$bakery" validate
ok "are listed, but neither what they extend nor the shipped ones" sh -c "grep -q '^web ' '$work/out' && ! grep -q '^debian-12 ' '$work/out' && ! grep -q common '$work/out'"

ok "an unknown variable exits with 3" exits 3 "$bakery" validate web --var pakage=apache2
ok "and is named with a suggestion" says '^--var: unknown variable pakage \(did you mean package\?\)$'
ok "an unknown recipe exits with 2" exits 2 "$bakery" validate wep
ok "and is named with a suggestion" says 'no recipe wep \(did you mean web\?\)'

ok "a plan goes to a file, or to standard output as JSON" exits 2 "$bakery" plan web --out -
ok "--version is understood" sh -c "[ \"\$('$bakery' --version)\" = \"\$('$bakery' version)\" ]"

for i in $(seq 100); do echo "key_$i: x"; done >>recipes/web.yaml
echo "  - reboot: {timeout: long}" >>playbooks/app.yaml
ok "a faulty recipe exits with 3" exits 3 "$bakery" validate web
ok "every fault is told, however many" test "$(grep -c 'unknown key' "$work/err")" = 100
ok "those of playbooks, too" says '^playbooks/app.yaml:5:23: steps.2.reboot.timeout: must be a duration'
"$bakery" validate web --format json >"$work/out" 2>"$work/err"
ok "for programs, too" holds "$work/out" 'not x[0]["valid"] and len(x[0]["faults"]) == 101 and x[0]["faults"][1]["line"] == 7'

for kind in recipe playbook settings; do
  "$bakery" schema $kind >"$work/$kind.json"
done
ok "schemas are JSON" holds "$work/recipe.json" '"description" in x["properties"]["launch"]["properties"]["region"] and x["additionalProperties"] is False'
ok "of playbooks and settings, too" holds "$work/playbook.json" '"steps" in x["required"]'
ok "another kind exits with 2" exits 2 "$bakery" schema nothing
