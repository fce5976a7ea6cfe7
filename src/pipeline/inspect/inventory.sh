# SPDX-License-Identifier: Apache-2.0
#
# Tells what is on the machine, and changes nothing: records that each end with a NUL byte. The first letter says what of:
# O os-release, M the machine's hardware name, D dpkg's packages, R rpm's, F an entry of /etc with L, where it points to;
# a line of sha256sum begins with a hexadecimal digit. E is the end: without it, something was cut off.
export LC_ALL=C

b_tell() {
	printf '%s' "$1"
	shift
	"$@" || exit 1
	printf '\0'
}

for b_file in /etc/os-release /usr/lib/os-release; do
	[ ! -r "$b_file" ] || { b_tell O cat "$b_file"; break; }
done
b_tell M uname -m
b_tab=$(printf '\t')
if command -v dpkg-query >/dev/null; then
	b_tell D dpkg-query -W -f "\${db:Status-Status}$b_tab\${Package}$b_tab\${Version}$b_tab\${Architecture}$b_tab\${source:Package}$b_tab\${source:Version}\\n"
fi
if command -v rpm >/dev/null; then
	b_tell R rpm -qa --qf '%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\n'
fi
# A file may go while it is looked at; it then has no sum, or is left out.
find /etc -xdev -printf 'F%y\t%m\t%u:%g\t%s\t%p\0L%l\0' || [ -d /etc ] || exit 1
find /etc -xdev -type f -exec sha256sum -z -- {} + || true
[ ! -d /opt ] || find /opt -xdev -type f -exec sha256sum -z -- {} + || true
printf 'E\0'
