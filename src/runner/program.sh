# SPDX-License-Identifier: Apache-2.0
#
# bakery step runner, format 1: what comes before the steps of every program. POSIX sh; needs /proc. Names beginning with b_ are its own.
# Given before this text: b_nonce, b_user, b_staging, b_login, b_secret_*; by the link: b_dir, and 3 and 4 open for output and errors.

b_seq=0

b_put() {
	printf '\001%s %s %s %s\002' "$b_nonce" "$b_seq" "$b_now" "$1"
}

# Tells the reader something, at the same place in both streams. The ballast makes room when the steps have filled the file system.
b_frame() {
	b_seq=$((b_seq + 1))
	read -r b_now b_idle </proc/uptime
	b_put "$*" >&4 || { rm -f "$b_dir/ballast" && b_put "$*" >&4; }
	b_put "$*" >&3 || { rm -f "$b_dir/ballast" && b_put "$*" >&3; }
}

# boot_id alone is the same for all containers of a host; the start of process 1 tells their lives apart.
b_facts() {
	b_ids=$(
		ID= ID_LIKE=
		[ ! -r /etc/os-release ] || . /etc/os-release
		printf '%s' "${ID:-linux} $ID_LIKE"
	)
	b_machine=$(uname -m)
	case $b_machine in
	x86_64 | amd64) b_machine='x86_64 amd64' ;;
	aarch64 | arm64) b_machine='aarch64 arm64' ;;
	esac
	read -r b_boot </proc/sys/kernel/random/boot_id
	read -r b_line </proc/1/stat
	set -- ${b_line##*) }
	b_frame F "$b_boot/${20}|$b_machine|$b_ids"
}

b_any() {
	for b_item in $1; do
		case " $2 " in *" $b_item "*) return 0 ;; esac
	done
	return 1
}

# $1 and all its descendants, also those in sessions of their own.
b_tree() {
	b_found=" $1 " b_more=1
	while [ "$b_more" ]; do
		b_more=
		for b_stat in /proc/[0-9]*/stat; do
			{ read -r b_line <"$b_stat"; } 2>/dev/null || continue
			b_child=${b_stat#/proc/} b_child=${b_child%/stat}
			set -- ${b_line##*) }
			case $b_found in
			*" $b_child "*) ;;
			*" $2 "*) b_found="$b_found$b_child " b_more=1 ;;
			esac
		done
	done
	printf '%s' "$b_found"
}

# Until somebody asks for its status, a dead process is still there.
b_alive() {
	{ read -r b_line <"/proc/$1/stat"; } 2>/dev/null || return 1
	case ${b_line##*) } in Z*) return 1 ;; esac
}

# Ends $1 with all that it started: asked first, a second later not any more.
b_kill() {
	b_victims=$(b_tree "$1")
	kill -s TERM $b_victims
	kill -s TERM -- "-$1"
	for b_tenth in 1 2 3 4 5 6 7 8 9 10; do
		b_left=
		for b_victim in $b_victims; do
			! b_alive "$b_victim" || b_left=1
		done
		[ "$b_left" ] || break
		sleep 0.1 || sleep 1
	done
	kill -s KILL $b_victims
	kill -s KILL -- "-$1"
} 2>/dev/null

# Tells b_watch until when which process may run, or nothing. Written over, not truncated: ext4 puts a truncated file on the disk at once.
b_guarded() {
	printf '%-40s\n' "$1" 1<>"$b_dir/watch"
}

# Runs beside the program: ends what has used up its time.
b_watch() {
	while sleep 1; do
		read -r b_self <"$b_dir/pid" && b_alive "$b_self" || return
		b_until= b_pid=
		read -r b_until b_pid <"$b_dir/watch"
		read -r b_now b_idle </proc/uptime
		[ -n "$b_pid" ] && [ "${b_now%%.*}" -ge "$b_until" ] || continue
		rm -f "$b_dir/ended"
		echo "$b_pid" >"$b_dir/expired" || { rm -f "$b_dir/ballast" && echo "$b_pid" >"$b_dir/expired"; }
		b_kill "$b_pid"
		b_guarded
		: >"$b_dir/ended"
	done
}

b_clock() {
	read -r b_now b_idle </proc/uptime
	b_until=$((${b_now%%.*} + b_timeout + 1))
}

# Steps print into pipes: one's own `>/dev/stderr` would empty a file that others read. Two readers add to ours what comes there, as long as
# the program lives and whoever its steps have left running. 7 and 8 are the pipes.
b_pipes() {
	b_piped=
	rm -f "$b_dir/1" "$b_dir/2"
	mkfifo -m 622 "$b_dir/1" "$b_dir/2" || return
	exec 9<>"$b_dir/1" 5<"$b_dir/1" 7>"$b_dir/1" 9<>"$b_dir/2" 6<"$b_dir/2" 8>"$b_dir/2" 9>&-
	cat <&5 >&3 3>&- 4>&- 5<&- 6<&- 7>&- 8>&- &
	b_cat_out=$!
	cat <&6 >&4 3>&- 4>&- 5<&- 6<&- 7>&- 8>&- &
	b_cat_err=$!
	exec 5<&- 6<&-
	b_piped=1
} 2>/dev/null

# A reader that sleeps has read all that was printed before: whoever prints wakes it. One that is gone found no room, most likely.
b_is_drained() {
	b_line=
	{ read -r b_line <"/proc/$1/stat"; } 2>/dev/null
	case ${b_line##*) } in
	S*) ;;
	'' | Z* | X*) b_lost=1 ;;
	*) return 1 ;;
	esac
}

# Until all that the step printed is in the files. Where what it has left running prints without a pause, five seconds will do.
b_drained() {
	[ "$b_piped" ] || return 0
	b_looks=0 b_lost=
	until b_is_drained "$b_cat_out" && b_is_drained "$b_cat_err"; do
		b_looks=$((b_looks + 1))
		[ "$b_looks" -lt 550 ] || break
		[ "$b_looks" -le 50 ] || sleep 0.01 2>/dev/null || { sleep 1 && b_looks=$((b_looks + 100)); }
	done
	[ "$b_lost" ] || return 0
	rm -f "$b_dir/ballast"
	echo "not all that was printed is here, as it could not be written to $b_dir: its file system seems full" >&4
	b_pipes
}

# In the process that becomes the step: nothing of the program is left open, and no signal stays ignored for the services it starts, as
# far as env can see to that: a shell ignores two in all that it runs beside itself, and cannot undo it.
b_become() {
	trap - HUP
	cd /
	unset OLDPWD
	if [ "$b_as" ]; then eval "HOME=~$b_as USER=$b_as LOGNAME=$b_as SHELL=/bin/sh"; export SHELL; fi
	b_env
	if [ "$b_piped" ]; then exec 1>&7 2>&8 7>&- 8>&-; else exec 1>&3 2>&4; fi
	exec 3>&- 4>&-
	if [ -z "$b_as" ]; then
		exec $b_setsid $b_signals sh "$1" </dev/null
	fi
	b_su=su
	command -v runuser >/dev/null && b_su=runuser
	exec $b_setsid $b_signals "$b_su" -m -s /bin/sh -c 'text=$(cat); exec </dev/null; eval "$text"' "$b_as" <"$1"
}

# Phase $1 (if, check, run) with the text $2; its exit status is in b_status. A text that there is no room for must not run as far as it got.
b_phase() {
	b_frame P "$1"
	b_expired=
	if ! printf '%s\n' "$2" >"$b_dir/$1" && ! { rm -f "$b_dir/ballast" && printf '%s\n' "$2" >"$b_dir/$1"; }; then
		rm -f "$b_dir/$1"
		echo "what is to be run could not be written to $b_dir: its file system seems full" >&4
		b_status=75
		b_frame X "$b_status"
		return "$b_status"
	fi
	b_become "$b_dir/$1" &
	b_pid=$!
	b_guarded "$b_until $b_pid"
	wait "$b_pid"
	b_status=$?
	b_guarded
	b_late=
	[ ! -s "$b_dir/expired" ] || read -r b_late <"$b_dir/expired"
	if [ "$b_late" = "$b_pid" ]; then
		while [ ! -e "$b_dir/ended" ]; do sleep 1; done
		b_expired=1 b_status=124
	fi
	b_drained
	b_frame X "$b_status"
	return "$b_status"
}

b_end() {
	b_frame E "$b_index" "$1" "${b_expired:+timeout-}$2" "$b_status" "$b_attempt"
	[ "$1" != failed ] || [ -n "$b_keep_going" ]
}

b_another() {
	[ "$b_attempt" -le "$b_retries" ] || return 1
	b_pause=$((b_attempt < 5 ? 1 << (b_attempt - 1) : 30))
	b_attempt=$((b_attempt + 1))
	sleep "$b_pause"
	b_clock
}

b_assert() {
	while [ -z "$b_look" ] && b_another; do
		b_phase check "$b_check" && { b_end ok -; return; }
	done
	b_end failed assert
}

b_try() {
	b_clock
	while :; do
		b_why=run
		if b_phase run "$b_run"; then
			b_why=check
			[ -n "$b_check" ] && [ -z "$b_once" ] || { b_end changed -; return; }
			b_phase check "$b_check" && { b_end changed -; return; }
		fi
		b_another || break
	done
	b_end failed "$b_why"
}

b_step() {
	b_index=$1 b_os= b_arch= b_if= b_check= b_run= b_as= b_timeout=600 b_retries=0 b_once= b_waived= b_attempt=1 b_status=0 b_expired=
	b_env() { :; }
	"step_$1"
	b_clock
	b_frame B "$1"
	if [ -n "$b_waived" ]; then
		b_end skipped waived
	elif [ -n "$b_os" ] && ! b_any "$b_os" "$b_ids"; then
		b_end skipped os
	elif [ -n "$b_arch" ] && ! b_any "$b_arch" "$b_machine"; then
		b_end skipped arch
	elif [ -n "$b_if" ] && ! b_phase if "$b_if"; then
		if [ -n "$b_expired" ]; then b_end failed if; else b_end skipped if; fi
	elif [ -n "$b_check" ] && b_phase check "$b_check"; then
		if [ -n "$b_run" ]; then b_end unchanged -; else b_end ok -; fi
	elif [ -n "$b_look" ] && [ -n "$b_run" ]; then
		if [ -n "$b_expired" ]; then b_end failed check; elif [ -n "$b_check" ]; then b_end would-change -; else b_end would-run -; fi
	elif [ -n "$b_run" ]; then
		b_try
	else
		b_assert
	fi
}

b_surroundings() {
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	LC_ALL=C TERM=dumb DEBIAN_FRONTEND=noninteractive USER=$b_user LOGNAME=$b_user
	eval "HOME=~$b_user"
	export PATH LC_ALL TERM DEBIAN_FRONTEND USER LOGNAME HOME
	unset OLDPWD CDPATH ENV BASH_ENV LANGUAGE
	b_setsid=setsid
	command -v setsid >/dev/null || b_setsid=
	b_signals='env --default-signal=INT,QUIT'
	$b_signals true 2>/dev/null || b_signals=
}

b_main() {
	b_surroundings
	: >"$b_dir/watch"
	b_watch </dev/null >/dev/null 2>&1 3>&- 4>&- &
	b_watcher=$!
	b_pipes
	b_facts
	for b_next in $b_steps; do
		b_step "$b_next" || break
	done
	kill "$b_watcher"
	b_frame Z
}
