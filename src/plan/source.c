/* SPDX-License-Identifier: Apache-2.0
 *
 * The source image: found by owner and name, by a public parameter, by id, or as an image of our own. What cannot be
 * built on is passed over where there is a choice, and refused where there is none. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "facts_private.h"

/* --- what is kept of it --- */

static int64_t root_size_gib(const struct tree *image, const char *root_device)
{
	for (struct tree_iter i = tree_iter(tree_get(image, "blockDeviceMapping")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "deviceName"), root_device))
			return tree_int(i.value, "ebs.volumeSize", 0);
	}
	return 0;
}

static void product_codes_take(struct gather *gather, const struct tree *image)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "productCodes")); tree_next(&i);)
		text_list_append(&gather->facts->source.product_codes,
				 arena_strdup(gather->arena, tree_text_or(i.value, "productCode", "?")), gather->arena);
}

static bool source_fill(struct gather *gather, const struct tree *image, const char *found_by, struct error *err)
{
	struct plan_source *source = &gather->facts->source;
	struct arena *arena = gather->arena;

	source->ami = arena_strdup(arena, tree_text(image, "imageId"));
	source->name = arena_strdup(arena, tree_text(image, "name"));
	source->owner = arena_strdup(arena, tree_text(image, "imageOwnerId"));
	source->created = arena_strdup(arena, tree_text(image, "creationDate"));
	source->architecture = arena_strdup(arena, tree_text(image, "architecture"));
	source->root_device = arena_strdup(arena, tree_text(image, "rootDeviceName"));
	source->boot_mode = arena_strdup(arena, tree_text(image, "bootMode"));
	source->tpm = arena_strdup(arena, tree_text(image, "tpmSupport"));
	source->imds = arena_strdup(arena, tree_text(image, "imdsSupport"));
	source->ena = tree_bool(image, "enaSupport", false);
	if (image_is_deprecated(image))
		source->deprecated = arena_strdup(arena, tree_text(image, "deprecationTime"));
	source->found_by = found_by;
	if (!source->ami || !source->root_device)
		return error_set(err, ERROR_REMOTE, "its description has no id or root device");
	source->size_gib = root_size_gib(image, source->root_device);
	product_codes_take(gather, image);
	return ancestry_find(gather, image, err);
}

/* --- the newest of several --- */

/* Creation dates are RFC 3339 in UTC, so their order is the texts' order. Of two at once the later name, then id, so
 * that everybody takes the same. */
static bool is_newer(const struct tree *image, const struct tree *than)
{
	static const char *const keys[] = {"creationDate", "name", "imageId"};
	int order = than ? 0 : 1;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !order; i++)
		order = strcmp(tree_text_or(image, keys[i], ""), tree_text_or(than, keys[i], ""));
	return order > 0;
}

static const struct tree *newest(const struct gather *gather, const struct tree *images)
{
	const struct tree *best = NULL;

	for (struct tree_iter i = tree_iter(images); tree_next(&i);) {
		if (image_lack_find(gather, i.value) == IMAGE_FINE && is_newer(i.value, best))
			best = i.value;
	}
	return best;
}

static void filter_add(struct aws_call *call, size_t number, const char *name, const char *value)
{
	char path[48];

	snprintf(path, sizeof(path), "Filter.%zu.Name", number);
	aws_arg(call, path, name);
	snprintf(path, sizeof(path), "Filter.%zu.Value.1", number);
	aws_arg(call, path, value);
}

static struct aws_call owners_call(const struct gather *gather)
{
	const struct source_ami *ami = gather->recipe->source.ami;
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, gather->facts->region);
	char path[32];

	call.share_ms = SHARE_MS;
	for (size_t i = 0; i < ami->owners.count; i++) {
		snprintf(path, sizeof(path), "Owner.%zu", i + 1);
		aws_arg(&call, path, ami->owners.items[i]);
	}
	filter_add(&call, 1, "name", ami->name);
	return call;
}

/* Only available images, so that a publisher's pending or failed one is never taken for the newest. */
static bool matches_ask(struct gather *gather, struct tree **reply, struct error *err)
{
	const struct source_ami *ami = gather->recipe->source.ami;
	struct aws_call call = owners_call(gather);
	const char *processor = processor_wanted(gather->recipe);
	size_t number = 2;

	filter_add(&call, number++, "state", "available");
	if (processor)
		filter_add(&call, number++, "architecture", processor);
	for (size_t i = 0; i < ami->filters.count; i++)
		filter_add(&call, number++, ami->filters.items[i].key, ami->filters.items[i].value);
	if (ami->include_deprecated)
		aws_arg_bool(&call, "IncludeDeprecated", true);
	return aws_send(gather->aws, &call, reply, err);
}

static const char *wish_text(const struct gather *gather)
{
	const struct source_ami *ami = gather->recipe->source.ami;
	_cleanup_(str_free) struct str text = STR_INIT;

	for (size_t i = 0; i < ami->owners.count; i++)
		str_addf(&text, "%s%s", i ? ", " : "owner ", ami->owners.items[i]);
	str_addf(&text, ", name %s", ami->name);
	if (ami->architecture)
		str_addf(&text, ", architecture %s", ami->architecture);
	for (size_t i = 0; i < ami->filters.count; i++)
		str_addf(&text, ", %s %s", ami->filters.items[i].key, ami->filters.items[i].value);
	return arena_strdup(gather->arena, text.data);
}

/* "2 deprecated, 1 for another processor" */
static void counts_add(struct str *out, const size_t counts[IMAGE_LACKS])
{
	const char *before = "";

	for (size_t i = 0; i < IMAGE_LACKS; i++) {
		if (!counts[i])
			continue;
		str_addf(out, "%s%zu %s", before, counts[i], image_lack_name((enum image_lack)i));
		before = ", ";
	}
}

static const char *advice(const size_t counts[IMAGE_LACKS])
{
	if (counts[IMAGE_DEPRECATED])
		return "name the publisher's newer images, or set source.ami.include_deprecated";
	if (counts[IMAGE_WRONG_PROCESSOR])
		return "name images for the processor of launch.instance_types";
	if (counts[IMAGE_FINE])
		return "loosen source.ami.filters";
	return "name other images";
}

/* One look more, without the conditions, so that the sentence can tell what stood in the way. */
static bool none_matches(struct gather *gather, const char *wish, struct error *err)
{
	struct aws_call call = owners_call(gather);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	_cleanup_(str_free) struct str text = STR_INIT;
	size_t counts[IMAGE_LACKS] = {0}, count;
	const struct tree *last = NULL;

	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!aws_send(gather->aws, &call, &reply, err))
		return false;
	count = tree_count(tree_get(reply, "imagesSet"));
	if (!count)
		return error_set(err, ERROR_ABSENT,
				 "none in %s (%s): that owner has no image of that name there, or none that account %s "
				 "can see; compare source.ami with `aws ec2 describe-images --owners ...`",
				 gather->facts->region, wish, gather->facts->account);
	for (struct tree_iter i = tree_iter(tree_get(reply, "imagesSet")); tree_next(&i);) {
		counts[image_lack_find(gather, i.value)]++;
		last = is_newer(i.value, last) ? i.value : last;
	}
	counts_add(&text, counts);
	return error_set(err, ERROR_ABSENT,
			 "none in %s can be built on (%s); owner and name fit %zu: %s; the newest of them is %s (%s, "
			 "%.10s); %s",
			 gather->facts->region, wish, count, text.data, tree_text_or(last, "imageId", "?"),
			 tree_text_or(last, "name", "?"), tree_text_or(last, "creationDate", "?"), advice(counts));
}

static bool by_ami(struct gather *gather, struct error *err)
{
	const char *wish = wish_text(gather);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *image;

	if (!matches_ask(gather, &reply, err))
		return error_context(err, "(%s)", wish);
	image = newest(gather, tree_get(reply, "imagesSet"));
	return image ? source_fill(gather, image, wish, err) : none_matches(gather, wish, err);
}

/* --- one that is named --- */

static bool is_absent(const struct error *err)
{
	return error_is(err, ERROR_ABSENT) || str_eq(err->code, "InvalidAMIID.Unavailable");
}

/* *image: borrowed from *reply. A deprecated image is told by its id anyway, a disabled one only when asked for. */
static bool image_ask(struct gather *gather, const char *id, struct tree **reply, const struct tree **image,
		      struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, gather->facts->region);

	call.share_ms = SHARE_MS;
	aws_arg(&call, "ImageId.1", id);
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!aws_send(gather->aws, &call, reply, err) && !is_absent(err))
		return false;
	*image = tree_get(*reply, "imagesSet.1");
	if (*image)
		return true;
	return error_set(err, ERROR_ABSENT,
			 "there is no image %s in %s that account %s can see: it was deregistered, is not shared with "
			 "this account, or is of another region",
			 id, gather->facts->region, gather->facts->account);
}

static bool is_trusted(const struct gather *gather, const char *owner)
{
	return str_eq(owner, gather->facts->account) || text_list_has(&gather->settings->trusted_accounts, owner);
}

/* Who can write the parameter could otherwise have anybody's image built on. */
static bool owner_check(const struct gather *gather, const struct tree *image, struct error *err)
{
	const char *owner = tree_text_or(image, "imageOwnerId", "?");

	if (!gather->recipe->source.recipe || is_trusted(gather, owner))
		return true;
	return error_set(
		err, ERROR_REFUSED,
		"%s belongs to account %s; an image of source.recipe must be of this account (%s), or of one of "
		"the settings' trusted_accounts",
		tree_text_or(image, "imageId", "?"), owner, gather->facts->account);
}

static bool by_id(struct gather *gather, const char *id, const char *found_by, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *image;
	enum image_lack lack;

	if (!image_ask(gather, id, &reply, &image, err) || !owner_check(gather, image, err))
		return false;
	lack = image_lack_find(gather, image);
	return lack == IMAGE_FINE ? source_fill(gather, image, found_by, err) : image_refuse(gather, image, lack, err);
}

/* --- parameters --- */

/* The value is an id; ECS and EKS publish a JSON object that has it as image_id (ECS developer guide, "Retrieving
 * Amazon ECS-optimized AMI metadata"). */
static const char *id_in(struct gather *gather, const char *value)
{
	_cleanup_(tree_freep) struct tree *document = NULL;
	struct error no_json = {0};
	const char *id = value + strspn(value, " \t\r\n");

	if (*id == '{') {
		document = tree_from_json(id, strlen(id), &no_json);
		id = tree_text_or(document, "image_id", "");
	}
	return str_starts(id, "ami-") ? arena_strndup(gather->arena, id, strcspn(id, " \t\r\n")) : NULL;
}

static const char *parameter_hint(const char *name)
{
	if (str_starts(name, "/aws/service/"))
		return "`aws ssm get-parameters-by-path --recursive --path /aws/service/...` lists a publisher's";
	return "compare the name, and the region it was written in";
}

static bool parameter_ask(struct gather *gather, struct aws_call *call, const char *name, struct tree **reply,
			  struct error *err)
{
	aws_arg(call, "Name", name);
	if (aws_send(gather->aws, call, reply, err))
		return true;
	if (error_is(err, ERROR_ABSENT))
		error_coded(err, ERROR_ABSENT, "ParameterNotFound", "there is no parameter %s in %s", name,
			    gather->facts->region);
	return false;
}

static bool by_parameter(struct gather *gather, const char *name, const struct tree *reply, struct error *err)
{
	const char *value = tree_text_or(reply, "Parameter.Value", ""), *id = id_in(gather, value);
	long long version = tree_int(reply, "Parameter.Version", 0);
	const char *found_by = arena_printf(gather->arena, "parameter %s, version %lld", name, version);

	if (!id)
		return error_set(err, ERROR_INVALID, "parameter %s holds \"%.80s\", which names no image", name, value);
	return by_id(gather, id, found_by, err) || error_context(err, "parameter %s", name);
}

static bool by_ssm(struct gather *gather, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, gather->facts->region);
	const char *name = gather->recipe->source.ssm;
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.share_ms = SHARE_MS;
	if (parameter_ask(gather, &call, name, &reply, err))
		return by_parameter(gather, name, reply, err);
	if (str_eq(err->code, "ParameterNotFound"))
		error_hint(err, "%s", parameter_hint(name));
	return false;
}

/* Asked anew each time: the parent may have been published a moment ago, by this very process. */
static bool by_recipe(struct gather *gather, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, gather->facts->region);
	const struct source_recipe *source = gather->recipe->source.recipe;
	const char *name = arena_printf(gather->arena, "%s/%s/%s", gather->settings->parameter_prefix, source->name,
					source->channel);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	if (parameter_ask(gather, &call, name, &reply, err))
		return by_parameter(gather, name, reply, err);
	if (str_eq(err->code, "ParameterNotFound"))
		error_hint(err, "build and publish recipe %s to channel %s first", source->name, source->channel);
	return false;
}

bool source_find(struct gather *gather, struct error *err)
{
	const struct source *source = &gather->recipe->source;
	bool found;

	if (source->ami)
		found = by_ami(gather, err);
	else if (source->ssm)
		found = by_ssm(gather, err);
	else if (source->recipe)
		found = by_recipe(gather, err);
	else
		found = by_id(gather, source->id, arena_printf(gather->arena, "id %s", source->id), err);
	return found || error_context(err, "source image");
}
