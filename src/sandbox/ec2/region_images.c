/* SPDX-License-Identifier: Apache-2.0
 *
 * A region's share of the table of public images: images, snapshots, parameters. */
#include "region_images.h"

#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "public_images.h"

static const char *architecture_of(const struct public_image *public)
{
	return str_eq(cloud_architecture(), "arm64") != public->foreign ? "arm64" : "x86_64";
}

/* As Debian calls it. */
static const char *debian_architecture(const struct public_image *public)
{
	return str_eq(architecture_of(public), "arm64") ? "arm64" : "amd64";
}

static void make_public_snapshot(struct cloud *cloud, const struct public_image *public, const char *region,
				 const char *snapshot_id, const char *created)
{
	struct tree *snapshot = snapshot_new(public->owner, snapshot_id, "vol-ffffffffffffffff0", 8, created);
	tree_set_text(snapshot, "status", "completed");
	tree_set_text(snapshot, "progress", "100%");
	state_put(cloud->state, public->owner, region, "snapshot", snapshot_id, snapshot);
	tree_free(snapshot);
}

static void share_with_all(struct tree *image)
{
	struct tree *permission = tree_add_object(tree_set_array(image, "_launchPermission"));
	tree_set_text(permission, "group", "all");
	tree_set_bool(image, "isPublic", true);
}

static void set_kind(struct tree *image, const struct public_image *public, const struct public_version *version)
{
	tree_set_text(image, "architecture", architecture_of(public));
	tree_set_text(image, "imageState", version->state == NULL ? "available" : version->state);
	tree_set_text(image, "bootMode", public->guarded ? "uefi" : "uefi-preferred");
	if (version->deprecated != NULL)
		tree_set_text(image, "deprecationTime", version->deprecated);
	if (public->owner_alias != NULL)
		tree_set_text(image, "imageOwnerAlias", public->owner_alias);
	if (public->guarded) {
		tree_set_text(image, "tpmSupport", "v2.0");
		tree_set_text(image, "imdsSupport", "v2.0");
	}
	if (public->product_code == NULL)
		return;
	struct tree *code = tree_add_object(tree_set_array(image, "productCodes"));
	tree_set_text(code, "productCode", public->product_code);
	tree_set_text(code, "type", "marketplace");
}

static void make_public_image(struct cloud *cloud, const struct public_image *public, const char *region,
			      const struct public_version *version, char id[ID_SIZE])
{
	char snapshot_id[ID_SIZE];
	_cleanup_(freep) char *name = mem_printf(public->name, debian_architecture(public), version->name);
	_cleanup_(freep) char *description = mem_printf(public->description, version->name);
	_cleanup_(freep) char *seed = mem_printf("%s %s", region, name);
	make_stable_id("ami-", seed, id);
	make_stable_id("snap-", seed, snapshot_id);
	make_public_snapshot(cloud, public, region, snapshot_id, version->created);

	_cleanup_(tree_freep) struct tree *image = image_new(public->owner, id, name, version->created);
	tree_set_text(image, "description", description);
	set_kind(image, public, version);
	tree_set_text(image, "_login", public->login_user);
	_cleanup_(freep) char *layer = mem_printf("base:%s", public->base);
	tree_add_text(tree_set_array(image, "_layers"), layer);
	image_add_root(image, snapshot_id, 8, "gp3", false, NULL);
	share_with_all(image);
	state_put(cloud->state, public->owner, region, "image", id, image);
}

static void make_public_parameter(struct cloud *cloud, const struct public_image *public, const char *region,
				  const char *version, const char *created, const char *ami)
{
	int64_t created_ms = cloud->started_ms;
	if (!clock_parse_rfc3339(created, &created_ms))
		return;
	_cleanup_(freep) char *name = mem_printf(public->parameter, version, debian_architecture(public));
	_cleanup_(tree_freep) struct tree *parameter = tree_new_object();
	tree_set_text(parameter, "Name", name);
	tree_set_text(parameter, "Type", "String");
	tree_setf(parameter, "ARN", "arn:aws:ssm:%s::parameter%s", region, name);
	tree_set_text(parameter, "Tier", "Standard");
	struct tree *one = tree_add_object(tree_set_array(parameter, "_versions"));
	tree_set_text(one, "Value", ami);
	tree_set_int(one, "Version", 1);
	tree_set_text(one, "Type", "String");
	tree_set_text(one, "DataType", "text");
	tree_set_text(one, "Tier", "Standard");
	tree_set_int(one, "_at", created_ms);
	tree_setf(one, "LastModifiedUser", "arn:aws:iam::%s:root", public->owner);
	state_put(cloud->state, PUBLIC_PARAMETERS_ACCOUNT, region, "parameter", name, parameter);
}

static bool is_good(const struct public_version *version)
{
	return version->state == NULL && version->deprecated == NULL;
}

/* The newest that a publisher would point at. */
static bool is_latest(const struct public_version *version)
{
	if (!is_good(version))
		return false;
	while ((++version)->name != NULL)
		if (is_good(version))
			return false;
	return true;
}

static void make_versions(struct cloud *cloud, const struct public_image *public, const char *region)
{
	for (const struct public_version *version = public->versions; version->name != NULL; version++) {
		char id[ID_SIZE];
		make_public_image(cloud, public, region, version, id);
		if (public->parameter == NULL)
			continue;
		make_public_parameter(cloud, public, region, version->name, version->created, id);
		if (is_latest(version))
			make_public_parameter(cloud, public, region, "latest", version->created, id);
	}
}

void region_add_images(struct cloud *cloud, const char *region)
{
	for (const struct public_image *public = public_images; public->base != NULL; public ++)
		make_versions(cloud, public, region);
}
