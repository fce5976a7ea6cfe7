#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the playbook harden-pam makes of PAM's stacks, on a real machine of the sandbox: who is locked out and who must not be, whether a second factor is still asked for, and what the age of
# a password stops. Nothing is installed for it. Arguments: bakery, the source tree.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
plan 13
# shellcheck disable=SC2086
sandbox_start $fast
mkdir -p "$work/project/playbooks"
cd "$work/project" || exit 1
echo '{}' >bakery.yaml
cat >playbooks/passwords.yaml <<'YAML'
playbook: 1
name: passwords
steps:
  - include: harden-pam
    vars: {install_packages: "no", faillock_deny: "1"}
YAML
machine_start
wait_for 60 admin true || { echo "Bail out! the machine does not answer"; exit 1; }
play() { "$bakery" playbook run passwords --host "admin@$address" --key "$work/login" --known-hosts "$work/known_hosts" --format json; }
root() { "$bakery" sandbox exec "$instance" -- sh -c "$1"; }
# Not by su: its account phase would take the count back.
sudo_as_bob() { root "echo $1 | setpriv --reuid bob --regid bob --init-groups sudo -k -S -p '' id -u"; }
fails() { ! "$@"; }
count() { [ "$(root 'faillock --user bob' | grep -c '^[0-9]')" = "$1" ]; }
password_of_two_years() { root "chage -d 2020-01-01 -M 365 -I 45 $1"; }

ok "the stacks are made" exits 0 play
ok "... once" eval 'exits 0 play && holds "$work/out" "all(r[\"result\"] != \"changed\" for r in x)"'
root 'useradd -m bob && echo bob:first.Right-Password1 | chpasswd && echo "bob ALL=(ALL:ALL) ALL" >/etc/sudoers.d/bob'

ok "a right password is taken" sudo_as_bob first.Right-Password1
root 'cp /etc/pam.d/sudo /root/sudo.pam && echo "auth requisite pam_deny.so" >>/etc/pam.d/sudo'
ok "a second factor behind common-auth is asked for" fails sudo_as_bob first.Right-Password1
root 'cp /root/sudo.pam /etc/pam.d/sudo'
root 'faillock --user bob --reset'

ok "a wrong password is refused" fails sudo_as_bob wrong
ok "... and counted" count 1
ok "the right one is refused then, too" fails sudo_as_bob first.Right-Password1
ok "... which is not counted" count 1
ok "when the lock is off it is taken" eval 'root "faillock --user bob --reset" && sudo_as_bob first.Right-Password1'

password_of_two_years bob
ok "an expired password is refused" fails sudo_as_bob first.Right-Password1
password_of_two_years root
ok "root's expired password stops nothing that asks for none" root 'su root -c true </dev/null'
password_of_two_years admin
ok "nor the login user's a key" admin true
ok "but the end of an account does" eval 'root "chage -E 1 admin" && fails admin true'
