# SPDX-License-Identifier: Apache-2.0
#
# Restarts the machine, from outside of the connection, which may be gone before the answer. Given before this text: b_user, b_run, b_index, b_life.

# Whoever asks after the restart, should the reader die now, knows by this that it is not to be done again. It must be on the disk, in a
# folder where only what is our own is trusted; without it the machine is only restarted once more.
b_base=/var/tmp/bakery-$b_user
(
	umask 077
	mkdir "$b_base"
	[ -d "$b_base" ] && [ ! -L "$b_base" ] && [ -O "$b_base" ] && mkdir -p "$b_base/$b_run" &&
		echo "$b_life" >"$b_base/$b_run/reboot-$b_index" && sync
) 2>/dev/null
(
	trap '' HUP
	sleep 1
	systemctl reboot || reboot || reboot -f
) </dev/null >/dev/null 2>&1 &
