#!/bin/sh
# What is kept of an image: SBOM and files of a fresh instance, each control's answers in the formats of others, what differs between two builds; and a
# control that does not last refuses the image.
. "$2/tests/lib/scenario.sh"
plan 19
project_make
cp -r "$source/tests/scenario/evidence/." . # not in the project: `build --all` would bake it elsewhere
# shellcheck disable=SC2086
sandbox_start $fast

bake() { exits "$1" "$bakery" build evidence --sandbox --format json "$2" "$3" "$4" "$5"; }
published_sum() { cloud ssm get-parameter --name /bakery/evidence/candidate/metadata --query Parameter.Value --output text >"$work/metadata.json" && json "$work/metadata.json" 'x["sbom_sha256"]'; }
sum_is_published() { [ "$(sha256sum <"$work/sbom.json")" = "$(published_sum)  -" ]; }
valid() { # valid SCHEMA FILE: where Debian has the schema
  [ ! -r "$1" ] || ! command -v xmllint >/dev/null || xmllint --noout --nonet --schema "$1" "$2"
}

ok "a first build" bake 0 --var version=1.9 --var lasts=yes
a=$(json "$work/out" 'x[0]["build"]')
"$bakery" sbom "$a" --format json >"$work/sbom.json"
ok "the SBOM knows the system, packages and /opt" holds "$work/sbom.json" 'x["specVersion"] == "1.5" and {"operating-system", "library", "file"} == {c["type"] for c in x["components"]} and "pkg:deb/debian/bakery-probe@1.9?arch=all&distro=debian-12" in [c.get("purl") for c in x["components"]] and "/opt/evidence/tool" in [c["name"] for c in x["components"]]'
ok "its sum is in the published metadata" sum_is_published
ok "and in the record" sh -c "'$bakery' show '$a' --format json >'$work/show.json' && grep -q \"$(published_sum)\" '$work/show.json'"
ok "the SBOM as a table" exits 0 "$bakery" sbom "$a"
ok "has the package" says 'deb +bakery-probe +1.9 +all'
ok "a control that does not last refuses the image of a second build" bake 4 --var version=1.10 --var lasts=no
ok "as drift, with both answers" says 'drift: EV-2 \(evidence/lasts\) passed on the built machine \(i-[0-9a-f]+: value 2\) and fails on the fresh instance \(i-[0-9a-f]+: check exited with 1'
b=$("$bakery" history evidence --format json >"$work/history.json" && json "$work/history.json" 'x[0]["build"]')
ok "controls stand with both answers" exits 0 "$bakery" show "$b" --controls --format json
ok "of both machines" holds "$work/out" '{r["control"]: (r["verdict"], r["built"]["answer"], r["fresh"]["answer"], r["built"]["instance"] != r["fresh"]["instance"]) for r in x if r["control"].startswith("EV-")} == {"EV-1": ("pass", "pass", "pass", True), "EV-2": ("drift", "pass", "fail", True)}'
"$bakery" show "$b" --controls --format xccdf >"$work/xccdf.xml"
ok "XCCDF fits its schema" valid /usr/share/openscap/schemas/xccdf/1.2/xccdf_1.2.xsd "$work/xccdf.xml"
ok "JUnit and SARIF" sh -c "'$bakery' show '$b' --controls --format junit | grep -q '<failure type=\"drift\" message=\"built: value 2; fresh: check exited' && '$bakery' show '$b' --controls --format sarif | grep -q '\"ruleId\": \"EV-2\"'"
ok "what differs" exits 0 "$bakery" diff "$a" "$b" --format json
cp "$work/out" "$work/diff.json"
ok "is the package, newer as dpkg has it" holds "$work/diff.json" '[(r["change"], r["name"], r["before"], r["after"]) for r in x["packages"]] == [("upgraded", "bakery-probe", "1.9", "1.10")]'
ok "the files" holds "$work/diff.json" '[(r["change"], r["name"]) for r in x["etc"] if not r.get("of_instance")] == [("removed", "/etc/evidence-lasts"), ("changed", "/etc/evidence.conf")] and [r["name"] for r in x["opt"]] == ["/opt/evidence/tool"] and any(r.get("of_instance") for r in x["etc"])'
ok "the control and the playbook" holds "$work/diff.json" '[(r["name"], r["before"], r["after"]) for r in x["controls"]] == [("EV-2", "pass", "drift")] and {"name": "playbooks.evidence.vars.version", "change": "changed", "before": "1.9", "after": "1.10"} in x["plan"]'
ok "for people" exits 0 "$bakery" diff "$b" "$a"
ok "it is a downgrade" says 'downgraded +bakery-probe +all +1.10 +1.9'
fits_models "${3:-}"
exit $failed
