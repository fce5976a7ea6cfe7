# SPDX-License-Identifier: Apache-2.0
#
# Says the life of the machine in which a step was about to restart it, as reboot.sh noted it. Given before this text: b_user, b_run, b_index.
b_base=/var/tmp/bakery-$b_user
[ ! -d "$b_base" ] || [ -L "$b_base" ] || [ ! -O "$b_base" ] || cat "$b_base/$b_run/reboot-$b_index" 2>/dev/null || :
