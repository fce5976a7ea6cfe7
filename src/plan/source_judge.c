/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an image can be built on, and the sentence for each reason why not. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/str.h"
#include "facts_private.h"

const char *image_tag(const struct tree *image, const char *key)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "tagSet")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "key"), key))
			return tree_text_or(i.value, "value", "");
	}
	return NULL;
}

const char *processor_wanted(const struct recipe *recipe)
{
	const struct text_list *types = &recipe->launch.instance_types;
	const char *processor = recipe->source.ami ? recipe->source.ami->architecture : NULL;

	for (size_t i = 0; i < types->count && !processor; i++)
		processor = instance_type_processor(types->items[i]);
	return processor;
}

/* A type that the image cannot run on; NULL: none, as far as names tell. */
static const char *unfit_type(const struct recipe *recipe, const char *architecture)
{
	const struct text_list *types = &recipe->launch.instance_types;

	for (size_t i = 0; i < types->count; i++) {
		const char *has = instance_type_processor(types->items[i]);
		if (has && !str_eq(has, architecture))
			return types->items[i];
	}
	return NULL;
}

/* A date to come is fine: until then the publisher stands by the image. */
bool image_is_deprecated(const struct tree *image)
{
	const char *at = tree_text(image, "deprecationTime");
	int64_t at_ms;

	return at && clock_parse_rfc3339(at, &at_ms) && at_ms <= clock_wall_ms();
}

static bool may_be_deprecated(const struct recipe *recipe)
{
	return recipe->source.ami && recipe->source.ami->include_deprecated;
}

static bool has_other_processor(const struct recipe *recipe, const char *architecture)
{
	const char *wanted = processor_wanted(recipe);

	return (wanted && !str_eq(wanted, architecture)) || unfit_type(recipe, architecture);
}

enum image_lack image_lack_find(const struct gather *gather, const struct tree *image)
{
	const char *state = tree_text_or(image, "imageState", "");

	if (image_tag(image, "bakery:revoked"))
		return IMAGE_REVOKED;
	if (image_tag(image, "bakery:quarantined"))
		return IMAGE_QUARANTINED;
	if (str_eq(state, "disabled"))
		return IMAGE_DISABLED;
	if (!str_eq(state, "available"))
		return IMAGE_UNAVAILABLE;
	if (has_other_processor(gather->recipe, tree_text_or(image, "architecture", "x86_64")))
		return IMAGE_WRONG_PROCESSOR;
	if (!str_eq(tree_text_or(image, "rootDeviceType", "ebs"), "ebs"))
		return IMAGE_NOT_EBS;
	if (!str_eq(tree_text_or(image, "virtualizationType", "hvm"), "hvm"))
		return IMAGE_NOT_HVM;
	return image_is_deprecated(image) && !may_be_deprecated(gather->recipe) ? IMAGE_DEPRECATED : IMAGE_FINE;
}

const char *image_lack_name(enum image_lack lack)
{
	static const char *const names[IMAGE_LACKS] = {
		[IMAGE_FINE] = "left out by source.ami.filters",
		[IMAGE_REVOKED] = "revoked",
		[IMAGE_QUARANTINED] = "in quarantine",
		[IMAGE_DISABLED] = "disabled",
		[IMAGE_UNAVAILABLE] = "not available (pending or failed)",
		[IMAGE_WRONG_PROCESSOR] = "for another processor",
		[IMAGE_NOT_EBS] = "without an EBS root volume",
		[IMAGE_NOT_HVM] = "paravirtual",
		[IMAGE_DEPRECATED] = "deprecated",
	};

	return names[lack];
}

static bool refuse_parent(const struct tree *image, enum image_lack lack, struct error *err)
{
	const char *id = tree_text_or(image, "imageId", "?"), *recipe = image_tag(image, "bakery:recipe"),
		   *build = image_tag(image, "bakery:build");

	if (lack == IMAGE_REVOKED)
		error_set(err, ERROR_REFUSED, "%s was revoked: %s", id, image_tag(image, "bakery:revoked"));
	else
		error_set(err, ERROR_REFUSED, "%s is in quarantine: stage %s of its build failed", id,
			  image_tag(image, "bakery:quarantined"));
	return error_hint(err, "it is of build %s of recipe %s; build and publish that recipe anew",
			  build ? build : "?", recipe ? recipe : "?");
}

static bool refuse_unavailable(const struct tree *image, struct error *err)
{
	const char *id = tree_text_or(image, "imageId", "?"), *state = tree_text_or(image, "imageState", "?"),
		   *reason = tree_text(image, "stateReason.message");

	if (str_eq(state, "pending"))
		return error_set(err, ERROR_CONFLICT,
				 "%s is pending: it is still being made; try again when it is done", id);
	return error_set(err, ERROR_CONFLICT, "%s is %s%s%s; name another image", id, state, reason ? ": " : "",
			 reason ? reason : "");
}

static bool refuse_processor(const struct gather *gather, const struct tree *image, struct error *err)
{
	const char *id = tree_text_or(image, "imageId", "?"), *has = tree_text_or(image, "architecture", "x86_64"),
		   *type = unfit_type(gather->recipe, has);

	if (!type)
		return error_set(err, ERROR_INVALID, "%s is for %s, the recipe wants %s (source.ami.architecture)", id,
				 has, processor_wanted(gather->recipe));
	return error_set(err, ERROR_INVALID,
			 "%s is for %s, but launch.instance_types names %s, which is %s; name types of the image's "
			 "processor, or another image",
			 id, has, type, instance_type_processor(type));
}

static bool refuse_deprecated(const struct gather *gather, const struct tree *image, struct error *err)
{
	error_set(err, ERROR_INVALID, "%s (%s) is deprecated since %s", tree_text_or(image, "imageId", "?"),
		  tree_text_or(image, "name", "no name"), tree_text_or(image, "deprecationTime", "?"));
	if (gather->recipe->source.recipe)
		return error_hint(err, "build and publish recipe %s anew", gather->recipe->source.recipe->name);
	return error_hint(err, "name its successor; who must have this one finds it with source.ami and "
			       "include_deprecated: true");
}

bool image_refuse(const struct gather *gather, const struct tree *image, enum image_lack lack, struct error *err)
{
	const char *id = tree_text_or(image, "imageId", "?");

	switch (lack) {
	case IMAGE_REVOKED:
	case IMAGE_QUARANTINED:
		return refuse_parent(image, lack, err);
	case IMAGE_DISABLED:
		return error_set(err, ERROR_CONFLICT,
				 "%s is disabled: its owner lets nobody launch it; name another "
				 "image, or have it enabled (`aws ec2 enable-image`)",
				 id);
	case IMAGE_UNAVAILABLE:
		return refuse_unavailable(image, err);
	case IMAGE_WRONG_PROCESSOR:
		return refuse_processor(gather, image, err);
	case IMAGE_NOT_EBS:
		return error_set(err, ERROR_INVALID, "%s has no EBS root volume (%s); bakery bakes EBS images", id,
				 tree_text_or(image, "rootDeviceType", "?"));
	case IMAGE_NOT_HVM:
		return error_set(err, ERROR_INVALID, "%s is %s; today's instance types need hvm: name another image",
				 id, tree_text_or(image, "virtualizationType", "?"));
	case IMAGE_DEPRECATED:
		return refuse_deprecated(gather, image, err);
	case IMAGE_FINE:
	case IMAGE_LACKS:
		break;
	}
	return true;
}
