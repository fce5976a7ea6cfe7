#!/bin/sh
# Holds the shape of the code: files and functions that can be seen at a glance, a licence line, no words that mean unfinished work.
set -eu
cd "$1"
all_failed=0
check() { # check NUMBER NAME FINDINGS
  if [ -z "$3" ]; then echo "ok $1 - $2"; else
    printf '%s\n' "$3" | sed 's/^/# /'
    echo "not ok $1 - $2"
    all_failed=1
  fi
}
echo "1..4"

check 1 "no file over 600 lines" "$(find src include -name '*.[ch]' | xargs wc -l | awk '$2 != "total" && $1 > 600 {print $2 ": " $1 " lines"}')"

# A function is what stands between a { and a } in the first column.
check 2 "no function over 80 lines" "$(find src -name '*.c' | xargs awk '
  FNR == 1 { start = 0 }
  /^\{/ { start = FNR }
  /^\}/ && start { if (FNR - start > 80) print FILENAME ":" start ": " FNR - start " lines"; start = 0 }')"

check 3 "each file says its licence" "$(find src include tests -name '*.[ch]' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)"

words='\bTODO|\bFIXME|\bXXX\b|\bHACK|not implemented|unimplemented'
check 4 "nothing is left unfinished" "$(grep -rnE "$words" src include recipes playbooks scripts docs README.md 2>/dev/null || true)"
exit $all_failed
