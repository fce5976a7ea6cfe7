# SPDX-License-Identifier: Apache-2.0
#
# Waits until the machine has finished its first boot and nobody holds the package manager's locks. Says on stdout what was unusual.
if command -v cloud-init >/dev/null; then
	b_cloud=$(cloud-init status --wait 2>&1) || echo "cloud-init ended with status $?: $(printf '%s' "$b_cloud" | tr '\n' ' ')"
fi

# The kernel lists locks by device and inode; fuser and lsof are not everywhere.
b_locked() {
	for b_lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock \
		/var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /var/cache/dnf/metadata_lock.pid; do
		[ -e "$b_lock" ] || continue
		b_inode=$(stat -c %i "$b_lock")
		grep -q ":$b_inode " /proc/locks && return 0
	done
	return 1
}

while b_locked; do
	sleep 1
done
