/* SPDX-License-Identifier: Apache-2.0
 *
 * The software bill of materials: CycloneDX 1.5 (ECMA-424's predecessor; cyclonedx.org/docs/1.5/json), in an order that
 * depends on nothing but what is on the machine. And what lies under /etc, in a form of our own. */
#include <stdio.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/tree.h"
#include "config.h"
#include "inventory.h"

/* A UUID by name (RFC 9562, version 5) in its namespace for URLs. */
static void uuid_named(const char *name, char uuid[37])
{
	static const uint8_t namespace[16] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
					      0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
	static const char variants[] = "89ab";
	_cleanup_(str_free) struct str text = STR_INIT;
	char hex[41];
	int variant;

	str_add_n(&text, namespace, sizeof(namespace));
	str_add(&text, name);
	crypto_sha1_hex(text.data, text.len, hex);
	variant = (int)(strchr("0123456789abcdef", hex[16]) - "0123456789abcdef");
	snprintf(uuid, 37, "%.8s-%.4s-5%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13, variants[variant & 3], hex + 17,
		 hex + 20);
}

static void property(struct tree *component, const char *name, const char *value)
{
	struct tree *list = tree_key(component, "properties"), *one;

	if (!value || !*value)
		return;
	one = tree_add_object(list ? list : tree_set_array(component, "properties"));
	tree_set_text(one, "name", name);
	tree_set_text(one, "value", value);
}

static void metadata_add(struct tree *sbom, const struct inventory_subject *subject)
{
	struct tree *metadata = tree_set_object(sbom, "metadata"), *tool, *component;
	char at[CLOCK_TEXT_SIZE];

	clock_rfc3339(subject->at_ms, at);
	tree_set_text(metadata, "timestamp", at);
	tool = tree_add_object(tree_set_array(tree_set_object(metadata, "tools"), "components"));
	tree_set_text(tool, "type", "application");
	tree_set_text(tool, "name", "bakery");
	tree_set_text(tool, "version", BAKERY_VERSION);
	component = tree_set_object(metadata, "component");
	tree_set_text(component, "bom-ref", "image");
	tree_set_text(component, "type", "platform");
	tree_set_text(component, "name", subject->recipe);
	tree_set_text(component, "version", subject->build);
	property(component, "bakery:image_name", subject->image_name);
	property(component, "bakery:ami", subject->ami);
	property(metadata, "bakery:build", subject->build);
	property(metadata, "bakery:instance", subject->instance);
	property(metadata, "bakery:phase", subject->phase);
}

static void os_add(struct tree *components, const struct inventory *inventory)
{
	const char *id = text_map_get(&inventory->os, "ID"), *version = text_map_get(&inventory->os, "VERSION_ID");
	const char *name = text_map_get(&inventory->os, "PRETTY_NAME");
	struct tree *component = tree_add_object(components);

	tree_set_text(component, "bom-ref", "os");
	tree_set_text(component, "type", "operating-system");
	tree_set_text(component, "name", id ? id : "linux");
	if (version)
		tree_set_text(component, "version", version);
	if (name)
		tree_set_text(component, "description", name);
	property(component, "bakery:architecture", inventory->machine);
}

static void package_add(struct tree *components, const struct inventory *inventory, const struct package *package)
{
	_cleanup_(freep) char *purl = inventory_purl(package, &inventory->os);
	struct tree *component = tree_add_object(components);

	tree_set_text(component, "bom-ref", purl);
	tree_set_text(component, "type", "library");
	tree_set_text(component, "name", package->name);
	tree_set_text(component, "version", package->version);
	tree_set_text(component, "purl", purl);
	property(component, "bakery:package_type", package->manager);
	property(component, "bakery:architecture", package->architecture);
	property(component, "bakery:source", package->source);
	property(component, "bakery:source_version", package->source_version);
}

static void file_add(struct tree *components, const struct inventory_file *file)
{
	struct tree *component = tree_add_object(components), *hash;

	tree_set_text(component, "type", "file");
	tree_set_text(component, "name", file->path);
	hash = tree_add_object(tree_set_array(component, "hashes"));
	tree_set_text(hash, "alg", "SHA-256");
	tree_set_text(hash, "content", file->sha256);
}

struct tree *inventory_sbom(const struct inventory *inventory, const struct inventory_subject *subject)
{
	_cleanup_(freep) char *name = mem_printf("bakery:build:%s", subject->build);
	const struct inventory_file *files = inventory->opt.items;
	const struct package *packages = inventory->packages.items;
	struct tree *sbom = tree_new_object(), *components;
	char uuid[37];

	uuid_named(name, uuid);
	tree_set_text(sbom, "$schema", "http://cyclonedx.org/schema/bom-1.5.schema.json");
	tree_set_text(sbom, "bomFormat", "CycloneDX");
	tree_set_text(sbom, "specVersion", "1.5");
	tree_setf(sbom, "serialNumber", "urn:uuid:%s", uuid);
	tree_set_int(sbom, "version", 1);
	metadata_add(sbom, subject);
	components = tree_set_array(sbom, "components");
	os_add(components, inventory);
	for (size_t i = 0; i < inventory->packages.count; i++)
		package_add(components, inventory, &packages[i]);
	for (size_t i = 0; i < inventory->opt.count; i++)
		file_add(components, &files[i]);
	return sbom;
}

struct tree *inventory_etc(const struct inventory *inventory, const struct inventory_subject *subject)
{
	const struct inventory_file *files = inventory->etc.items;
	struct tree *document = tree_new_object(), *list;
	char at[CLOCK_TEXT_SIZE];

	clock_rfc3339(subject->at_ms, at);
	tree_set_int(document, "format", 1);
	tree_set_text(document, "build", subject->build);
	tree_set_text(document, "instance", subject->instance);
	tree_set_text(document, "phase", subject->phase);
	tree_set_text(document, "at", at);
	list = tree_set_array(document, "files");
	for (size_t i = 0; i < inventory->etc.count; i++) {
		struct tree *file = tree_add_object(list);
		bool is_link = str_eq(files[i].type, "link");

		tree_set_text(file, "path", files[i].path);
		tree_set_text(file, "type", files[i].type);
		tree_set_text(file, "mode", files[i].mode);
		tree_set_text(file, "owner", files[i].owner);
		if (str_eq(files[i].type, "file")) {
			tree_set_int(file, "size", files[i].size);
			tree_set_text(file, "sha256", files[i].sha256);
		}
		if (is_link)
			tree_set_text(file, "target", files[i].target);
	}
	return document;
}
