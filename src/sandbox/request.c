/* SPDX-License-Identifier: Apache-2.0
 *
 * What every handler needs: arguments, documents of the state, ids, pages. */
#include "request.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"

bool refuse(struct request *rq, const char *code, const char *fmt, ...)
{
	va_list args;
	rq->refusal.status = 0;
	snprintf(rq->refusal.code, sizeof rq->refusal.code, "%s", code);
	va_start(args, fmt);
	vsnprintf(rq->refusal.message, sizeof rq->refusal.message, fmt, args);
	va_end(args);
	return false;
}

/* --- arguments --- */

const char *arg(const struct request *rq, const char *path)
{
	return tree_text(rq->args, path);
}

const char *arg_or(const struct request *rq, const char *path, const char *otherwise)
{
	return tree_text_or(rq->args, path, otherwise);
}

bool arg_bool(const struct request *rq, const char *path, bool otherwise)
{
	const char *text = arg(rq, path);
	return text == NULL ? otherwise : strcasecmp(text, "true") == 0;
}

int64_t arg_int(const struct request *rq, const char *path, int64_t otherwise)
{
	return tree_int(rq->args, path, otherwise);
}

const struct tree *arg_tree(const struct request *rq, const char *path)
{
	return tree_get(rq->args, path);
}

bool list_has(const struct tree *list, const char *text)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);)
		if (str_eq(tree_text(i.value, NULL), text))
			return true;
	return false;
}

/* --- documents --- */

bool object_visible(const struct request *rq, const struct tree *document)
{
	int64_t made_ms = tree_int(document, "_made", 0);
	if (made_ms == 0)
		return true;
	_cleanup_(freep) char *own = mem_printf("lag.%s", tree_text_or(document, "_kind", ""));
	int64_t lag_ms = settings_count(rq->cloud->settings, own, settings_ms(rq->cloud->settings, "lag"));
	return made_ms + lag_ms <= rq->now_ms;
}

struct tree *find_object(struct request *rq, const char *kind, const char *id)
{
	if (id == NULL)
		return NULL;
	struct tree *document = state_get(rq->cloud->state, rq->caller.account, rq->region, kind, id);
	if (document == NULL || object_visible(rq, document))
		return document;
	tree_free(document);
	return NULL;
}

struct tree *list_objects(struct request *rq, const char *kind)
{
	_cleanup_(tree_freep) struct tree *all = state_list(rq->cloud->state, rq->caller.account, rq->region, kind);
	struct tree *seen = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (object_visible(rq, i.value))
			tree_add(seen, tree_share(i.value));
	return seen;
}

void put_object(struct request *rq, const char *kind, const char *id, struct tree *document)
{
	tree_set_text(document, "_account", rq->caller.account);
	state_put(rq->cloud->state, rq->caller.account, rq->region, kind, id, document);
}

void put_new_object(struct request *rq, const char *kind, const char *id, struct tree *document)
{
	tree_set_int(document, "_made", rq->now_ms);
	tree_set_text(document, "_kind", kind);
	put_object(rq, kind, id, document);
}

void remove_object(struct request *rq, const char *kind, const char *id)
{
	state_remove(rq->cloud->state, rq->caller.account, rq->region, kind, id);
}

struct tree *need_object(struct request *rq, const char *kind, const char *id, const char *code, const char *noun)
{
	struct tree *document = find_object(rq, kind, id);
	if (document == NULL)
		refuse(rq, code, "The %s '%s' does not exist", noun, id == NULL ? "" : id);
	return document;
}

struct tree *need_objects(struct request *rq, const char *kind, const char *path, const char *code, const char *noun)
{
	_cleanup_(tree_freep) struct tree *found = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, path)); tree_next(&i);) {
		struct tree *document = need_object(rq, kind, tree_text(i.value, NULL), code, noun);
		if (document == NULL)
			return NULL;
		tree_add(found, document);
	}
	return take(&found);
}

/* --- ids --- */

bool check_id(struct request *rq, const char *id, const char *prefix, const char *code)
{
	size_t length = strlen(prefix);
	bool good = id != NULL && strncmp(id, prefix, length) == 0;
	size_t digits = good ? strspn(id + length, "0123456789abcdef") : 0;
	if (good && (digits == 8 || digits == 17) && id[length + digits] == '\0')
		return true;
	return refuse(rq, code, "Invalid id: \"%s\" (expecting \"%s...\")", id == NULL ? "" : id, prefix);
}

void make_id(const char *prefix, char id[ID_SIZE])
{
	char digits[18];
	crypto_random_hex(digits, 17);
	snprintf(id, ID_SIZE, "%s%s", prefix, digits);
}

void make_stable_id(const char *prefix, const char *seed, char id[ID_SIZE])
{
	char hex[SHA256_HEX_SIZE];
	_cleanup_(freep) char *text = mem_printf("bakery sandbox %s%s", prefix, seed);
	crypto_sha256_hex(text, strlen(text), hex);
	snprintf(id, ID_SIZE, "%s%.17s", prefix, hex);
}

const char *ec2_time(int64_t wall_ms, char text[EC2_TIME_SIZE])
{
	clock_rfc3339_ms(wall_ms, text);
	return text;
}

/* --- replies --- */

/* A page's token is its offset, dressed up so that nobody counts on it. */
#define TOKEN_PREFIX "bakery-page-"

static bool token_offset(const char *token, int64_t *offset)
{
	return str_starts(token, TOKEN_PREFIX) && str_to_int(token + strlen(TOKEN_PREFIX), offset) && *offset >= 0;
}

bool reply_page(struct request *rq, const char *key, struct tree *items)
{
	_cleanup_(tree_freep) struct tree *all = items;
	int64_t most = arg_int(rq, "MaxResults", 0), offset = 0;
	const char *token = arg(rq, "NextToken");
	if (token != NULL && *token != '\0' && !token_offset(token, &offset))
		return refuse(rq, "InvalidParameterValue", "The token '%s' is invalid", token);
	struct tree *page = tree_set_array(rq->reply, key);
	size_t last = most > 0 ? (size_t)(offset + most) : tree_count(all);
	for (size_t i = (size_t)offset; i < tree_count(all) && i < last; i++)
		tree_add(page, tree_share(tree_at(all, i)));
	if (last < tree_count(all))
		tree_setf(rq->reply, "nextToken", TOKEN_PREFIX "%zu", last);
	return true;
}

void reply_return(struct request *rq)
{
	tree_set_bool(rq->reply, "return", true);
}

/* --- transitions --- */

void want_job_in_turn(struct request *rq, const char *kind, const char *id, const char *turn)
{
	if (rq->job_count == ARRAY_SIZE(rq->jobs))
		return;
	struct wanted_job *job = &rq->jobs[rq->job_count++];
	snprintf(job->kind, sizeof job->kind, "%s", kind);
	snprintf(job->region, sizeof job->region, "%s", rq->region);
	snprintf(job->id, sizeof job->id, "%s", id);
	snprintf(job->turn, sizeof job->turn, "%s", turn);
}

void want_job(struct request *rq, const char *kind, const char *id)
{
	want_job_in_turn(rq, kind, id, id);
}
