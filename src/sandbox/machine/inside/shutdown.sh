#!/bin/sh
# reboot, poweroff, halt and shutdown of a sandbox machine, in the manner of systemd's. It lies in a layer that is below what
# the machine writes, so it is never part of an image.
name=$(basename "$0")
action=poweroff
when=0
[ "$name" != reboot ] || action=reboot
[ "$name" != shutdown ] || when=1

refuse() {
	echo "$name: $*" >&2
	exit 1
}

minutes_until() {
	hours=${1%:*}
	minutes=${1#*:}
	now=$(($(date +%k) * 60 + $(date +%M | sed 's/^0//')))
	echo $(((${hours#0} * 60 + ${minutes#0} - now + 1440) % 1440))
}

cancel() {
	[ ! -f /run/sandbox/shutdown.pid ] || kill "$(cat /run/sandbox/shutdown.pid)" 2>/dev/null
	rm -f /run/sandbox/shutdown.pid
	exit 0
}

[ "$(id -u)" = 0 ] || refuse "must be superuser"
[ -f /run/sandbox/pid ] || refuse "this machine has no init to ask"
while [ $# -gt 0 ]; do
	case $1 in
	-r | --reboot) action=reboot ;;
	-h | -P | -H | -p | --halt | --poweroff) action=poweroff ;;
	-c) cancel ;;
	-k | -w | --wtmp-only) exit 0 ;;
	-t) shift ;;
	now | +0) when=0 ;;
	+[0-9]*) when=${1#+} ;;
	[0-9]*:[0-9]*) when=$(minutes_until "$1") ;;
	-*) ;;
	*) break ;; # the message to the users
	esac
	shift
done

if [ "$when" = 0 ]; then
	echo $action >/run/sandbox/wanted
	kill -TERM "$(cat /run/sandbox/pid)"
	exit
fi
(cancel)
case $action in reboot) option=-r ;; *) option=-P ;; esac
setsid sh -c "echo \$\$ >/run/sandbox/shutdown.pid; sleep $((when * 60)); exec shutdown $option now" \
	</dev/null >/dev/null 2>&1 &
echo "Shutdown scheduled in $when minutes, use 'shutdown -c' to cancel." >&2
