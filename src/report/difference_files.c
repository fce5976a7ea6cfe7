/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies under /etc on two machines. */
#include "bakery/mem.h"
#include "difference_private.h"

/* Every instance makes the content of these anew, or cloud-init does with the instance's own addresses and the time. */
static const char *const of_instance[] = {
	"/etc/machine-id",
	"/etc/hostname",
	"/etc/hosts",
	"/etc/mailname",
	"/etc/resolv.conf",
	"/etc/ssh/ssh_host_*",
	"/etc/sudoers.d/90-cloud-init-users",
	"/etc/netplan/50-cloud-init.yaml",
	"/etc/network/interfaces.d/50-cloud-init",
	"/etc/NetworkManager/system-connections/cloud-init-*",
	"/etc/sysconfig/network-scripts/ifcfg-*",
	"/etc/systemd/network/*-cloud-init-*",
	"/etc/iscsi/initiatorname.iscsi",
	"/etc/nvme/hostid",
	"/etc/nvme/hostnqn",
	"/etc/adjtime",
	"/etc/.updated",
	"/etc/ssl/certs/ssl-cert-snakeoil.pem",
	"/etc/ssl/private/ssl-cert-snakeoil.key",
};

static const struct {
	const char *member, *word;
} aspects[] = {
	{"type", "type"}, {"mode", "mode"}, {"owner", "owner"}, {"sha256", "content"}, {"target", "target"},
};

/* {path: entry} */
static struct tree *entries_of(const struct tree *document)
{
	struct tree *index = tree_new_object();

	for (struct tree_iter i = tree_iter(tree_get(document, "files")); tree_next(&i);)
		tree_set(index, tree_text_or(i.value, "path", "?"), tree_share(i.value));
	return index;
}

/* Only its content, or where it points to: a changed mode of a host key is no accident. */
static bool is_of_instance(const char *path, const struct tree *what)
{
	bool content = tree_count(what) == 1 &&
		       (str_eq(tree_text(what, "1"), "content") || str_eq(tree_text(what, "1"), "target"));

	for (size_t i = 0; content && i < ARRAY_SIZE(of_instance); i++) {
		if (str_glob(of_instance[i], path))
			return true;
	}
	return false;
}

static void entry_compare(struct tree *rows, const char *path, const struct tree *before, const struct tree *after)
{
	struct tree *what = tree_new_array(), *row;

	for (size_t i = 0; i < ARRAY_SIZE(aspects); i++) {
		if (!str_eq(tree_text(before, aspects[i].member), tree_text(after, aspects[i].member)))
			tree_add_text(what, aspects[i].word);
	}
	if (!tree_count(what)) {
		tree_free(what);
		return;
	}
	row = row_add(rows, "changed", path);
	tree_set_bool(row, "of_instance", is_of_instance(path, what));
	tree_set(row, "before", tree_share(before));
	tree_set(row, "after", tree_share(after));
	tree_set(row, "what", what);
}

struct tree *difference_etc(const struct tree *a, const struct tree *b)
{
	_cleanup_(tree_freep) struct tree *before = entries_of(a), *after = entries_of(b);
	struct tree *rows = tree_new_array();

	for (struct tree_iter i = tree_iter(after); tree_next(&i);) {
		if (!tree_key(before, i.key))
			tree_set(row_add(rows, "added", i.key), "after", tree_share(i.value));
	}
	for (struct tree_iter i = tree_iter(before); tree_next(&i);) {
		if (!tree_key(after, i.key))
			tree_set(row_add(rows, "removed", i.key), "before", tree_share(i.value));
	}
	for (struct tree_iter i = tree_iter(before); tree_next(&i);) {
		const struct tree *now = tree_key(after, i.key);
		if (now)
			entry_compare(rows, i.key, i.value, now);
	}
	return rows;
}
