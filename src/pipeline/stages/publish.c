/* SPDX-License-Identifier: Apache-2.0
 *
 * publish: the one thing that moves a pointer, one build at a time (turn.c), and never back to an older build. All
 * regions are made ready (image available, metadata written) before the first pointer moves; a pointer is read back,
 * since Parameter Store checks an image id only after it answered (SSM user guide, "aws:ec2:image"). Text it checks
 * before, and answers with its new version. */
#include <stdio.h>
#include <string.h>

#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "turn.h"

struct publishing {
	struct build *build;
	const struct build_image *image;
	const char *metadata;
};

static bool metadata_make(struct build *build, const char **metadata, struct error *err)
{
	_cleanup_(tree_freep) struct tree *document = tree_new_object();
	_cleanup_(str_free) struct str json = STR_INIT;
	char at[CLOCK_TEXT_SIZE], sbom_sha256[SHA256_HEX_SIZE];

	if (!inventory_sbom_sha256(build, sbom_sha256, err))
		return false;
	clock_rfc3339(build_now_ms(build), at);
	tree_set_text(document, "build", build->id);
	tree_set_text(document, "recipe", build->plan->recipe);
	tree_set_text(document, "image_name", build->state.image_name);
	tree_set_text(document, "source_image", build->plan->source.ami);
	tree_set_text(document, "source_name", build->plan->source.name);
	tree_set_text(document, "published", at);
	tree_set_text(document, "plan_sha256", build->plan->sha256);
	tree_set_text(document, "recipe_sha256", build->plan->recipe_sha256);
	tree_set_text(document, "gate", build->plan->verify_off ? "not tested" : "passed");
	if (*sbom_sha256)
		tree_set_text(document, "sbom_sha256", sbom_sha256);
	tree_to_json(document, &json);
	*metadata = arena_strdup(build->arena, json.data);
	return true;
}

/* *parameter: NULL when there is none yet. */
static bool parameter_get(struct build *build, const char *region, const char *name, struct tree **parameter,
			  struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, region);

	aws_arg(&call, "Name", name);
	if (build_send(build, &call, parameter, err))
		return true;
	if (!error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return true;
}

static bool parameter_send(struct build *build, const char *region, const char *name, const char *value,
			   const char *data_type, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_PutParameter, region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Name", name);
	aws_arg(&call, "Value", value);
	aws_arg(&call, "Type", "String");
	aws_arg(&call, "DataType", data_type);
	aws_argf(&call, "Description", "bakery: %s, channel %s", build->plan->recipe, build->plan->publish.channel);
	aws_arg_bool(&call, "Overwrite", true);
	if (!build_send(build, &call, &reply, err))
		return false;
	return tree_int(reply, "Version", 0) > 0 ||
	       error_set(err, ERROR_REMOTE, "PutParameter answered without a version of %s", name);
}

/* Until the parameter shows the value, but no longer than so many looks; *now is the parameter then, else NULL. */
static bool parameter_await(struct build *build, const char *region, const char *name, const char *value, int looks,
			    struct tree **now, struct error *err)
{
	enum { PAUSE_MS = 500 };

	for (*now = NULL; looks > 0; looks--) {
		_cleanup_(tree_freep) struct tree *reply = NULL;

		if (!parameter_get(build, region, name, &reply, err))
			return false;
		if (str_eq(tree_text(reply, "Parameter.Value"), value)) {
			*now = take(&reply);
			return true;
		}
		if (looks > 1 && !stop_sleep_ms(build_stop(build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return true;
}

static bool parameter_verify(struct build *build, const char *region, const char *name, const char *value,
			     struct tree **now, struct error *err)
{
	enum { LOOKS = 40 };

	if (!parameter_await(build, region, name, value, LOOKS, now, err))
		return false;
	return *now || error_set(err, ERROR_FAILED,
				 "%s was written but does not show %s; Parameter Store refuses an image id that it "
				 "cannot see in the region",
				 name, value);
}

/* When the answer is lost, the parameter is read before it is written once more: a pointer moves once. */
static bool parameter_put(struct build *build, const char *region, const char *name, const char *value,
			  const char *data_type, struct error *err)
{
	enum { TRIES = 5, LOOKS = 4 };

	for (int number = 1; !parameter_send(build, region, name, value, data_type, err); number++) {
		_cleanup_(tree_freep) struct tree *now = NULL;
		struct error lookup = {0};

		if (!error_is(err, ERROR_TRANSIENT) || number == TRIES)
			return false;
		build_note(build, "%s; looking whether %s was written all the same", err->text, name);
		if (!parameter_await(build, region, name, value, LOOKS, &now, &lookup)) {
			*err = lookup;
			return error_context(err, "looking for a write that was not answered");
		}
		if (now)
			return true;
	}
	return true;
}

/* A build's id begins with the second it started in, so that builds of other databases can be compared, too. */
static bool started_later(const char *other, const char *build)
{
	enum { SECOND = 15 }; /* "20261122-083012" */

	return other && strlen(other) > SECOND && strspn(other, "0123456789-") >= SECOND &&
	       strncmp(other, build, SECOND) > 0;
}

/* A pointer never goes back from a newer build to an older one. What cannot be read as bakery's metadata is no build's.
 */
static bool newer_check(const struct publishing *publishing, struct error *err)
{
	struct build *build = publishing->build;
	const struct plan_publish *publish = &build->plan->publish;
	_cleanup_(tree_freep) struct tree *reply = NULL, *metadata = NULL;
	struct error unreadable = {0};
	const char *value, *other;

	if (!parameter_get(build, publishing->image->region, publish->metadata_parameter, &reply, err))
		return false;
	value = tree_text(reply, "Parameter.Value");
	metadata = value ? tree_from_json(value, strlen(value), &unreadable) : NULL;
	other = tree_text(metadata, "build");
	if (!started_later(other, build->id))
		return true;
	return error_coded(err, ERROR_CONFLICT, BUILD_SUPERSEDED,
			   "%s: build %s, which started later than this one, publishes there already",
			   publish->parameter, other);
}

static bool region_ready(void *item, struct error *err)
{
	struct publishing *publishing = item;
	struct build *build = publishing->build;
	const struct build_image *image = publishing->image;

	if ((build->images_seen ||
	     build_wait(build, AWS_WAIT_image_available, image->region, image->ami, 60, NULL, err)) &&
	    newer_check(publishing, err))
		return true;
	return error_context(err, "%s", image->region);
}

static bool metadata_write(void *item, struct error *err)
{
	struct publishing *publishing = item;
	const char *region = publishing->image->region;

	if (parameter_put(publishing->build, region, publishing->build->plan->publish.metadata_parameter,
			  publishing->metadata, "text", err))
		return true;
	return error_context(err, "%s", region);
}

/* An earlier try of a resumed build may have written it. */
static bool pointer_write(const struct publishing *publishing, struct error *err)
{
	struct build *build = publishing->build;
	const struct build_image *image = publishing->image;
	const char *name = build->plan->publish.parameter;
	_cleanup_(tree_freep) struct tree *before = NULL;

	if (!build->images_seen && !parameter_get(build, image->region, name, &before, err))
		return false;
	return str_eq(tree_text(before, "Parameter.Value"), image->ami) ||
	       parameter_put(build, image->region, name, image->ami, "aws:ec2:image", err);
}

/* The value of the version before: our own record knows it when we wrote that one, else Parameter Store does. */
static bool previous_find(const struct publishing *publishing, int64_t version, struct arena *arena, const char **value,
			  struct error *err)
{
	struct build *build = publishing->build;
	const char *region = publishing->image->region, *name = build->plan->publish.parameter;
	_cleanup_(tree_freep) struct tree *before = NULL;
	struct parameter_row last;

	*value = NULL;
	if (version <= 1)
		return true;
	if (!store_parameter_last(build->store, build->plan->recipe, region, name, arena, &last, err))
		return false;
	if (last.value && last.version == version - 1) {
		*value = last.value;
		return true;
	}
	if (!parameter_get(build, region, arena_printf(arena, "%s:%lld", name, (long long)version - 1), &before, err))
		return false;
	*value = arena_strdup(arena, tree_text(before, "Parameter.Value"));
	return true;
}

static bool pointer_move(struct publishing *publishing, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build *build = publishing->build;
	const struct build_image *image = publishing->image;
	const char *name = build->plan->publish.parameter;
	_cleanup_(tree_freep) struct tree *now = NULL;
	struct parameter_row row = {.build = build->id, .region = image->region, .name = name, .value = image->ami};

	if (!pointer_write(publishing, err) || !parameter_verify(build, image->region, name, image->ami, &now, err))
		return false;
	row.version = tree_int(now, "Parameter.Version", 0);
	row.at_ms = build_now_ms(build);
	if (!previous_find(publishing, row.version, arena, &row.previous, err))
		return false;
	build_note(build, "%s: %s = %s (version %lld)", image->region, name, image->ami, (long long)row.version);
	return store_parameter_add(build->store, &row, err) &&
	       store_image_state(build->store, build->id, image->region, "published", err);
}

static bool pointer_move_one(void *item, struct error *err)
{
	struct publishing *publishing = item;

	return pointer_move(publishing, err) || error_context(err, "%s", publishing->image->region);
}

/* In all regions, whatever becomes of one of them; all that failed is told. */
static bool everywhere(struct publishing *items, size_t count, bool (*run)(void *item, struct error *err),
		       struct error *err)
{
	_cleanup_(freep) struct error *errors = mem_array(count, sizeof(*errors));
	struct error first = {0};

	return parallel_each(items, count, sizeof(*items), 0, run, errors, &first) ||
	       build_errors_join(errors, count, err);
}

static bool regions_publish(struct build *build, struct error *err)
{
	size_t count = build->state.images.count;
	_cleanup_(freep) struct publishing *items = mem_array(count, sizeof(*items));
	const char *metadata;

	if (!metadata_make(build, &metadata, err))
		return false;
	for (size_t i = 0; i < count; i++)
		items[i] = (struct publishing){build, (struct build_image *)build->state.images.items + i, metadata};
	return everywhere(items, count, region_ready, err) && turn_keep(build, err) &&
	       everywhere(items, count, metadata_write, err) && turn_keep(build, err) &&
	       everywhere(items, count, pointer_move_one, err);
}

static bool images_publish(struct build *build, struct error *err)
{
	bool done;

	if (!turn_wait(build, err))
		return false;
	done = regions_publish(build, err);
	turn_end(build);
	if (!done && str_eq(err->code, BUILD_SUPERSEDED))
		error_hint(err, "a pointer is never moved back, so nothing is to be done: a newer image is out");
	return done;
}

bool stage_publish(struct build *build, struct error *err)
{
	if (!build->plan->publish.channel)
		build_note(build, "the recipe names no channel; nothing is published");
	else if (!images_publish(build, err))
		return false;
	quarantine_end(build);
	return build_release_results(build, err);
}

bool stage_tidy(struct build *build, struct error *err)
{
	size_t dropped;

	build->cleaning = true;
	return build_drop_held(build, DROP_ALL_BUT_RESULTS, &dropped, err);
}
