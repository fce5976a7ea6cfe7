#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Scanners on the instance of the test: their rules become evidence, waivers count, the gate judges, and nothing of them gets into the image. The first build has OpenSCAP
# itself, installed on its scan instance, with a data stream of three rules; else playbooks of the project write reports as Lynis and oscap do, so that no scanner and no
# content is downloaded (tests/bench/hardening.sh runs them all with their publishers' content). Arguments: bakery, the source tree.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
plan 15
project_make
# shellcheck disable=SC2086
sandbox_start $fast
cat >playbooks/scan-lynis.yaml <<'YAML'
playbook: 1
name: scan-lynis
vars: {report: x}
steps:
  - id: audited
    run: |
      touch /etc/scanner-was-here
      printf '%s\n' lynis_version=3.0.8 'warning[]=LOGG-2138|klogd is not running|-|-|' 'suggestion[]=BANN-7126|Add a legal banner|-|-|' hardening_index=66 \
        'tests_executed=LOGG-2138|BANN-7126|SSH-7404|' 'tests_skipped=MALW-3288|' finish=true >/var/tmp/report
  - {id: report, download: {from: /var/tmp/report, to: "{{ report }}"}}
YAML
cp "$source/tests/scenario/scan/three-rules.xml" recipes/
result() { echo "<rule-result idref=\"xccdf_org.ssgproject.content_rule_$1\" severity=\"$2\"><result>$3</result></rule-result>"; }
{
  echo '<Benchmark><Rule id="xccdf_org.ssgproject.content_rule_partition_for_var"><title>/var is a partition</title></Rule><TestResult>'
  result package_aide_installed medium pass
  result partition_for_var low fail
  result sshd_disable_root_login high fail
  result sysctl_kernel_yama medium notapplicable
  result other medium notselected
  echo '</TestResult></Benchmark>'
} >recipes/content.xml
scan() { # scan GATE WAIVED OPENSCAP: the recipe with it
  cat >recipes/scanned.yaml <<YAML
bakery: 1
name: scanned
extends: tiny
distribute: {regions: {}, share: {organization: false}}
waive:
  - {control: "$2", reason: one volume, expires: "2999-12-31"}
scan:
  scanner: [lynis, {kind: openscap, $3}]
  gate: $1
YAML
}

scan '{score: 60, pass: 50, high: 1}' xccdf_org.example_rule_nobody_is_there 'profile: xccdf_org.example_profile_three, datastream: three-rules.xml'
ok "the plan names scanners and gate" eval 'exits 0 "$bakery" plan scanned --sandbox && says "scanners: lynis, openscap:xccdf_org.example_profile_three" && says "gate: score at least 60, at least 50 % pass, at most 1 high"'
ok "an image is scanned and passes" exits 0 "$bakery" build scanned --sandbox -q
"$bakery" show --format json >"$work/show.json"
answers='{r["control"].split("_rule_")[-1]: r["answer"] for r in x["controls"] if r["phase"] == "scan"}'
ok "every rule is evidence" holds "$work/show.json" "$answers == {'lynis:LOGG-2138': 'fail', 'lynis:BANN-7126': 'fail', 'lynis:SSH-7404': 'pass', 'lynis:MALW-3288': 'skipped', 'lynis': 'pass', 'os_release_is_there': 'pass', 'nobody_is_there': 'waived', 'other_system': 'skipped', 'openscap:xccdf_org.example_profile_three': 'pass'}"
ok "... what a rule is called, and why it is waived" holds "$work/show.json" 'any(r["evidence"] == "waived until 2999-12-31: one volume; the scanner says fail: A file that nobody makes is there" for r in x["controls"])'
ok "... and what it comes to" holds "$work/show.json" 'sorted(r["evidence"] for r in x["controls"] if r["control"] == r["step"]) == ["1 of 1 rules pass (100.0%), 1 waived, 1 do not apply", "hardening index 66; 1 of 3 rules pass (33.3%), 0 waived, 1 do not apply; Lynis 3.0.8"]'
ok "the scanners' own reports are kept" holds "$work/show.json" '[d["name"] for d in x["documents"] if d["kind"] == "scan"] == ["lynis", "openscap:xccdf_org.example_profile_three"]'
ok "a person sees it" eval '"$bakery" show >"$work/out" && grep -Eq "lynis .*hardening index 66" "$work/out"'
ok "nothing is left of the reports on this host" eval '! ls lynis.dat openscap* 2>/dev/null | grep .'
cloud ec2 run-instances --image-id "$(json "$work/show.json" 'x["images"][0]["ami"]')" --instance-type m5.large >"$work/run.json"
instance=$(json "$work/run.json" 'x["Instances"][0]["InstanceId"]')
cloud ec2 wait instance-running --instance-ids "$instance"
ok "nothing of the scanners is in the image" eval '"$bakery" sandbox exec "$instance" -- test -e /etc/bakery-word -a ! -e /etc/scanner-was-here -a ! -e /var/tmp/report -a ! -e /var/tmp/bakery-scan -a ! -e /usr/bin/oscap'
cloud ec2 terminate-instances --instance-ids "$instance" >/dev/null

cat >playbooks/scan-openscap.yaml <<'YAML'
playbook: 1
name: scan-openscap
vars: {report: x, profile: x, datastream: ""}
steps:
  - {id: report, download: {from: "{{ datastream }}", to: "{{ report }}"}}
YAML
scan '{score: 85, pass: 90, high: 0}' openscap:partition_for_var 'profile: anssi_bp28_minimal, datastream: content.xml'
ok "a gate that is not passed refuses the image" exits 4 "$bakery" build scanned --sandbox -q
ok "... for its hardening index" says 'hardening index is 66, and 85 is wanted: lynis:LOGG-2138, lynis:BANN-7126'
ok "... for its rules, without those that are waived" eval 'says "50.0% of 2 rules pass, and 90% are wanted: xccdf_org.ssgproject.content_rule_sshd_disable_root_login" && says_not "partition_for_var"'
ok "... and for how grave they are" says '2 findings of high severity, and at most 0 are allowed: lynis:LOGG-2138, xccdf.*sshd_disable_root_login'
"$bakery" show --format json >"$work/show.json"
ok "... whose names may be short in a waiver" holds "$work/show.json" "{k: v for k, v in $answers.items() if not k.startswith('lynis')} == {'package_aide_installed': 'pass', 'partition_for_var': 'waived', 'sshd_disable_root_login': 'fail', 'sysctl_kernel_yama': 'skipped', 'openscap:anssi_bp28_minimal': 'fail'}"
for build in $("$bakery" history --status quarantined --format json | python3 -c 'import json,sys; [print(r["build"]) for r in json.load(sys.stdin)]'); do
  "$bakery" gc "$build" --yes --sandbox >/dev/null 2>&1
done
ok "nothing is left behind" wait_for 20 nothing_left
exit $failed
