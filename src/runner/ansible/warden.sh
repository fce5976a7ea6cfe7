# SPDX-License-Identifier: Apache-2.0
#
# Stays with Ansible, and leaves nothing behind, even when bakery is killed: neither what runs, nor the agent that holds the login key, nor
# connections that are kept open, nor the folder. Arguments: the folder, for how many seconds the key may live, a shell script to run. On
# stdin comes the key, then nothing; its end means that bakery is gone.
folder=$1 life=$2 script=$3
work='' agent=''

end() {
	trap '' HUP INT TERM
	[ -z "$work" ] || kill "$work" 2>/dev/null
	for socket in "$folder"/c/*; do
		[ ! -S "$socket" ] || ssh -F none -S "$socket" -O exit machine 2>/dev/null
	done
	[ "$1" = 0 ] || kill 0
	tries=0
	while [ -n "$work" ] && kill -0 "$work" 2>/dev/null && [ "$tries" -lt 40 ]; do
		tries=$((tries + 1))
		sleep 0.05
	done
	[ -z "$agent" ] || kill "$agent" 2>/dev/null
	rm -rf -- "$folder"
}
# What does not listen goes hard, this shell too.
give_up() {
	end 1
	kill -9 0
}
trap give_up HUP INT TERM

key=''
while IFS= read -r line; do
	key=$key$line'
'
	case $line in -----END*) break ;; esac
done
exec 3<&0 </dev/null

ssh-agent -D -a "$folder/agent" >/dev/null 2>&1 3<&- &
agent=$!
tries=0
# echo, since every shell has that built in: the key must not become another program's argument.
until echo "$key" | SSH_AUTH_SOCK=$folder/agent ssh-add -q -t "$life" - 2>"$folder/ssh-add"; do
	tries=$((tries + 1))
	if [ "$tries" = 100 ]; then
		cat "$folder/ssh-add" >&2
		end 0
		exit 97
	fi
	sleep 0.05
done
unset key

(
	cat <&3
	kill "$$"
) >/dev/null 2>&1 &
exec 3<&-
sh -c "$script" &
work=$!
wait "$work"
status=$?
work=''
end 0
exit "$status"
