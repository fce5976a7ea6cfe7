/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking AWS on behalf of a build: what ends a call, how long to wait, which tags everything gets. */
#include <stdio.h>

#include "bakery/log.h"
#include "bakery/str.h"
#include "pipeline.h"

const struct stop *build_stop(const struct build *build)
{
	return build->cleaning ? build->context->leave : &build->stop;
}

int64_t build_seconds_left(const struct build *build)
{
	int64_t left = (build->deadline_mono_ms - clock_mono_ms()) / 1000;

	return left < 1 ? 1 : left;
}

bool build_account_check(struct build *build, struct error *err)
{
	struct aws_identity identity;

	if (!aws_identity(build->aws, build->plan->region, &identity, err))
		return false;
	if (str_eq(identity.account, build->plan->account))
		return true;
	return error_set(err, ERROR_DENIED, "it belongs to account %s, but the credentials are of %s",
			 build->plan->account, identity.account);
}

int64_t build_settle_s(const struct build *build)
{
	return build->context->settle_s ? build->context->settle_s : 60;
}

int64_t build_now_ms(const struct build *build)
{
	return build->aws ? aws_now_ms(build->aws) : clock_wall_ms();
}

/* Whoever made it may have had a clock of its own before AWS told it the time: never more than the whole time, nor less
 * as long as AWS has not said what time it is now. */
int64_t build_unsettled_s(const struct build *build, const struct hold *hold)
{
	int64_t settle_ms = build_settle_s(build) * 1000, age_ms = build_now_ms(build) - hold->since_ms;

	if (build->aws && !aws_now_is_told(build->aws))
		return build_settle_s(build);

	if (age_ms >= settle_ms)
		return 0;
	return (age_ms < 0 ? settle_ms : settle_ms - age_ms + 999) / 1000;
}

bool build_send(struct build *build, struct aws_call *call, struct tree **reply, struct error *err)
{
	call->stop = build_stop(build);
	return aws_send(build->aws, call, reply, err);
}

bool build_errors_join(const struct error *errors, size_t count, struct error *err)
{
	_cleanup_(str_free) struct str all = STR_INIT;
	const struct error *first = NULL;

	for (size_t i = 0; i < count; i++) {
		if (errors[i].kind == ERROR_NONE)
			continue;
		if (!first || (error_is(&errors[i], ERROR_STOPPED) && !error_is(first, ERROR_STOPPED)))
			first = &errors[i];
		str_addf(&all, "%s%s", all.len ? "; " : "", errors[i].text);
	}
	return !first || error_coded(err, first->kind, first->code, "%s", all.data);
}

static struct aws_wait_options wait_options(struct build *build, const char *region, int64_t timeout_s)
{
	return (struct aws_wait_options){.region = region, .timeout_s = timeout_s, .stop = build_stop(build)};
}

bool build_wait(struct build *build, enum aws_wait wait, const char *region, const char *id, int64_t timeout_s,
		struct tree **item, struct error *err)
{
	struct aws_wait_options options = wait_options(build, region, timeout_s);

	return aws_wait(build->aws, wait, id, &options, item, err);
}

/* What is not known of the last times, or cannot be kept for the next, is nothing to fail for: least of all when the
 * disk is full and what a build holds is being removed. */
static int64_t expected_of(struct build *build, const char *region, const char *name)
{
	struct error unknown = {0};
	int64_t expected_ms = 0;

	return store_wait_expected(build->store, region, name, &expected_ms, &unknown) ? expected_ms : 0;
}

static void learn(struct build *build, const char *region, const char *name, int64_t took_ms)
{
	struct error unwritten = {0};

	if (!store_wait_add(build->store, region, name, took_ms, &unwritten))
		log_debug(build->context->log, "%s: how long %s took is not kept: %s", build->id, name, unwritten.text);
}

/* Looking begins when it was done soonest of late; now and then earlier, since it may take less by now. */
static int64_t first_look_ms(int64_t expected_ms)
{
	unsigned char dice;

	crypto_random(&dice, sizeof(dice));
	return dice % 8 ? expected_ms : expected_ms - expected_ms / 8;
}

bool build_wait_learning(struct build *build, enum aws_wait wait, const char *name, const char *region, const char *id,
			 int64_t timeout_s, struct tree **item, struct error *err)
{
	struct aws_wait_options options = wait_options(build, region, timeout_s);
	struct watching watching = {.build = build, .region = region, .began_ms = clock_mono_ms()};

	options.expected_ms = expected_of(build, region, name);
	watching.expected_ms = options.expected_ms;
	options.expected_ms = first_look_ms(options.expected_ms);
	options.progress = wait == AWS_WAIT_image_available ? progress_show : NULL;
	options.cookie = &watching;
	if (!aws_wait(build->aws, wait, id, &options, item, err))
		return false;
	learn(build, region, name, clock_mono_ms() - watching.began_ms);
	return true;
}

/* Where it may be done long since, nothing is learnt. */
bool build_wait_since(struct build *build, enum aws_wait wait, const char *name, const char *region, const char *id,
		      int64_t began_ms, int64_t timeout_s, struct error *err)
{
	enum { TOGETHER_MS = 50, JUST_NOW_MS = 1000 };
	struct aws_wait_options options = wait_options(build, region, timeout_s);
	int64_t elapsed_ms = clock_mono_ms() - began_ms, expected_ms = expected_of(build, region, name);
	bool learns = elapsed_ms < (expected_ms ? expected_ms : JUST_NOW_MS);

	options.expected_ms = expected_ms - elapsed_ms > TOGETHER_MS ? expected_ms - elapsed_ms : TOGETHER_MS;
	if (!aws_wait(build->aws, wait, id, &options, NULL, err))
		return false;
	if (learns)
		learn(build, region, name, clock_mono_ms() - began_ms);
	return true;
}

struct tagging {
	struct aws_call *call;
	char list[32]; /* "TagSpecification.1.Tag" */
	int count;
};

static void tag(struct tagging *tagging, const char *key, const char *value)
{
	char path[64];

	if (!value)
		return;
	tagging->count++;
	snprintf(path, sizeof(path), "%s.%d.Key", tagging->list, tagging->count);
	aws_arg(tagging->call, path, key);
	snprintf(path, sizeof(path), "%s.%d.Value", tagging->list, tagging->count);
	aws_arg(tagging->call, path, value);
}

void build_expires(const struct build *build, char at[CLOCK_TEXT_SIZE])
{
	clock_rfc3339(build_now_ms(build) + (build_seconds_left(build) + BUILD_SPARE_S) * 1000, at);
}

static bool is_result(const char *resource_type)
{
	return str_eq(resource_type, "image") || str_eq(resource_type, "snapshot");
}

/* Results live on: they carry no date after which they may be swept, but the facts that people look for on an image. */
static void tag_all(const struct build *build, struct tagging *tagging, const char *name, bool is_result,
		    const char *purpose, const char *token)
{
	const struct plan *plan = build->plan;
	char expires[CLOCK_TEXT_SIZE];

	build_expires(build, expires);
	tag(tagging, "Name", name);
	tag(tagging, "bakery:build", build->id);
	tag(tagging, "bakery:recipe", plan->recipe);
	tag(tagging, "bakery:project", plan->project);
	tag(tagging, "bakery:purpose", purpose);
	tag(tagging, "bakery:token", token);
	if (is_result) {
		tag(tagging, "bakery:source", plan->source.ami);
		tag(tagging, "bakery:plan", plan->sha256);
	} else {
		tag(tagging, "bakery:expires", expires);
	}
	for (size_t i = 0; i < plan->tags.count; i++)
		tag(tagging, plan->tags.items[i].key, plan->tags.items[i].value);
}

void build_tag(const struct build *build, struct aws_call *call, int number, const char *resource_type,
	       const char *purpose, const char *token)
{
	bool result = is_result(resource_type);
	struct tagging tagging = {.call = call};
	char path[64];

	snprintf(path, sizeof(path), "TagSpecification.%d.ResourceType", number);
	aws_arg(call, path, resource_type);
	snprintf(tagging.list, sizeof(tagging.list), "TagSpecification.%d.Tag", number);
	tag_all(build, &tagging, result ? build->state.image_name : token, result, purpose, token);
}

void build_tag_plain(const struct build *build, struct aws_call *call, const char *list, const char *purpose,
		     const char *token)
{
	struct tagging tagging = {.call = call};

	snprintf(tagging.list, sizeof(tagging.list), "%s", list);
	tag_all(build, &tagging, token, false, purpose, token);
}
