/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2 answers a description of many ids with an error when a single one is unknown ("The instance IDs 'i-1, i-2' do not
 * exist"). So those it names are taken out and the rest is asked for again; when it names none of ours, each id is
 * asked for by itself. */
#include "wait_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"

static const struct wait_row rows[AWS_WAIT_COUNT] = {
#define WAIT(name, operation, ids, list, id, state, wanted, fatal, absent)                                             \
	{AWS_##operation, ids, list, id, state, wanted, fatal, ABSENT_##absent},
#include "waits.def"
#undef WAIT
};

const struct wait_row *wait_row(enum aws_wait wait)
{
	return &rows[wait];
}

void look_clear(struct look *look)
{
	tree_free(look->item);
	look->item = NULL;
	look->outcome = LOOK_ABSENT;
}

void look_copy(const struct look *from, struct look *to)
{
	to->outcome = from->outcome;
	to->item = tree_copy(from->item); /* json-c's counts are not for several threads */
	if (from->outcome == LOOK_FAILED)
		to->err = from->err;
}

void list_each(const struct tree *tree, const char *path, void (*each)(void *cookie, const struct tree *item),
	       void *cookie)
{
	const char *star = strstr(path, ".*.");
	_cleanup_(freep) char *first = mem_strndup(path, star ? (size_t)(star - path) : strlen(path));
	for (struct tree_iter i = tree_iter(tree_get(tree, first)); tree_next(&i);) {
		if (star)
			list_each(i.value, star + 3, each, cookie);
		else
			each(cookie, i.value);
	}
}

/* The looks of one call. */
struct batch {
	const struct wait_row *row;
	const char *region;
	const struct stop *stop;
	struct look **looks;
	size_t count;
};

static void take_item(void *cookie, const struct tree *item)
{
	struct batch *batch = cookie;
	const char *id = tree_text(item, batch->row->id);
	for (size_t i = 0; i < batch->count; i++) {
		if (!str_eq(batch->looks[i]->id, id))
			continue;
		look_clear(batch->looks[i]);
		batch->looks[i]->outcome = LOOK_FOUND;
		batch->looks[i]->item = tree_copy(item);
	}
}

static bool ask(struct aws *aws, struct batch *batch, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct aws_call call = aws_call(batch->row->operation, batch->region);
	call.stop = batch->stop;
	for (size_t i = 0; i < batch->count; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s.%zu", batch->row->ids, i + 1);
		aws_arg(&call, path, batch->looks[i]->id);
	}
	if (!aws_send(aws, &call, &reply, err))
		return false;
	list_each(reply, batch->row->list, take_item, batch);
	return true;
}

static void fail_all(struct batch *batch, const struct error *err)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->looks[i]->outcome = LOOK_FAILED;
		batch->looks[i]->err = *err;
	}
}

/* Leaves only those that the message does not name; the others stay absent. */
static void remove_named(struct batch *batch, const char *message)
{
	size_t left = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (!strstr(message, batch->looks[i]->id))
			batch->looks[left++] = batch->looks[i];
	batch->count = left;
}

static void ask_each(struct aws *aws, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch one = {batch->row, batch->region, batch->stop, &batch->looks[i], 1};
		struct error err;
		if (!ask(aws, &one, &err) && err.kind != ERROR_ABSENT)
			fail_all(&one, &err);
	}
}

void look_up(struct aws *aws, const struct wait_row *row, const char *region, const struct stop *stop,
	     struct look *looks, size_t count)
{
	_cleanup_(freep) struct look **pointers = mem_array(count, sizeof *pointers);
	struct batch batch = {row, region, stop, pointers, count};
	struct error err;
	for (size_t i = 0; i < count; i++)
		pointers[i] = &looks[i];
	while (batch.count > 0 && !ask(aws, &batch, &err)) {
		size_t before = batch.count;
		bool one_of_many = err.kind == ERROR_ABSENT || err.kind == ERROR_REMOTE;
		if (err.kind == ERROR_ABSENT)
			remove_named(&batch, err.text);
		if (batch.count < before)
			continue;
		if (one_of_many && batch.count > 1)
			ask_each(aws, &batch);
		else if (err.kind != ERROR_ABSENT)
			fail_all(&batch, &err);
		return;
	}
}
