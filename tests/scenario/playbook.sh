#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `bakery playbook` on a real machine of the sandbox, by way of a user who is not root: results, secrets, files both ways, sshd killed by a
# step, a restart of the machine. Arguments: bakery, the source tree.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
plan 37
# shellcheck disable=SC2086
sandbox_start $fast
mkdir -p "$work/project/playbooks" "$work/project/files"
cd "$work/project" || exit 1
echo '{}' >bakery.yaml

# --- a machine with a host key that is known beforehand
machine_start
ssh-keygen -q -t ed25519 -N '' -C other -f "$work/other" </dev/null
wait_for 60 admin true || { echo "Bail out! the machine does not answer"; exit 1; }
play() { book=$1; shift; "$bakery" playbook run "$book" --host "admin@$address" --key "$work/login" --known-hosts "$work/known_hosts" --format json "$@"; }

# --- one playbook with everything
printf 'plain\n' >files/plain
printf 'for {{ who }}\n' >files/template
head -c 5000000 /dev/urandom >files/big
cat >playbooks/everything.yaml <<'YAML'
playbook: 1
name: everything
vars: {who: nobody}
steps:
  - {id: who, run: 'id -u; echo $HOME', check: 'false || test -e /etc/everything', controls: [T-1], if: 'touch /etc/everything'}
  - {id: secret, secrets: [SCENARIO_SECRET], run: 'echo "the secret is $SCENARIO_SECRET"; printf %s "$SCENARIO_SECRET" | sha256sum >/root/secret.sum'}
  - upload: {from: ../files/plain, to: /etc/plain.conf, mode: "0640", owner: "root:adm"}
  - upload: {from: ../files/template, to: /srv/new/folder/, template: true}
  - upload: {from: ../files/big, to: /srv/big}
  - upload: {from: ../files, to: /srv/all, owner: "www-data:adm"}
  - id: sshd-killed
    run: |
      i=0
      while [ $i -lt 30 ]; do
        i=$((i+1)); echo "line $i"; sleep 0.05
        [ $i != 10 ] || pkill -9 -f 'sshd: admin'
      done
      echo ran >>/root/sshd-killed
  - {id: as-another, as: nobody, run: 'test "$(id -un)" = nobody'}
  - {id: make-private, run: 'umask 077; cp /srv/big /root/private'}
  - download: {from: /root/private, to: artifacts/}
  - {id: make-folder, run: 'umask 077; mkdir -p /root/logs/sub; cp /srv/big /root/logs/sub/; ln -s /etc/passwd /root/logs/link; echo log >/root/logs/log'}
  - download: {from: /root/logs, to: artifacts/}
  - {id: before, run: 'cat /proc/sys/kernel/random/boot_id >/root/before; touch /run/before'}
  - reboot: {timeout: 1m}
  - {id: after, check: 'test ! -e /run/before && ! grep -qx "$(cat /root/before)" /proc/sys/kernel/random/boot_id'}
  - {id: last, run: 'true'}
YAML
export SCENARIO_SECRET="it's 4 secret"
ok "a playbook with everything runs" exits 0 play everything --var who=everybody
cp "$work/out" "$work/rows.json"
ok "each step has its row" holds "$work/rows.json" 'len(x) == 16'
ok "changed, ok and unchanged are told apart" holds "$work/rows.json" '{r["step"].split("/")[1]: r["result"] for r in x}["who"] == "unchanged" and x[-2]["result"] == "ok" and x[-1]["result"] == "changed"'
ok "the restart is a step that changed" holds "$work/rows.json" '[r["result"] for r in x if "reboot" in r["step"]] == ["changed"]'
ok "the connection was taken up again" says 'connected again'
ok "the secret is not shown" says 'the secret is \[redacted\]'
ok "... nowhere" says_not '4 secret'
ok "... but was there" admin "sudo cat /root/secret.sum | grep -q $(printf %s "$SCENARIO_SECRET" | sha256sum | cut -c1-64)"
ok "an upload has its mode and owner" admin 'test "$(stat -c "%a %U:%G" /etc/plain.conf)" = "640 root:adm"'
ok "without an owner it is nothing of the login user's group" admin 'test "$(stat -c "%U:%G" /srv/new/folder/template)" = root:root'
ok "a folder is there with all in it" admin 'cmp /srv/big /srv/all/big && test "$(stat -c "%U:%G" /srv/all/plain)" = www-data:adm'
ok "a template is filled" admin 'grep -qx "for everybody" /srv/new/folder/template'
ok "a file that only root may read came back whole" cmp files/big artifacts/private
ok "a folder that only root may read came back whole, without its link" eval 'cmp files/big artifacts/logs/sub/big && test "$(ls -A artifacts/logs | tr "\n" " ")" = "log sub "'
ok "... and its step says so" eval 'says "artifacts/logs: 2 files, 1 folders, 5000004 bytes" && says "left out.*: ./link"'
ok "the step that killed sshd ran once" admin 'test "$(sudo cat /root/sshd-killed)" = ran'
for n in 1 10 11 30; do
  ok "its line $n was heard once" eval 'test "$(grep -c "| line $n\$" "$work/err")" = 1'
done
ok "nothing of the run is left there" admin 'test ! -e /run/bakery && ! ls -d .bakery-* 2>/dev/null | grep .'

# --- again, and only looking
ok "again it runs" exits 0 play everything --var who=everybody
ok "the uploads are unchanged now" holds "$work/out" '[r["result"] for r in x if "upload" in r["step"]] == ["unchanged"] * 4'
admin 'sudo sh -c "echo other >/etc/plain.conf; chmod 600 /srv/all/plain; sleep 0.1; touch /root/newer"'
ok "--dry-run exits with 0" exits 0 play everything --var who=everybody --dry-run
ok "... and tells what each step would do" holds "$work/out" '[r["result"] for r in x][:8] == ["unchanged", "would run", "would change", "unchanged", "unchanged", "would change", "would run", "would run"] and x[2]["why"].endswith("has other content") and x[-3]["result"] == "would run"'
ok "... and changes nothing" admin 'sudo sh -c "grep -qx other /etc/plain.conf && ! find /etc /srv -newer /root/newer ! -name everything | grep ."'

# --- a scratch machine of the sandbox
cat >playbooks/scratch.yaml <<'YAML'
playbook: 1
name: scratch
steps:
  - {id: mark, check: 'test -e /etc/mark', run: 'touch /etc/mark'}
YAML
scratch() { "$bakery" playbook run scratch --sandbox --format json "$@"; }
result_is() { holds "$work/out" "[r[\"result\"] for r in x] == [\"$1\"]"; }
ok "--sandbox needs no machine" eval 'exits 0 scratch --dry-run && result_is "would change" && exits 0 scratch && result_is changed'
ok "... the next run finds what the first did" eval 'exits 0 scratch && result_is unchanged'
ok "... --fresh does not" eval 'exits 0 scratch --fresh && result_is changed && exits 2 scratch --host admin@127.0.0.1 && exits 2 play scratch --fresh'

# --- what goes wrong
ssh-keygen -q -t rsa -b 2048 -N '' -f "$work/rsa" </dev/null
ok "a key of no use is named before anything is sent" eval 'exits 3 "$bakery" playbook run scratch --host "admin@$address" --key "$work/rsa" --known-hosts "$work/known_hosts" && says "is an RSA key" && exits 3 "$bakery" playbook run scratch --host "admin@$address" --key "$work/login.pub" --known-hosts "$work/known_hosts" && says "is a public key"'
ok "a missing secret stops it beforehand with exit 2" eval '(unset SCENARIO_SECRET; exits 2 play everything) && says "SCENARIO_SECRET for step everything/secret"'
cat >playbooks/failing.yaml <<'YAML'
playbook: 1
name: failing
steps:
  - {id: fine, run: 'true'}
  - {id: broken, run: 'echo what went wrong >&2; exit 7'}
  - {id: never, run: 'true'}
YAML
ok "a failing step: exit 1, where, why" eval 'exits 1 play failing && says "step failing/broken \(.*failing.yaml:5\): run exited with 7" && says "what went wrong" && holds "$work/out" "len(x) == 2"'
# A machine that is in others' hands: its tar says what they want it to.
mkdir evil && (cd evil && ln -s "$work" out && tar -cf ../evil.tar out && rm out && mkdir out && echo x >out/evil && tar -rf ../evil.tar out/evil && echo x >up && tar -Prf ../evil.tar --transform 's|up|../evil|' up)
cat >playbooks/evil.yaml <<'YAML'
playbook: 1
name: evil
steps:
  - upload: {from: ../evil.tar, to: /root/evil.tar}
  - {id: tar, run: 'printf "#!/bin/sh\nexec cat /root/evil.tar\n" >/usr/local/sbin/tar; chmod 755 /usr/local/sbin/tar'}
  - download: {from: /root/logs, to: taken}
YAML
ok "a machine that sends links and names that lead elsewhere is refused" eval 'exits 1 play evil && says "neither a file nor a folder: nothing of the folder is taken"'
ok "... and nothing is written" eval '[ ! -e taken ] && [ -z "$(find "$work" -name evil -type f ! -path "*/evil/*")" ]'
admin sudo rm /usr/local/sbin/tar
ok "another host key is refused with exit 4" eval 'echo "$address $(cat "$work/other.pub")" >"$work/wrong" && exits 4 play failing --known-hosts "$work/wrong" && says "not the expected one"'
ok "another login key is refused" eval 'exits 6 play failing --key "$work/other" && says "login as admin"'
ok "compile prints a program that sh can read" eval '"$bakery" playbook compile everything >"$work/program" && sh -n "$work/program" && grep -q "^step_14()" "$work/program" && ! grep -q "4 secret" "$work/program"'
exit $failed
