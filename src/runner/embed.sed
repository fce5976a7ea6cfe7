# SPDX-License-Identifier: Apache-2.0
#
# A text file as the C string literals of its lines.
s/\\/\\\\/g
s/"/\\"/g
s/^/"/
s/$/\\n"/
