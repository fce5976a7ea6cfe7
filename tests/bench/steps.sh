#!/bin/sh
# What steps cost: forty trivial ones (20 commands, 20 line-in-file edits) by bakery, by Debian's ansible-playbook (pipelining on) and by forty commands over one connection of plain OpenSSH, on one machine
# of the sandbox in one run; the same from 100 ms away; and 200 MB beside scp and sftp.
#
#     tests/bench/steps.sh [BUILD_FOLDER]      (default: build; a release build without sanitizers)
#
# Prints figures and ratios; it judges nothing. Everything runs on one host, so the machine and its clients share its processors.
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
# Turn and turn about, since a host is seldom as busy now as it was a moment ago; of each the best.
cat >"$work/best.py" <<'END'
import subprocess, sys, time
prepare, rounds, commands = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
best = [None] * len(commands)
for _ in range(rounds):
    for i, command in enumerate(commands):
        subprocess.run(["sh", "-c", prepare], check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        done = subprocess.run(command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        took = time.monotonic() - began
        if done.returncode:
            sys.stderr.write(done.stdout.decode(errors="replace"))
            sys.exit("%s: exit %d" % (command, done.returncode))
        best[i] = took if best[i] is None else min(best[i], took)
print(*("%.3f" % seconds for seconds in best))
END
best() { python3 "$work/best.py" "$@"; } # best PREPARE ROUNDS COMMAND...
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

compare() { # compare WAY ROUNDS
  # shellcheck disable=SC2046
  set -- "$1" $(best "$anew; rm -rf $work/cp" "$2" "./by-bakery $1 forty" "./by-bakery $1 one" "./by-openssh $1" ${with_ansible:+"./by-ansible $1"})
  bakery_s=$2 one_s=$3
  echo "  bakery             $2 s   (one step: $3 s, so each further one $(python3 -c "print('%.1f' % (($2 - $3) * 1000 / 39))") ms)"
  echo "  plain OpenSSH      $4 s   $(over "$4" "$2") times bakery's"
  [ -z "$with_ansible" ] || echo "  ansible-playbook   $5 s   $(over "$5" "$2") times bakery's"
}
echo "40 steps (20 commands, 20 lines in a file) as root, by way of sudo, connection and all:"
compare near 4
echo "the same from 100 ms away:"
compare far 2
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
# shellcheck disable=SC2046
set -- $(best "$gone" 4 "./by-bakery near big" ./by-sftp ./by-scp)
echo "200 MB to the machine:"
echo "  bakery (upload, put in place as root and compared)   $1 s"
echo "  sftp   $2 s   bakery's is $(over "$1" "$2") times that"
echo "  scp    $3 s   bakery's is $(over "$1" "$3") times that"
