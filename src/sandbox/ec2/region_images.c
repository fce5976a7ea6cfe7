/* SPDX-License-Identifier: Apache-2.0
 *
 * A region's share of the table of public images: images, snapshots, parameters. */
#include "region_images.h"

#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "public_images.h"

/* One of a row's images. */
struct edition {
	const struct public_image *public;
	const struct public_version *version;
	bool foreign;
	const char *region;
};

static bool is_arm(const struct edition *edition)
{
	return str_eq(cloud_architecture(), "arm64") != edition->foreign;
}

static const char *spelled(const struct edition *edition)
{
	static const char *const spellings[][2] = {
		[LIKE_DEBIAN] = {"amd64", "arm64"},
		[LIKE_AMAZON] = {"x86_64", "arm64"},
		[LIKE_RED_HAT_AND_CO] = {"x86_64", "aarch64"},
	};
	return spellings[edition->public->spelling][is_arm(edition)];
}

static char *text_of(const struct edition *edition, const char *text, const char *version)
{
	return mem_printf(text, spelled(edition), version);
}

static int root_gib(const struct public_image *public)
{
	return public->root_gib == 0 ? 8 : public->root_gib;
}

static void make_public_snapshot(struct cloud *cloud, const struct edition *edition, const char *snapshot_id)
{
	const struct public_image *public = edition->public;
	struct tree *snapshot = snapshot_new(public->owner, snapshot_id, "vol-ffffffffffffffff0", root_gib(public),
					     edition->version->created);
	tree_set_text(snapshot, "status", "completed");
	tree_set_text(snapshot, "progress", "100%");
	state_put(cloud->state, public->owner, edition->region, "snapshot", snapshot_id, snapshot);
	tree_free(snapshot);
}

static void share_with_all(struct tree *image)
{
	struct tree *permission = tree_add_object(tree_set_array(image, "_launchPermission"));
	tree_set_text(permission, "group", "all");
	tree_set_bool(image, "isPublic", true);
}

static void set_product(struct tree *image, const struct public_image *public)
{
	if (public->platform != NULL)
		tree_set_text(image, "platformDetails", public->platform);
	if (public->usage != NULL)
		tree_set_text(image, "usageOperation", public->usage);
	if (public->product_code == NULL)
		return;
	struct tree *code = tree_add_object(tree_set_array(image, "productCodes"));
	tree_set_text(code, "productCode", public->product_code);
	tree_set_text(code, "type", "marketplace");
}

static void set_kind(struct tree *image, const struct edition *edition)
{
	const struct public_image *public = edition->public;
	const struct public_version *version = edition->version;
	tree_set_text(image, "architecture", is_arm(edition) ? "arm64" : "x86_64");
	tree_set_text(image, "imageState", version->state == NULL ? "available" : version->state);
	tree_set_text(image, "bootMode", public->guarded ? "uefi" : "uefi-preferred");
	if (public->root_device != NULL)
		tree_set_text(image, "rootDeviceName", public->root_device);
	if (version->deprecated != NULL)
		tree_set_text(image, "deprecationTime", version->deprecated);
	if (public->owner_alias != NULL)
		tree_set_text(image, "imageOwnerAlias", public->owner_alias);
	if (public->guarded)
		tree_set_text(image, "tpmSupport", "v2.0");
	if (public->guarded || public->imds_v2)
		tree_set_text(image, "imdsSupport", "v2.0");
	set_product(image, public);
}

static void make_public_image(struct cloud *cloud, const struct edition *edition, char id[ID_SIZE])
{
	const struct public_image *public = edition->public;
	const struct public_version *version = edition->version;
	char snapshot_id[ID_SIZE];
	_cleanup_(freep) char *name = text_of(edition, public->name, version->name);
	_cleanup_(freep) char *description = text_of(edition, public->description, version->name);
	_cleanup_(freep) char *seed = mem_printf("%s %s", edition->region, name);
	make_stable_id("ami-", seed, id);
	make_stable_id("snap-", seed, snapshot_id);
	make_public_snapshot(cloud, edition, snapshot_id);

	_cleanup_(tree_freep) struct tree *image = image_new(public->owner, id, name, version->created);
	tree_set_text(image, "description", description);
	set_kind(image, edition);
	tree_set_text(image, "_login", public->login_user);
	_cleanup_(freep) char *layer = mem_printf(BASE_LAYER "%s", public->base);
	tree_add_text(tree_set_array(image, "_layers"), layer);
	image_add_root(image, snapshot_id, root_gib(public), "gp3", false, NULL);
	share_with_all(image);
	state_put(cloud->state, public->owner, edition->region, "image", id, image);
}

static void make_public_parameter(struct cloud *cloud, const struct edition *edition, const char *name, const char *ami)
{
	int64_t created_ms = cloud->started_ms;
	if (!clock_parse_rfc3339(edition->version->created, &created_ms))
		return;
	_cleanup_(tree_freep) struct tree *parameter = tree_new_object();
	tree_set_text(parameter, "Name", name);
	tree_set_text(parameter, "Type", "String");
	tree_setf(parameter, "ARN", "arn:aws:ssm:%s::parameter%s", edition->region, name);
	tree_set_text(parameter, "Tier", "Standard");
	struct tree *one = tree_add_object(tree_set_array(parameter, "_versions"));
	tree_set_text(one, "Value", ami);
	tree_set_int(one, "Version", 1);
	tree_set_text(one, "Type", "String");
	tree_set_text(one, "DataType", "text");
	tree_set_text(one, "Tier", "Standard");
	tree_set_int(one, "_at", created_ms);
	tree_setf(one, "LastModifiedUser", "arn:aws:iam::%s:root", edition->public->owner);
	state_put(cloud->state, PUBLIC_PARAMETERS_ACCOUNT, edition->region, "parameter", name, parameter);
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

static char *latest_name(const struct edition *edition)
{
	const struct public_image *public = edition->public;
	return public->parameter == NULL ? text_of(edition, public->latest, "")
					 : text_of(edition, public->parameter, public->latest);
}

static void make_edition(struct cloud *cloud, const struct edition *edition)
{
	const struct public_image *public = edition->public;
	char id[ID_SIZE];
	make_public_image(cloud, edition, id);
	if (public->parameter != NULL) {
		_cleanup_(freep) char *name = text_of(edition, public->parameter, edition->version->name);
		make_public_parameter(cloud, edition, name, id);
	}
	if (public->latest != NULL && is_latest(edition->version)) {
		_cleanup_(freep) char *name = latest_name(edition);
		make_public_parameter(cloud, edition, name, id);
	}
}

static void make_versions(struct cloud *cloud, struct edition edition)
{
	const struct public_version *version = edition.foreign ? edition.public->foreign : edition.public->versions;
	for (; version != NULL && version->name != NULL; version++) {
		edition.version = version;
		make_edition(cloud, &edition);
	}
}

void region_add_images(struct cloud *cloud, const char *region)
{
	for (const struct public_image *public = public_images; public->base != NULL; public ++) {
		make_versions(cloud, (struct edition){.public = public, .region = region});
		make_versions(cloud, (struct edition){.public = public, .region = region, .foreign = true});
	}
}
