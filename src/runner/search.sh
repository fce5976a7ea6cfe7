# SPDX-License-Identifier: Apache-2.0
#
# Looks through every file for texts that must not be there. Given before this text: b_folder (or "" for all local file systems), b_count, b_1, b_2, ...: the patterns of one
# needle each, a line each. They stay in memory: printf is the shell's own, so that no command line shows them, and they go on to the others as environment, not as files.
# Says lines: "F number path": the needle with that number is in the file (0: a private key); "B path": too large, not looked into; "E text": could not be read;
# "N files": so many were looked into. The last one is "done".
for b_tool in find xargs grep tr wc; do
	command -v $b_tool >/dev/null || { echo "there is no $b_tool on the machine" >&2; exit 3; }
done
LC_ALL=C
export LC_ALL

# A private key begins with one of these words; the last three are the base64 of "PRIVATE KEY-----" wherever it may stand in a text.
b_words='PRIVATE KEY-----
PRIVATE KEY BLOCK-----
SSH2 ENCRYPTED PRIVATE KEY ----
PuTTY-User-Key-File-
UFJJVkFURSBLRVktLS0tL
BSSVZBVEUgS0VZLS0tLS
QUklWQVRFIEtFWS0tLS0t'
# Programs and manuals hold those words, too: a key has a body behind them, at once, indented, quoted or behind \n.
b_gap='([[:space:]"'"'"',>#*|+]|[\][rn]){1,64}'
b_body="-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----$b_gap(Proc-Type:|DEK-Info:|Comment:|Version:|Hash:|Charset:|[A-Za-z0-9+/]{24})"
b_body="$b_body|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----$b_gap(Comment:|Subject:|[A-Za-z0-9+/]{24})"
b_body="$b_body|PuTTY-User-Key-File-[0-9]+: [a-z0-9@.-]+[[:space:]]+Encryption:"
b_body="$b_body|[A-Za-z0-9+/]{8}(UFJJVkFURSBLRVktLS0tL|BSSVZBVEUgS0VZLS0tLS|QUklWQVRFIEtFWS0tLS0t)[A-Za-z0-9+/]{8}"

b_all=$b_words
b_number=1
while [ "$b_number" -le "$b_count" ]; do
	eval "b_all=\"\$b_all
\$b_$b_number\"; export b_$b_number"
	b_number=$((b_number + 1))
done
export b_all b_body b_count

# What a package brought, and nobody changed, is the same on every machine in the world and no secret.
b_batch='
b_packaged() {
	if [ -d /var/lib/dpkg/info ]; then
		b_sum=$(md5sum <"$1") || return 1
		b_path=${1#/}
		grep -qxsF -e "${b_sum%% *}  $b_path" -e "${b_sum%% *}  ${b_path#usr/}" /var/lib/dpkg/info/*.md5sums
	elif command -v rpm >/dev/null; then
		b_package=$(rpm -qf "$1" 2>/dev/null) || return 1
		! rpm -V --nodeps --noscripts "$b_package" 2>/dev/null | grep -qF -- " $1"
	else
		return 1
	fi
}
b_tell() {
	b_packaged "$2" || printf "F\t%s\t%s\n" "$1" "$2"
}
printf "%s\n" "$b_all" | grep -lF -f - -- "$@" | while IFS= read -r b_file; do
	if [ ! -f "$b_file" ]; then # a name with a line break in it
		printf "F\t-1\t%s\n" "$b_file"
		continue
	fi
	grep -qzE -e "$b_body" -- "$b_file" && b_tell 0 "$b_file"
	b_number=1
	while [ "$b_number" -le "$b_count" ]; do
		eval "b_patterns=\$b_$b_number"
		printf "%s\n" "$b_patterns" | grep -qF -f - -- "$b_file" && b_tell "$b_number" "$b_file"
		b_number=$((b_number + 1))
	done
done
printf "N\t%s\n" "$#"
'

# Where mount says "part of the image": what has a disk behind it, once for each place it is mounted at.
set --
if [ -n "$b_folder" ]; then
	set -- "$b_folder"
else
	while read -r _ _ _ _ b_point b_rest; do
		b_type=${b_rest#* - }
		case $b_point=${b_type%% *} in
		/=*) ;;
		*=ext[234] | *=xfs | *=btrfs | *=vfat | *=f2fs | *=zfs | *=bcachefs | *=jfs | *=reiserfs | *=ntfs* | *=exfat) ;;
		*) continue ;;
		esac
		set -- "$@" "$(printf '%b' "$b_point")"
	done </proc/self/mountinfo
fi

exec 4>&1
{
	find "$@" -xdev -type f -size +0 \( -size +4194304k -exec sh -c 'printf "B\t%s\n" "$1" >&4' sh {} \; -o -print0 \) |
		xargs -0 -r -n 1000 -P "$(nproc 2>/dev/null || echo 1)" sh -c "$b_batch" sh >&4 || echo "xargs ended with status $?" >&2
} 2>&1 | while IFS= read -r b_line; do
	case $b_line in
	*': No such file or directory') ;;
	*) printf 'E\t%s\n' "$b_line" ;;
	esac
done
echo done
