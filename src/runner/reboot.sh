# SPDX-License-Identifier: Apache-2.0
#
# Restarts the machine, from outside of the connection, which may be gone before the answer.
(
	trap '' HUP
	sleep 1
	systemctl reboot || reboot || reboot -f
) </dev/null >/dev/null 2>&1 &
