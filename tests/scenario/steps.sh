#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What steps may do to a real machine and to the connection: hang, close what they were given, talk without end, fill the disk, fill the runner's own folder, kill the sshd
# that serves them. Arguments: bakery, the source tree.
. "$(dirname "$0")/../lib/scenario.sh"
[ -x /usr/bin/aws ] || skip_all "Debian's awscli is not installed"
plan 28
# shellcheck disable=SC2086
sandbox_start $fast
mkdir -p "$work/project/playbooks"
cd "$work/project" || exit 1
echo '{}' >bakery.yaml

# --- a machine with a host key that is known beforehand
machine_start
inside() { "$bakery" sandbox exec "$instance" -- "$@"; }
# Only this host may mount something in a machine; it goes with the machine.
in_its_mounts() {
  inside touch "/run/this-is-$instance"
  for pid in $(pgrep -f /run/sandbox/init); do
    if [ -e "/proc/$pid/root/run/this-is-$instance" ]; then
      nsenter --mount --target "$pid" "$@"
      return
    fi
  done
  return 1
}
small_disk() { # small_disk SIZE PATH
  inside mkdir -m 700 -p "$2" && in_its_mounts mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" || echo "# no small disk"
}
no_disk() { in_its_mounts umount "$1"; }
wait_for 60 admin true || { echo "Bail out! the machine does not answer"; exit 1; }
play() { book=$1; shift; "$bakery" playbook run "$book" --host "admin@$address" --key "$work/login" --known-hosts "$work/known_hosts" --format json "$@"; }
book() { # book NAME: its steps come on standard input
  { printf 'playbook: 1\nname: %s\nsteps:\n' "$1"; cat; } >"playbooks/$1.yaml"
}
gone() { ! admin "pgrep -f '$1'" | grep -q .; }

# --- a step that hangs
book hanging <<'YAML'
  - {id: fine, run: 'true'}
  - {id: hangs, timeout: 3s, run: 'echo begun; trap "" TERM; sleep 6543 & sleep 6544'}
  - {id: never, run: 'touch /root/never'}
YAML
ok "a step that hangs fails" exits 1 play hanging
ok "... and says that it took too long, and where" says 'hanging/hangs .*hanging.yaml:5.*(timeout|took longer|3 ?s)'
ok "... with what it said" says 'begun'
ok "all that it started is ended" wait_for 10 gone 'sleep 654[34]'
ok "the step after it did not run" inside test ! -e /root/never

# --- a step that closes what it was given
book closing <<'YAML'
  - id: closes
    run: |
      for n in 0 1 2 3 4 5 6 7 8 9; do eval "exec $n>&-"; done
      sleep 1
      touch /root/closed
  - {id: after, run: 'echo heard again', check: 'test -e /root/closed && test -e /root/again || { touch /root/again; false; }'}
YAML
ok "a step that closes its descriptors is a step like another" exits 0 play closing
ok "it ran, and the next one is heard" eval 'inside test -e /root/closed && says "heard again"'

# --- many megabytes
book talking <<'YAML'
  - {id: talks, run: 'head -c 50000000 /dev/zero | tr "\0" x | fold -w 99; echo the last word'}
  - {id: both, run: 'seq 1 200000; seq 1 200000 >&2'}
YAML
cat >"$work/measure.py" <<'PY'
import os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
with open(os.environ["MEASURED"], "w") as out:
    print('{"seconds": %.1f, "mib": %.1f}' % (time.monotonic() - began, usage.ru_maxrss / 1024), file=out)
sys.exit(os.waitstatus_to_exitcode(status))
PY
export MEASURED="$work/measured.json"
ok "50 MB of output pass" exits 0 python3 "$work/measure.py" "$bakery" playbook run talking --host "admin@$address" --key "$work/login" --known-hosts "$work/known_hosts" --format json -q
most_mib=64
ldd "$bakery" | grep -q libasan && most_mib=640 # the sanitizer keeps what was freed, up to 256 MiB, and shadows all
ok "in bounded memory" holds "$MEASURED" "x[\"mib\"] < $most_mib"
ok "in bounded time" holds "$MEASURED" 'x["seconds"] < 90'
echo "# $(cat "$MEASURED")"

# --- the sshd that serves it is killed, and another one comes
book unserved <<'YAML'
  - id: kills-sshd
    run: |
      echo before
      pkill -9 -x sshd
      sleep 2
      echo while nobody listens
      touch /run/sshd-wanted
      sleep 1
      echo ran >>/root/unserved
  - {id: after, run: 'echo heard after'}
YAML
killed_and_back() {
  play unserved >"$work/out" 2>"$work/err" &
  playing=$!
  wait_for 60 inside test -e /run/sshd-wanted && inside /usr/sbin/sshd && wait $playing
}
ok "sshd is killed in the middle of a step, and comes back" killed_and_back
ok "what it said while nobody listened is heard" says 'while nobody listens'
ok "it ran once" eval 'test "$(inside cat /root/unserved)" = ran'

# --- sudo that wants a terminal, nothing that may be executed where files are made, another login shell
mkdir -p files/tree/sub
echo one >files/tree/one
printf '#!/bin/sh\necho two\n' >files/tree/sub/two
chmod 755 files/tree/sub/two
book unusual <<'YAML'
  - {id: who, run: 'id -u; echo loud >&2'}
  - {id: nobody, as: nobody, run: 'id -un'}
  - {id: no-exec, check: 'cp /bin/true /tmp/true && ! /tmp/true 2>/dev/null'}
  - upload: {from: ../files/tree, to: /srv/tree}
  - {id: two, check: 'test "$(/srv/tree/sub/two)" = two'}
YAML
inside sh -c 'echo "Defaults requiretty" >/etc/sudoers.d/unusual; chmod 440 /etc/sudoers.d/unusual; usermod -s /bin/dash admin; mkdir -p -m 700 /run/bakery'
for folder in /tmp /var/tmp /run/bakery; do in_its_mounts mount -t tmpfs -o noexec,mode=1777 tmpfs $folder; done
inside chmod 700 /run/bakery
ok "sudo refuses without a terminal there" eval '! admin sudo -n true'
ok "requiretty, noexec and dash: a playbook runs" exits 0 play unusual
ok "... with stdout and stderr apart" says '! loud'
inside rm /etc/sudoers.d/unusual
for folder in /tmp /var/tmp /run/bakery; do no_disk $folder; done

# --- sshd comes back with nothing but FIPS 140's ciphers, exchanges and codes, in the middle of a step
book fips <<'YAML'
  - id: restarts-sshd
    run: |
      set -e
      printf 'Ciphers aes256-gcm@openssh.com,aes256-ctr\nMACs hmac-sha2-256,hmac-sha2-512\nKexAlgorithms ecdh-sha2-nistp256,ecdh-sha2-nistp384\n' \
        >/etc/ssh/sshd_config.d/00-fips.conf
      /usr/sbin/sshd -t
      echo before
      pkill -9 -x sshd
      /usr/sbin/sshd
      sleep 1
      echo ran >>/root/fips
  - {id: effective, check: '/usr/sbin/sshd -T | grep -x "macs hmac-sha2-256,hmac-sha2-512"'}
  - upload: {from: ../files/tree/one, to: /srv/over-fips}
YAML
ok "sshd restarted with another configuration by a step" exits 0 play fips
ok "... which ran once, and all after it is heard" eval 'test "$(inside cat /root/fips)" = ran && holds "$work/out" "len(x) == 3" && says "connected again"'
ok "a playbook runs where only FIPS's algorithms are offered" exits 0 play unusual --dry-run

# --- a step that fills a disk
small_disk 1m /srv/small
book filling <<'YAML'
  - {id: fills, run: 'head -c 5000000 /dev/zero >/srv/small/file'}
YAML
ok "a step that fills the disk fails" exits 1 play filling
ok "... and says so" says 'No space left on device'

# --- the runner's own folder is full
small_disk 300k /run/bakery
book flooding <<'YAML'
  - {id: floods, run: 'echo the beginning; head -c 3000000 /dev/zero | tr "\0" y | fold -w 99; echo the end'}
  - {id: after, run: 'touch /root/after-flood'}
YAML
ok "where the output finds no room, it ends within its time" exits 1 timeout 120 "$bakery" playbook run flooding --host "admin@$address" --key "$work/login" --known-hosts "$work/known_hosts" --format json
ok "... and says that the disk is full" says 'No space left|disk.* full|file system.* full'
ok "the machine still answers" admin true
no_disk /run/bakery
small_disk 8k /run/bakery
inside sh -c 'cat /dev/zero >/run/bakery/filled 2>/dev/null; true'
ok "where there is no room at all, another place is taken" exits 0 play closing
small_disk 8k /var/tmp
inside sh -c 'cat /dev/zero >/var/tmp/filled 2>/dev/null; true'
ok "... and where that one is full, too, it says so" eval "exits 1 play closing && says 'neither /run nor /var/tmp is writable and has room'"
no_disk /var/tmp
no_disk /run/bakery
ok "with room again all is well" exits 0 play closing
ok "nothing of the runs is left there" eval 'inside sh -c "! ls -A /run/bakery 2>/dev/null | grep ."'
exit $failed
