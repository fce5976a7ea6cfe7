#!/bin/sh
# embed.sh NAME FILE: FILE as the C string NAME.
printf 'extern const char %s[];\nconst char %s[] =\n' "$1" "$1"
sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/\\t/g; s/^/"/; s/$/\\n"/' "$2"
echo ';'
