#!/bin/sh
# What steps cost: forty trivial ones (20 commands, 20 line-in-file edits) by bakery, by Debian's ansible-playbook (pipelining on) and by forty commands over one connection of plain OpenSSH, on one machine
# of the sandbox in one run; the same from 100 ms away; and 200 MB beside scp and sftp.
#
#     tests/bench/steps.sh [BUILD_FOLDER]      (default: build; a release build without sanitizers)
#
# Prints figures and ratios, the best of three runs each; it judges nothing. Everything runs on one host, so the machine and its clients share its processors.
# The way of 100 ms is a proxy (far.py): many kernels have no netem, and the sandbox's own network ends TCP on this host.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
bakery=$build/bakery
ninja -C "$build" --quiet bakery
work=$(mktemp -d /var/tmp/bakery-steps.XXXXXX)
export BAKERY_STORE=$work/bakery.db BAKERY_SANDBOX=$work/sandbox NO_COLOR=1 AWS_EC2_METADATA_DISABLED=true
proxies=
bench_end() {
  for proxy in $proxies; do kill "$proxy" 2>/dev/null || true; done
  for at in near far; do ssh -O exit -F "$work/ssh.conf" $at >/dev/null 2>&1 || true; done
  "$bakery" sandbox down >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap bench_end EXIT
trap 'exit 130' INT TERM

# --- a machine, and two ways to it: near, and 100 ms away
mkdir -p "$work/project/playbooks"
cd "$work/project"
: >bakery.yaml
"$bakery" sandbox up --set latency.launch=100ms --set latency.terminate=50ms >/dev/null 2>&1
eval "$("$bakery" sandbox env)"
cloud() { AWS_PAGER='' /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; }
for key in host login; do ssh-keygen -q -t ed25519 -N '' -C $key -f "$work/$key" </dev/null; done
python3 - "$work" >"$work/user-data" <<'END'
import json, sys
read = lambda name: open(f"{sys.argv[1]}/{name}").read()
print("#cloud-config")
print(json.dumps({"ssh_keys": {"ed25519_private": read("host"), "ed25519_public": read("host.pub").strip()}, "ssh_deletekeys": True,
                  "ssh_authorized_keys": [read("login.pub").strip()]}))
END
ami=$(cloud ec2 describe-images --owners 136693071363 --filters 'Name=name,Values=debian-12-amd64-*' --query 'sort_by(Images,&CreationDate)[-1].ImageId')
instance=$(cloud ec2 run-instances --image-id "$ami" --instance-type m5.large --user-data "file://$work/user-data" --query 'Instances[0].InstanceId')
cloud ec2 wait instance-running --instance-ids "$instance"
address=$(cloud ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].PublicIpAddress')
python3 "$source/tests/bench/far.py" "$work/far.port" "$address" 22 100 &
proxies=$!
while [ ! -s "$work/far.port" ]; do sleep 0.1; done
far_port=$(cat "$work/far.port")
{ echo "$address $(cat "$work/host.pub")"; echo "[127.0.0.1]:$far_port $(cat "$work/host.pub")"; } >"$work/known_hosts"
cat >"$work/ssh.conf" <<END
Host near
  HostName $address
Host far
  HostName 127.0.0.1
  Port $far_port
Host *
  User admin
  IdentityFile $work/login
  IdentitiesOnly yes
  UserKnownHostsFile $work/known_hosts
  BatchMode yes
  LogLevel ERROR
  ControlPath $work/ctl-%n
END
until ssh -F "$work/ssh.conf" near true 2>/dev/null; do sleep 0.2; done
inside() { "$bakery" sandbox exec "$instance" -- "$@"; }

# --- the same forty steps in three languages
{
  printf 'playbook: 1\nname: forty\nsteps:\n'
  for n in $(seq 20); do printf '  - {id: command-%d, run: "/bin/true %d"}\n' "$n" "$n"; done
  for n in $(seq 20); do printf '  - {id: line-%d, check: "grep -qx line-%d /etc/bench", run: "echo line-%d >>/etc/bench"}\n' "$n" "$n" "$n"; done
} >playbooks/forty.yaml
{
  printf 'playbook: 1\nname: one\nsteps:\n  - {id: command, run: "/bin/true"}\n'
} >playbooks/one.yaml
{
  printf -- '- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n'
  for n in $(seq 20); do printf '    - {name: command-%d, ansible.builtin.command: "/bin/true %d"}\n' "$n" "$n"; done
  for n in $(seq 20); do printf '    - {name: line-%d, ansible.builtin.lineinfile: {path: /etc/bench, line: line-%d, create: true}}\n' "$n" "$n"; done
} >forty-ansible.yaml
{
  echo "all: {hosts: {target: {ansible_user: admin, ansible_ssh_private_key_file: $work/login, ansible_python_interpreter: /usr/bin/python3}}}"
} >inventory.yaml
cat >ansible.cfg <<END
[defaults]
local_tmp = $work/ansible
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=$work/known_hosts
control_path_dir = $work/cp
END

# --- measuring
cat >"$work/best.py" <<'END'
import os, subprocess, sys, time
prepare, runs, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
best = None
for _ in range(runs):
    subprocess.run(["sh", "-c", prepare], check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    took = time.monotonic() - began
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        sys.exit("%s: exit %d" % (command[0], done.returncode))
    best = took if best is None else min(best, took)
print("%.3f" % best)
END
best() { python3 "$work/best.py" "$@"; } # best PREPARE RUNS COMMAND...
over() { python3 -c 'import sys; print("%.2f" % (float(sys.argv[1]) / float(sys.argv[2])))' "$1" "$2"; }
anew="$bakery sandbox exec $instance -- sh -c ': >/etc/bench'"

cat >by-bakery <<END
#!/bin/sh
case \$1 in near) at=$address port=22 ;; far) at=127.0.0.1 port=$far_port ;; esac
exec "$bakery" playbook run "\$2" --host "admin@\$at" --port \$port --key "$work/login" --known-hosts "$work/known_hosts" --format json -q
END
cat >by-openssh <<END
#!/bin/sh
set -e
ssh -F "$work/ssh.conf" -o ControlMaster=yes -fN "\$1"
n=0
while [ \$n -lt 20 ]; do n=\$((n + 1)); ssh -F "$work/ssh.conf" "\$1" sudo -n /bin/true \$n; done
n=0
while [ \$n -lt 20 ]; do n=\$((n + 1)); ssh -F "$work/ssh.conf" "\$1" "sudo -n sh -c 'grep -qx line-\$n /etc/bench || echo line-\$n >>/etc/bench'"; done
ssh -F "$work/ssh.conf" -O exit "\$1" 2>/dev/null
END
cat >by-ansible <<END
#!/bin/sh
case \$1 in near) at=$address port=22 ;; far) at=127.0.0.1 port=$far_port ;; esac
exec ansible-playbook -i inventory.yaml -e "ansible_host=\$at ansible_port=\$port" forty-ansible.yaml
END
chmod +x by-bakery by-openssh by-ansible

with_ansible=
if command -v ansible-playbook >/dev/null 2>&1; then
  inside sh -c 'command -v python3 >/dev/null || { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends python3; }' >"$work/apt.log" 2>&1 &&
    with_ansible=yes || echo "ansible: the machine got no python3; not compared"
else
  echo "ansible: ansible-playbook is not installed (Debian's ansible-core); not compared"
fi

compare() { # compare WAY
  bakery_s=$(best "$anew" 3 ./by-bakery "$1" forty)
  one_s=$(best true 3 ./by-bakery "$1" one)
  openssh_s=$(best "$anew" 3 ./by-openssh "$1")
  echo "  bakery             $bakery_s s   (one step: $one_s s, so each further one $(python3 -c "print('%.1f' % (($bakery_s - $one_s) * 1000 / 39))") ms)"
  echo "  plain OpenSSH      $openssh_s s   $(over "$openssh_s" "$bakery_s") times bakery's"
  [ -n "$with_ansible" ] || return 0
  runs=$([ "$1" = far ] && echo 1 || echo 2)
  rm -rf "$work/cp"
  ansible_s=$(best "$anew; rm -rf $work/cp" "$runs" ./by-ansible "$1")
  echo "  ansible-playbook   $ansible_s s   $(over "$ansible_s" "$bakery_s") times bakery's"
}
echo "40 steps (20 commands, 20 lines in a file) as root, by way of sudo, connection and all:"
compare near
echo "the same from 100 ms away:"
compare far
python3 -c "print('  bakery, forty steps: %.1f round trips in all, %.2f a step; each further step %.2f' % ($bakery_s / 0.1, $bakery_s / 0.1 / 40, ($bakery_s - $one_s) / 0.1 / 39))"

# --- 200 MB
head -c 200000000 /dev/urandom >"$work/project/big"
printf 'playbook: 1\nname: big\nsteps:\n  - upload: {from: ../big, to: /srv/big}\n' >playbooks/big.yaml
printf 'put %s /home/admin/big\n' "$work/project/big" >batch
cat >by-sftp <<END
#!/bin/sh
sftp -q -F "$work/ssh.conf" -b batch near
END
cat >by-scp <<END
#!/bin/sh
scp -q -F "$work/ssh.conf" "$work/project/big" near:big
END
chmod +x by-sftp by-scp
gone="$bakery sandbox exec $instance -- rm -f /srv/big /home/admin/big"
upload_s=$(best "$gone" 3 ./by-bakery near big)
sftp_s=$(best "$gone" 3 ./by-sftp)
scp_s=$(best "$gone" 3 ./by-scp)
echo "200 MB to the machine:"
echo "  bakery (upload, put in place as root and compared)   $upload_s s"
echo "  sftp   $sftp_s s   bakery's is $(over "$upload_s" "$sftp_s") times that"
echo "  scp    $scp_s s   bakery's is $(over "$upload_s" "$scp_s") times that"
