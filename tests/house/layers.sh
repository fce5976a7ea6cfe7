#!/bin/sh
# Holds the direction of docs/architecture.md: which room may include which; that headers, and modules (x.c with x.h), include each other in
# no circle; that a third-party library is known to one file or room only.
set -eu
cd "$1"
failed=0
fault() { echo "# $*"; failed=1; }
result() { # result NUMBER NAME
  if [ "$failed" = 0 ]; then echo "ok $1 - $2"; else echo "not ok $1 - $2"; all_failed=1; fi
  failed=0
}
all_failed=0
echo "1..5"

# The room a public header belongs to.
room_of() {
  case $1 in
    aws.h | permissions.h | sigv4.h) echo aws ;;
    recipe.h | playbook.h) echo recipe ;;
    ssh.h | runner.h | store.h | plan.h | sandbox.h) echo "${1%.h}" ;;
    needs.h) echo plan ;;
    ansible.h) echo runner ;;
    build.h | preflight.h) echo pipeline ;;
    output.h | build_page.h | evidence.h | difference.h) echo report ;;
    cli.h | command.h) echo cli ;;
    *) echo base ;;
  esac
}

# What each room may include besides itself and base.
allowed() {
  case $1 in
    base | recipe | aws | ssh | store | report) echo "" ;;
    runner) echo "recipe ssh" ;;
    plan) echo "recipe aws" ;;
    pipeline) echo "plan recipe aws ssh runner store" ;;
    sandbox) echo "" ;;
    cli) echo "pipeline plan recipe aws ssh runner store report sandbox" ;;
  esac
}

for folder in src/*/; do
  room=$(basename "$folder")
  for file in $(find "$folder" -name '*.[ch]'); do
    for header in $(sed -n 's/^#include "bakery\/\(.*\)"$/\1/p' "$file"); do
      to=$(room_of "$header")
      [ "$to" = base ] || [ "$to" = "$room" ] || { [ "$room" = sandbox ] && [ "$header" = sigv4.h ]; } ||
        case " $(allowed "$room") " in
          *" $to "*) ;;
          *) fault "$file ($room) includes bakery/$header ($to)" ;;
        esac
    done
    sed -n 's/^#include "\(\.\.\/.*\)"$/\1/p' "$file" | while read -r path; do
      case $(realpath -m --relative-to=. "$(dirname "$file")/$path") in
        "src/$room/"*) ;;
        *) echo "# $file reaches into another room: $path" ;;
      esac
    done | grep . && failed=1
  done
done
result 1 "rooms include only what they may"

for header in include/bakery/*.h; do
  for included in $(sed -n 's/^#include "bakery\/\(.*\)"$/\1/p' "$header"); do
    echo "$(basename "$header") $included"
  done
done | tsort >/dev/null 2>tsort.$$ || fault "$(sed '2,$s/^/# /' tsort.$$)"
rm -f tsort.$$
result 2 "public headers include each other in no circle"

# A line for each module of the same room that a module includes; public headers are not looked at here.
module_edges() {
  find src -name '*.[ch]' -exec awk '
    /^#include "/ {
      split($0, quoted, "\"")
      if (quoted[2] ~ /^bakery\//) next
      from = FILENAME
      to = FILENAME
      sub(/\/[^\/]*$/, "/", to)
      to = to quoted[2]
      while (sub(/[^\/]+\/\.\.\//, "", to)) continue
      sub(/\.[ch]$/, "", from)
      sub(/\.h$/, "", to)
      if (from != to) print from, to
    }' {} +
}
module_edges | tsort >/dev/null 2>tsort.$$ || fault "$(sed '2,$s/^/# /' tsort.$$)"
rm -f tsort.$$
result 3 "modules include each other in no circle"

known_only_in() { # known_only_in PATTERN PLACE...
  pattern=$1
  shift
  for file in $(grep -rlE "^#include <($pattern)" src include); do
    fine=0
    for place in "$@"; do
      case $file in "$place"*) fine=1 ;; esac
    done
    [ $fine = 1 ] || fault "$file includes $pattern"
  done
}
known_only_in 'curl/' src/aws/http.c src/sandbox/control_client.c
known_only_in 'libssh2' src/ssh/
known_only_in 'sqlite3' src/store/ src/sandbox/state
known_only_in 'microhttpd' src/sandbox/server.c
known_only_in 'json-c' src/base/tree
known_only_in 'yaml' src/base/yaml.c
known_only_in 'expat' src/base/xml.c
known_only_in 'archive' src/runner/pack.c src/runner/unpack.c
known_only_in 'openssl/' src/base/ src/sandbox/
known_only_in 'zlib' src/store/
result 4 "a library is known to one place"

for file in $(find src -name '*.c'); do
  case $file in src/cli/main.c | src/main.c) continue ;; esac
  ! grep -nE '(^|[^_a-z>.])(strcpy|strcat|sprintf|vsprintf|gets|system|popen|strtok|gmtime|localtime|exit)\(' "$file" || fault "$file: a banned call"
done
result 5 "no banned calls"
exit $all_failed
