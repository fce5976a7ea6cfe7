# SPDX-License-Identifier: Apache-2.0
#
# Ends a program with all that it started, and removes its folder. Given before this text: b_user, b_run; the functions of program.sh.
for b_pid_file in "/run/bakery/$b_run"/*/pid "/var/tmp/bakery-$b_user/$b_run"/*/pid; do
	[ -r "$b_pid_file" ] || continue
	read -r b_pid <"$b_pid_file"
	b_kill "$b_pid"
done 2>/dev/null
rm -rf "/run/bakery/$b_run" "/var/tmp/bakery-$b_user/$b_run"
rmdir /run/bakery "/var/tmp/bakery-$b_user" 2>/dev/null || :
