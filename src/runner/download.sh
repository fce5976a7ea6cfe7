# Makes ready what this host will fetch. Given before this text: from, most (files and folders), largest (KiB in all); BAKERY_STAGED; BAKERY_LOGIN: the login user who is to
# have a copy, since only root can read every file, or "". A folder becomes an archive, $BAKERY_STAGED.tar, of the files and folders in it; what else is in it is told and left out.
# Exits with 1 when there is no such file or folder, with 2 when it cannot be packed.
umask 077
rm -f "$BAKERY_STAGED" "$BAKERY_STAGED.tar"
if [ -f "$from" ]; then
	[ -z "$BAKERY_LOGIN" ] || { cat "$from" >"$BAKERY_STAGED" && chown "$BAKERY_LOGIN" "$BAKERY_STAGED"; } || exit 2
	exit 0
fi
if [ ! -d "$from" ]; then
	echo "$from: no such file or folder there" >&2
	exit 1
fi
fail() {
	rm -f "$BAKERY_STAGED.tar"
	echo "$1" >&2
	exit 2
}
LC_ALL=C
export LC_ALL
command -v tar >/dev/null || fail "there is no tar on the machine, and a folder is sent as one archive"
cd "$from" || exit 2
odd=$(find . \( -type f -o -type d \) \( -name '*[[:cntrl:]]*' -o -name '*\\*' \) | tr '\n' ' ')
[ -z "$odd" ] || fail "names with control characters or backslashes cannot be sent: $odd"
count=$(find . -type f -o -type d | wc -l)
[ "$count" -le "$most" ] || fail "$((count)) files and folders are too many to be sent ($most at most)"
size=$(find . -type f -exec stat -c %s {} + | awk '{sum += $1} END {printf "%.0f", sum / 1024}')
[ "${size:-0}" -le "$largest" ] || fail "$size KiB are too much to be sent ($largest KiB at most)"
find . ! -type f ! -type d | sed 's/[[:cntrl:]]/?/g; s/^/left out, since it is neither a file nor a folder: /'

# busybox's tar takes no list of names: where they are too many for one command line, several archives come one behind the other. A log that grows meanwhile is no
# failure: GNU's tar says so with 1. What it could not finish, this host will notice.
find . \( -type f -o -type d \) -print0 | xargs -0 sh -c 'tar -cf - --no-recursion -- "$@"; [ $? -le 1 ]' sh >"$BAKERY_STAGED.tar" ||
	fail "the folder could not be packed"
[ -z "$BAKERY_LOGIN" ] || chown "$BAKERY_LOGIN" "$BAKERY_STAGED.tar" || exit 2
