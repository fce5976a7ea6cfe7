#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The sandbox's unit tests say much that no scenario says. Runs them once more, recording, and holds that against AWS's models.
# Arguments: model_check, the test programs.
set -eu
model_check=$1
shift
record=$(mktemp /tmp/bakery-record.XXXXXX)
trap 'rm -f "$record"' EXIT
trap 'exit 130' INT TERM
for program; do BAKERY_RECORD=$record "$program" >/dev/null 2>&1; done
"$model_check" "$record"
