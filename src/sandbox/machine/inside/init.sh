#!/bin/sh
# The init of a sandbox machine: what systemd and cloud-init do at boot, as far as a golden image's baking and testing can tell.
# Runs as root inside the machine, is not part of its file system, and is followed on the console.
# /run/sandbox/settings (made for each boot) says which instance this is and holds its user data, taken apart.
#
# Ends with 129 when the machine is to be booted again, with 130 when it is to be off, with 0 when its keeper asked for the end.
# shellcheck disable=SC1091,SC2154,SC2317
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
cd /
read -r booted _ </proc/uptime
cloud=/var/lib/cloud
. /run/sandbox/settings

uptime() {
	read -r now _ </proc/uptime
	awk -v a="$booted" -v b="$now" 'BEGIN { printf "%.2f", b - a }' 2>/dev/null || echo 0
}

say_cloud_init() { printf "[%12s] cloud-init[%s]: %s\n" "$(uptime)" "$$" "$*"; }
log_cloud_init() { printf '%s - %s\n' "$(date '+%Y-%m-%d %H:%M:%S,000')" "$*" >>/var/log/cloud-init.log; }
warn() {
	say_cloud_init "WARNING: $*"
	log_cloud_init "cloud-init[WARNING]: $*"
}

# put PATH MODE OWNER [append]: stdin becomes the file.
put() {
	mkdir -p "$(dirname "$1")"
	if [ -n "$4" ]; then cat >>"$1"; else cat >"$1"; fi
	chmod "$2" "$1" && chown "$3" "$1"
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qy "$@" || warn "Failed to $1 packages"; }

prepare() {
	mkdir -p /run/sshd /run/lock /dev/shm
	chmod 1777 /run/lock /dev/shm
	[ -p /run/initctl ] || mkfifo -m 600 /run/initctl
	: >/run/utmp
	# As systemd-tmpfiles does at each boot of a Debian.
	mkdir -p /tmp
	find /tmp -mindepth 1 -delete 2>/dev/null
	chmod 1777 /tmp
}

resolver() {
	file=/etc/resolv.conf
	if [ -L "$file" ]; then
		file=$(readlink -m "$file")
		case $file in /run/*) mkdir -p "$(dirname "$file")" ;; *) return ;; esac
	fi
	[ "$(cat "$file" 2>/dev/null)" = "$name_servers" ] || printf '%s\n' "$name_servers" >"$file"
}

# As systemd-sysctl does, and procps before version 4 does not.
sysctl_patterns() {
	cat /usr/lib/sysctl.d/*.conf /etc/sysctl.d/*.conf | sed -n 's/^-\{0,1\}\([^#; =]*\*[^ =]*\) *= *\(.*\)/\1 \2/p' |
		while read -r name value; do
			for live in /proc/sys/$(echo "$name" | tr . /); do [ ! -w "$live" ] || echo "$value" >"$live"; done
		done
}

machine_id() {
	id=
	[ ! -f /etc/machine-id ] || read -r id </etc/machine-id
	case $id in
	'' | uninitialized)
		tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
		chmod 0444 /etc/machine-id
		;;
	esac
}

names() {
	echo "$hostname" >/etc/hostname
	cat >/etc/hosts <<EOF
# Your system has configured 'manage_etc_hosts' as True.
# As a result, if you wish for changes to this file to persist
# then you will need to make changes to the user data of the instance.
#
127.0.1.1 $hostname $hostname
127.0.0.1 localhost

# The following lines are desirable for IPv6 capable hosts
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
EOF
}

remember_instance() {
	previous=$(cat $cloud/data/instance-id 2>/dev/null || echo NO_PREVIOUS_INSTANCE_ID)
	home=$cloud/instances/$instance
	mkdir -p $cloud/data $cloud/handlers $cloud/seed $cloud/sem "$home/sem" "$home/scripts" "$home/handlers" \
		$cloud/scripts/per-boot $cloud/scripts/per-instance $cloud/scripts/per-once $cloud/scripts/vendor
	ln -sfn "$home" $cloud/instance
	echo "$previous" >$cloud/data/previous-instance-id
	echo 'DataSourceEc2Local: DataSourceEc2Local' >"$home/datasource"
	(umask 077 && user_data >"$home/user-data.txt")
}

create_user() {
	groups=
	for group in adm dialout cdrom floppy sudo audio dip video plugdev netdev wheel; do
		! grep -q "^$group:" /etc/group || groups=$groups,$group
	done
	useradd --create-home --shell /bin/bash --groups "${groups#,}" "$login_user" && passwd -l "$login_user" >/dev/null
}

add_line() { grep -qxF "$2" "$1" 2>/dev/null || printf '%s\n' "$2" >>"$1"; }

login() {
	id "$login_user" >/dev/null 2>&1 || create_user || warn "cannot create the user $login_user"
	rules=/etc/sudoers.d/90-cloud-init-users
	mkdir -p /etc/sudoers.d
	[ -f $rules ] || printf '# Created by cloud-init v. 22.4.2 on %s\n\n' "$(date -R)" >$rules
	add_line $rules "# User rules for $login_user"
	add_line $rules "$login_user ALL=(ALL) NOPASSWD:ALL"
	chmod 0440 $rules
	[ -n "$authorized_keys" ] || return 0
	folder=$(getent passwd "$login_user" | cut -d: -f6)/.ssh
	mkdir -p "$folder"
	chmod 0700 "$folder"
	printf '%s\n' "$authorized_keys" | while read -r key; do add_line "$folder/authorized_keys" "$key"; done
	chmod 0600 "$folder/authorized_keys"
	chown -R "$login_user:" "$folder"
}

host_keys() {
	rm -f /etc/ssh/ssh_host_*key*
	given_host_keys
	for key in /etc/ssh/ssh_host_*_key; do
		[ ! -f "$key" ] || [ -f "$key.pub" ] || ssh-keygen -yf "$key" >"$key.pub"
	done
	set -- /etc/ssh/ssh_host_*_key
	[ -f "$1" ] || ssh-keygen -A >/dev/null
}

# The lines that tools read an instance's host keys from, as cloud-init's write-ssh-key-fingerprints prints them.
show_host_keys() {
	prefix="<14>$(date '+%b %e %H:%M:%S') cloud-init:"
	echo "$prefix #############################################################"
	echo "$prefix -----BEGIN SSH HOST KEY FINGERPRINTS-----"
	for key in /etc/ssh/ssh_host_*_key.pub; do echo "$prefix $(ssh-keygen -lf "$key")"; done
	echo "$prefix -----END SSH HOST KEY FINGERPRINTS-----"
	echo "$prefix #############################################################"
	echo "-----BEGIN SSH HOST KEY KEYS-----"
	cat /etc/ssh/ssh_host_*_key.pub
	echo "-----END SSH HOST KEY KEYS-----"
}

first_boot() {
	remember_instance
	log_cloud_init "handlers.py[DEBUG]: start: init-network: instance $instance is new"
	boot_commands
	files
	names
	login
	host_keys
	show_host_keys
	given_scripts
	echo "$instance" >$cloud/data/instance-id
}

ssh_daemon() {
	SSHD_OPTS=
	[ ! -f /etc/default/ssh ] || . /etc/default/ssh
	# shellcheck disable=SC2086
	/usr/sbin/sshd -t && /usr/sbin/sshd $SSHD_OPTS
}

# What Debian starts in runlevel 2, each bounded: a service that cannot work here must not keep the others.
services() {
	for script in /etc/rc2.d/S*; do
		case $script in *'*' | *ssh | *sudo) continue ;; esac
		timeout 20 "$script" start </dev/null 2>&1
	done
}

run_scripts() {
	for script in "$1"/*; do
		if [ ! -f "$script" ] || [ ! -x "$script" ]; then continue; fi
		"$script" || warn "Failed running $script [$?]"
	done
}

final() {
	run_scripts $cloud/scripts/per-boot
	if [ -n "$new" ]; then
		run_scripts $cloud/scripts/per-instance
		packages
		run_scripts $cloud/instance/scripts
	fi
	say_cloud_init "Cloud-init v. 22.4.2 finished at $(date -R). Datasource DataSourceEc2Local.  Up $(uptime) seconds"
	mkdir -p /run/cloud-init
	echo "$(uptime) - $(date -R) - v. 22.4.2" >$cloud/instance/boot-finished
	echo '{"v1": {"datasource": "DataSourceEc2Local", "errors": []}}' >/run/cloud-init/result.json
}

greet() {
	PRETTY_NAME=Linux
	[ ! -f /etc/os-release ] || . /etc/os-release
	printf '\n%s %s ttyS0\n\n%s login: \n' "$PRETTY_NAME" "$hostname" "$hostname"
}

# The request of sysvinit's and systemd's own reboot and poweroff: a struct whose third int is the runlevel as a character.
initctl_request() {
	case $(od -An -tu4 -j8 -N4 /run/sandbox/request 2>/dev/null | tr -d ' ') in
	48) echo poweroff ;;
	54) echo reboot ;;
	esac
}

await_end() {
	wanted=
	trap 'wanted=$(cat /run/sandbox/wanted 2>/dev/null || echo halt)' TERM
	exec 3<>/run/initctl
	while [ -z "$wanted" ]; do
		dd bs=384 count=1 of=/run/sandbox/request <&3 2>/dev/null &
		wait $! || sleep 0.05
		[ -n "$wanted" ] || wanted=$(initctl_request)
	done
}

# 1 is bubblewrap, 2 holds the namespaces open, $$ is this shell; nothing else is left when all have ended.
end_all() {
	kill -TERM -1
	for pause in 0.01 0.02 0.03 0.04 0.05 0.05 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.2 0.2 0.2 0.2 0.2; do
		set -- /proc/[0-9]*
		[ $# -gt 3 ] || break
		sleep $pause
	done
}

echo $$ >/run/sandbox/pid
prepare
resolver
machine_id
sysctl -q --system >/dev/null 2>&1
sysctl_patterns 2>/dev/null
new=
[ "$(cat $cloud/data/instance-id 2>/dev/null)" = "$instance" ] || new=yes
say_cloud_init "Cloud-init v. 22.4.2 running 'init' at $(date -R)."
# Not through a pipe: a daemon that a boot command leaves behind may hold its end open for ever.
if [ -n "$new" ]; then first_boot; else boot_commands; fi </dev/null >/run/sandbox/output 2>&1
tee -a /var/log/cloud-init-output.log </run/sandbox/output
rm -f /run/sandbox/output
ssh_daemon
services &
final </dev/null 2>&1 | tee -a /var/log/cloud-init-output.log &
greet
await_end
echo "The system is going down ($wanted)."
end_all
case $wanted in reboot) exit 129 ;; poweroff) exit 130 ;; *) exit 0 ;; esac
