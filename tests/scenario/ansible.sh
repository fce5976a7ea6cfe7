#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds with Debian's Ansible, on machines in FIPS mode as far as SSH goes: roles, handlers, templates, become; nothing changes the second time; killed in a task and gone on with; a task
# that fails; an instance without Python; what has changed since.
. "$2/tests/lib/scenario.sh"
command -v ansible-playbook >/dev/null || skip_all "Debian's ansible-core is not installed"
plan 31
project_make
mkdir -p "$XDG_RUNTIME_DIR"
# shellcheck disable=SC2086
sandbox_start $fast

# As a machine in FIPS mode: what RHEL 9's crypto policy FIPS leaves of sshd.
cat >recipes/fips.cloud-config <<'END'
#cloud-config
write_files:
  - path: /etc/ssh/sshd_config.d/00-fips.conf
    content: |
      KexAlgorithms ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512
      Ciphers aes256-gcm@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr
      MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512
      HostKeyAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512
      PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512
END
launch='' connect=''
recipe() { # recipe NAME ENTRY... -- VERIFY
  name=$1
  shift
  {
    printf 'bakery: 1\nname: %s\nsource:\n  ami: {owners: ["136693071363"], name: "debian-12-*"}\n' "$name"
    printf 'launch: {instance_types: [m5.large]%s}\nconnect: {user: admin, timeout: 1m%s}\ndeadline: 10m\nplaybooks:\n' "$launch" "$connect"
    while [ "$1" != -- ]; do echo "  - $1"; shift; done
    printf 'verify: %s\nimage: {name: "{{ recipe }}-{{ build }}"}\npublish: {channel: candidate}\n' "$2"
  } >"recipes/$name.yaml"
}
mkdir -p plays/roles/web/tasks plays/roles/web/handlers plays/roles/web/templates plays/group_vars check
cat >plays/site.yml <<'END'
- hosts: web
  become: true
  roles: [web]
  tasks:
    - name: waits
      shell: touch /run/slow-began; while [ -e /run/slow ] && [ ! -e /run/slow-go-on ]; do sleep 0.1; done
      changed_when: false
END
echo 'greeting: hello' >plays/group_vars/web.yml
cat >plays/roles/web/tasks/main.yml <<'END'
- name: the page is there
  template: {src: page.j2, dest: /etc/page, mode: "0640"}
  notify: reloaded
- name: nobody may read it
  command: cat /etc/page
  become_user: nobody
  register: reading
  changed_when: false
  failed_when: reading.rc == 0
END
echo '- {name: reloaded, shell: "echo reloaded >>/etc/page-reloads"}' >plays/roles/web/handlers/main.yml
echo '{{ greeting }} {{ whom }} from {{ ansible_distribution }}' >plays/roles/web/templates/page.j2
cat >check/check.yml <<'END'
- hosts: all
  become: true
  tasks:
    - {name: the page is read, command: cat /etc/page /etc/page-reloads, register: page, changed_when: false}
    - {name: it is right, assert: {that: page.stdout == "hello world from Debian\nreloaded"}}
END
site='{ansible: ../plays/site.yml, groups: [web], extra_vars: {whom: world}}'
printf 'playbook: 1\nname: hold\nsteps:\n  - {id: hold, run: "touch /run/slow"}\n' >playbooks/hold.yaml
launch=', user_data: fips.cloud-config' connect=', key_type: ecdsa'
recipe played hold "$site" "$site" -- '{playbooks: [{ansible: ../check/check.yml}]}'

launch='' connect=''

no_trace() { [ -z "$(ls -A "$XDG_RUNTIME_DIR")" ] && ! pgrep -f "$XDG_RUNTIME_DIR/bakery-ansible" >/dev/null; }
newest() { "$bakery" history --limit 1 --format json >"$work/history.json" && build=$(json "$work/history.json" 'x[0]["build"]'); }
steps() { newest && "$bakery" show "$build" --format json >"$work/show.json" && holds "$work/show.json" "$1"; }
running() { "$bakery" sandbox status --format json >"$work/status.json" && instance=$(json "$work/status.json" '[i["instance"] for i in x["instances"] if i["state"] == "running"][0]'); }
waits() { running && "$bakery" sandbox exec "$instance" -- test -e /run/slow-began; }

new_waits() { waits && [ "$instance" != "$before" ]; }

mkdir -p broken
cat >broken/broken.yml <<'END'
- hosts: all
  become: true
  gather_facts: false
  tasks:
    - {name: fine, command: "true"}
    - name: breaks
      command: sh -c 'echo what went wrong >&2; exit 7'
END
recipe broken '{ansible: ../broken/broken.yml}' -- false

# --- before anything is made
ok "validate reads it" exits 0 "$bakery" validate broken
sed -i.kept 's/command: sh/commend: sh/' broken/broken.yml
ok "and finds what Ansible cannot read" exits 3 "$bakery" validate broken
ok "... with the recipe's place and Ansible's words" says 'recipes/broken.yaml:9: ansible: .*broken/broken.yml: ERROR! .*commend'
mv broken/broken.yml.kept broken/broken.yml
ok "without Ansible on this host, the plan says what to install" eval '
  mkdir "$work/path" && for tool in git sh ssh; do ln -s "$(command -v $tool)" "$work/path/"; done
  PATH=$work/path exits 0 "$bakery" plan broken --sandbox && says "apt-get install ansible-core"'
ok "... and nothing is begun" eval 'PATH=$work/path exits 2 "$bakery" build broken --sandbox && says "ansible-playbook is not on this host" && nothing_left'

# --- a build that is killed while a task runs
ok "a plan is made" exits 0 "$bakery" plan played --sandbox --out "$work/plan.json"
"$bakery" build --plan "$work/plan.json" --sandbox >"$work/out" 2>"$work/err" &
pid=$!
ok "a task runs" wait_for 60 waits
ok "... where sshd offers what FIPS 140 admits, alone" eval '"$bakery" sandbox exec "$instance" -- /usr/sbin/sshd -T >"$work/sshd" && grep -qx "ciphers aes256-gcm@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr" "$work/sshd" && ! grep -E "^(hostkey|pubkeyaccepted)algorithms .*ed25519" "$work/sshd"'
ok "the key is with an agent, and nowhere else" eval '[ -S "$XDG_RUNTIME_DIR"/bakery-ansible-*/agent ] && ! grep -rqs "PRIVATE KEY" "$XDG_RUNTIME_DIR"'
kill -9 $pid
wait $pid 2>/dev/null
ok "killed, Ansible and the agent end, too" wait_for 20 no_trace
before=$instance
"$bakery" resume --sandbox >"$work/out" 2>"$work/err" &
pid=$!
ok "resume begins on a new instance" eval 'wait_for 60 new_waits && says "$before is not gone on with: an Ansible playbook was cut off"'
"$bakery" sandbox exec "$instance" -- touch /run/slow-go-on
wait "$pid"
ok "and ends well" test $? = 0
ok "all tasks are in the record, with their place" steps '{"changed": "plays/roles/web/tasks/main.yml:1"} == {s["result"]: "%s:%s" % (s["file"], s["line"]) for s in x["steps"] if s["step"] == "plays/site.yml/web : the page is there" and s["result"] == "changed"}'
ok "the handler ran once" holds "$work/show.json" '[s["result"] for s in x["steps"] if s["step"].endswith("web : reloaded")] == ["changed"]'
ok "nothing changed the second time" holds "$work/show.json" '{s["result"] for s in x["steps"] if s["playbook"] == "plays/site.yml (2)"} == {"ok", "unchanged"}'
ok "the fresh instance was looked at" holds "$work/show.json" '[s["result"] for s in x["steps"] if s["phase"] == "verify"][-3:] == ["unchanged", "ok", "unchanged"]'
ok "its output is in the log" eval 'exits 0 "$bakery" log "$build" && says "hello world from Debian"'
ok "nothing is left here" no_trace
ok "nor there" nothing_left

# --- what has changed since
ok "nothing has: nothing is baked" eval 'exits 0 "$bakery" build played --sandbox --if-changed && says "playbooks and source image"'
echo '{{ greeting }}, {{ whom }}' >plays/roles/web/templates/page.j2
ok "a template has" eval 'exits 7 "$bakery" build played --sandbox --if-changed --until prepare && says "playbook plays/site.yml changed"'
ok "and the plan of before is not baked" eval 'exits 1 "$bakery" build --plan "$work/plan.json" --sandbox && says "site.yml has changed since the plan was made"'

# --- what fails
ok "a task that fails ends the build" exits 1 "$bakery" build broken --sandbox
ok "... where it stands, and why" says 'Ansible playbook broken/broken.yml: step broken/broken.yml/breaks \(broken/broken.yml:6\): exited with 7'
ok "... with its output" says 'what went wrong'
ok "... in the record" steps '[(s["result"], s["exit_status"]) for s in x["steps"]] == [("changed", 0), ("failed", 7), ("failed", 0)]'
ok "nothing is left" eval 'no_trace && nothing_left'
printf 'playbook: 1\nname: bare\nsteps:\n  - {id: bare, run: "rm /usr/bin/python3*"}\n' >playbooks/bare.yaml
recipe bare bare '{ansible: ../broken/broken.yml}' -- false
ok "an instance without Python fails" exits 1 "$bakery" build bare --sandbox
ok "... with what to do" says 'has no Python, .* put the playbook `python` before'
ok "nothing is left" eval 'no_trace && nothing_left'
fits_models "$3"
exit $failed
