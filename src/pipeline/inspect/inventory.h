/* SPDX-License-Identifier: Apache-2.0
 *
 * What is on a machine: its packages, its files under /etc and /opt. Told by inventory.sh, read by inventory_read.c,
 * made into a CycloneDX document by inventory_sbom.c. */
#ifndef BAKERY_PIPELINE_INVENTORY_H
#define BAKERY_PIPELINE_INVENTORY_H

#include "bakery/fields.h"
#include "bakery/mem.h"

struct package {
	const char *manager; /* "deb", "rpm": purl's types */
	const char *name, *architecture;
	const char *version;		     /* as the package manager compares it, an epoch before a colon */
	const char *source, *source_version; /* NULL: not known */
};
struct inventory_file {
	const char *path;
	const char *type;   /* "file", "directory", "link", "other" */
	const char *mode;   /* "0644" */
	const char *owner;  /* "root:root" */
	const char *sha256; /* of a file; NULL: it went while it was looked at */
	const char *target; /* of a link */
	int64_t size;
};
struct inventory {
	struct text_map os;	     /* os-release */
	const char *machine;	     /* "x86_64" */
	struct struct_list packages; /* of struct package, by manager, name, version, architecture; none twice */
	struct struct_list etc, opt; /* of struct inventory_file, by path; opt: only path and sha256 */
};

/* Everything lives in arena, and is UTF-8. */
bool inventory_read(const char *text, size_t length, struct arena *arena, struct inventory *out,
		    struct error *err) must_check;

/* What an inventory was taken of. */
struct inventory_subject {
	const char *build, *recipe, *image_name, *ami; /* ami: NULL when there is no image yet */
	const char *instance, *phase;		       /* phase: "verify", "provision" */
	int64_t at_ms;
};
/* CycloneDX 1.5; the same inventory and subject give the same text. */
struct tree *inventory_sbom(const struct inventory *inventory, const struct inventory_subject *subject);
struct tree *inventory_etc(const struct inventory *inventory, const struct inventory_subject *subject);

/* "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"; os: os-release. free() it. */
char *inventory_purl(const struct package *package, const struct text_map *os);

#endif
