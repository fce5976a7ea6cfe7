# Puts in place what was sent, each file at once. Given as for upload_check.sh.
place=${to%/}/
[ "$kind" = folder ] || case $to in */*) place=${to%/*}/ ;; esac
if [ "$kind" = file ] && [ -d "$to" ]; then
	echo "$to is a folder there" >&2
	exit 1
fi
if [ "$kind" = folder ] && [ ! -d "$to" ]; then
	mkdir -p "$place" && chown "$owner" "$to" || exit
fi
mkdir -p "$place" || exit

if [ "$kind" = file ]; then
	new=$to.bakery-$$
	umask 077
	trap 'rm -f "$new"' EXIT
	# A second name of the same file needs neither room nor time.
	ln "$BAKERY_STAGED" "$new" 2>/dev/null || cat "$BAKERY_STAGED" >"$new" || exit
	chown 0:0 "$new" && chown "$owner" "$new" && chmod "$mode" "$new" && mv -f "$new" "$to" || exit
	if command -v restorecon >/dev/null; then restorecon "$to" || :; fi
	exit 0
fi
names() { list | sed -n "s/^$1 [0-7]* [-0-9a-f]* //p"; }
cd "$to" || exit
new=.bakery-$$
trap 'rm -rf "$to/$new"' EXIT
(umask 077 && mkdir "$new") && (umask 0 && cd "$new" && tar -xof "$BAKERY_STAGED") || exit
list | sed -n 's/^D //p' | while IFS= read -r line; do
	name=${line#* - }
	[ -d "$name" ] || { mkdir "$name" && chmod "${line%% *}" "$name" && chown "$owner" "$name"; } || exit
done || exit
names F | tr '\n' '\0' | (cd "$new" && xargs -0 chown "$owner") || exit
# chown takes the set-id bits away.
list | sed -n 's/^F \([1-7][0-7][0-7][0-7] \)/\1/p' | while IFS= read -r line; do
	chmod "${line%% *}" "$new/${line#* * }" || exit
done || exit
names F | while IFS= read -r name; do
	if [ -d "$name" ]; then
		echo "$to/${name#./} is a folder there" >&2
		exit 1
	fi
	mv -f "$new/$name" "$name" || exit
done || exit
if command -v restorecon >/dev/null; then restorecon -R "$to" || :; fi
