# Whether what is there is what is to be there; says what differs. Given before this text: to, mode, owner, format (stat's, for the owner), kind (file, folder), sum (of a file
# that was not sent), list (a function: says a folder's list, lines of "F mode sha256 ./name" and "D mode - ./name"); BAKERY_STAGED, when it was sent.
differs() {
	echo "$1"
	exit 1
}
same() {
	if [ "$sum" ]; then
		[ "$(sha256sum <"$1")" = "$sum  -" ]
	elif command -v cmp >/dev/null; then
		cmp -s "$1" "$BAKERY_STAGED"
	else
		[ "$(sha256sum <"$1")" = "$(sha256sum <"$BAKERY_STAGED")" ]
	fi
}
names() { list | sed -n "s/^$1 [0-7]* [-0-9a-f]* //p"; }
count() { wc -l | tr -d ' '; }

if [ "$kind" = file ]; then
	[ -e "$to" ] || differs "$to is not there"
	[ -f "$to" ] || differs "$to is no file"
	same "$to" || differs "$to has other content"
	have=$(stat -c "%a $format" "$to")
	[ "$have" = "$mode $owner" ] || differs "$to has mode and owner $have, not $mode $owner"
	exit 0
fi
[ -d "$to" ] || differs "$to is not there"
cd "$to" || exit
names D | while IFS= read -r name; do
	[ -d "$name" ] || differs "$to/${name#./} is not there"
done || exit
others=$(list | sed -n 's/^F [0-7]* \([0-9a-f]*\) /\1  /p' | sha256sum -c 2>/dev/null | grep -v ': OK$')
if [ "$others" ]; then
	first=$(printf '%s\n' "$others" | sed -n '1{s/^\.\///;s/: FAILED.*//;p;}')
	differs "$(printf '%s\n' "$others" | count) of $(names F | count) files are not there or differ: $to/$first"
fi
wanted=$(list | sed -n "s/^F \([0-7]*\) [0-9a-f]* /\1 $owner /p")
have=$(names F | tr '\n' '\0' | xargs -0 stat -c "%a $format %n" 2>/dev/null)
[ "$have" = "$wanted" ] || differs "files in $to have another mode or owner"
