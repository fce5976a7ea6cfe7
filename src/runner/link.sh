# SPDX-License-Identifier: Apache-2.0
#
# The link between a program and its reader: starts the program once, and follows its output over any number of connections.
# Given before this text: b_nonce, b_user, b_run (names the folder), b_part, b_sum (of the program), b_from_out, b_from_err, b_attach.

# The folder of this part of the run, made if there is none: only who makes it starts the program. In a folder that all may write,
# only what is our own is trusted, and only what is of this life of the machine. Where the ballast (b_frame) finds no room, the next
# place is tried.
b_open() {
	read -r b_boot </proc/sys/kernel/random/boot_id
	for b_base in /run/bakery "/var/tmp/bakery-$b_user"; do
		[ -d "$b_base/$b_run/$b_part" ] && [ ! -L "$b_base" ] && [ -O "$b_base" ] || continue
		b_dir=$b_base/$b_run/$b_part
		b_life=
		[ ! -s "$b_dir/name" ] || read -r b_name b_life <"$b_dir/name"
		case $b_life in '' | *"$b_boot") return 0 ;; esac # none: it is being started just now
		rm -rf "$b_dir"
	done
	[ -z "$b_attach" ] || return 1
	for b_base in /run/bakery "/var/tmp/bakery-$b_user"; do
		mkdir -m 700 "$b_base"
		[ -d "$b_base" ] && [ ! -L "$b_base" ] && [ -O "$b_base" ] && [ -w "$b_base" ] || continue
		mkdir -m 700 "$b_base/$b_run"
		b_dir=$b_base/$b_run/$b_part
		if mkdir -m 700 "$b_dir"; then
			head -c 65536 /dev/zero >"$b_dir/ballast" && b_fresh=1 && return 0
			rm -rf "$b_dir"
			rmdir "$b_base/$b_run"
		elif [ -d "$b_dir" ]; then
			return 0
		fi
	done 2>/dev/null
	return 1
}

# Forked, not executed: the program and its secrets stay in memory. Everything of the connection is let go.
b_start() {
	(
		trap '' HUP
		umask 022
		exec </dev/null 3>>"$b_dir/out" 4>>"$b_dir/err"
		exec >&3 2>&4
		b_main
	) &
	echo "$b_nonce $b_sum $b_boot" >"$b_dir/name"
	echo "$!" >"$b_dir/pid"
}

b_tail() {
	exec tail $b_often -c "+$(($1 + 1))" -f "$b_dir/$2"
}

# A program that was killed can say nothing any more: then this does. A dead process is still there (Z) until somebody asks for its status.
# What this starts must not hold the channel open.
b_guard() {
	while read -r b_line <"/proc/$b_pid/stat" && case ${b_line##*) } in Z*) false ;; esac do
		sleep 1 >/dev/null 5>&-
	done
	sleep 1 >/dev/null 5>&-
	kill "$b_tail_out" "$b_tail_err"
	sleep 1 >/dev/null 5>&-
	printf '\001%s dead\002' "$b_nonce"
}

b_follow() {
	: >>"$b_dir/out"
	: >>"$b_dir/err"
	for b_wait in 1 2 3 4 5; do
		[ ! -s "$b_dir/pid" ] || break
		sleep 1
	done
	read -r b_nonce b_sum b_life <"$b_dir/name"
	read -r b_pid <"$b_dir/pid"
	b_often=
	case $(tail --version 2>/dev/null) in
	*GNU* | *uutils*) b_often='-s 0.05' ;;
	esac
	exec 5>&2 2>/dev/null
	printf '\001%s sync %s %s\002' "$b_key" "$b_nonce" "$b_sum"
	printf '\001%s sync %s %s\002' "$b_key" "$b_nonce" "$b_sum" >&5
	b_tail "$b_from_out" out 5>&- &
	b_tail_out=$!
	b_tail "$b_from_err" err >&5 5>&- &
	b_tail_err=$!
	b_guard &
	b_guarding=$!
	b_answer=
	read -r b_answer
	kill "$b_tail_out" "$b_tail_err" "$b_guarding"
	[ "$b_answer" = done ] || return
	rm -rf "$b_dir"
	rmdir "${b_dir%/*}" && rmdir "${b_dir%/*/*}" || :
}

b_link() {
	umask 077
	b_key=$b_nonce b_fresh=
	if b_open; then
		[ -z "$b_fresh" ] || b_start
		b_follow
	else
		printf '\001%s gone\002' "$b_key"
		printf '\001%s gone\002' "$b_key" >&2
	fi
}
