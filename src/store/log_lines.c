/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of a build: lines are gathered in memory and written a second's worth at a time, as one compressed row.
 * Inside, each line is a head
 * ("time stage step stream length", tabs between) and then its bytes, whatever they are, and a newline. */
#include <stdlib.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/store.h"
#include "db.h"

enum { FLUSH_EVERY_S = 1, FLUSH_AT_BYTES = 256 * 1024 };

struct pending { /* of one build */
	char build[BUILD_ID_SIZE];
	struct str lines;
	int64_t count, first_ms, last_ms;
};

/* Its lock is taken inside a transaction or alone, never around one. */
struct log_buffer {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct pending *pending;
	size_t count;
	pthread_t thread;
	bool running, ending;
};

struct log_buffer *log_buffer_new(struct store *store)
{
	struct log_buffer *buffer = mem_alloc(sizeof(*buffer));
	buffer->store = store;
	pthread_mutex_init(&buffer->lock, NULL);
	condition_init(&buffer->wake);
	return buffer;
}

static void pending_free(struct pending *pending, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_free(&pending[i].lines);
	free(pending);
}

static bool pending_write(struct store *store, const struct pending *pending, struct error *err)
{
	_cleanup_(str_free) struct str packed = STR_INIT;
	int64_t id;
	if (!db_build_id(store, pending->build, &id, err))
		return false;
	pack(pending->lines.data, pending->lines.len, &packed);
	return db_run(store, "INSERT INTO log (build, first_ms, last_ms, lines, size, data) VALUES (?, ?, ?, ?, ?, ?)",
		      VALUES(value_int(id), value_int(pending->first_ms), value_int(pending->last_ms),
			     value_int(pending->count), value_int((int64_t)pending->lines.len),
			     value_blob(packed.data, packed.len)),
		      err);
}

static struct pending *buffer_swap(struct log_buffer *buffer, size_t *count)
{
	pthread_mutex_lock(&buffer->lock);
	struct pending *taken = buffer->pending;
	*count = buffer->count;
	buffer->pending = NULL;
	buffer->count = 0;
	pthread_mutex_unlock(&buffer->lock);
	return taken;
}

static struct pending *pending_of(struct log_buffer *buffer, const char *build)
{
	for (size_t i = 0; i < buffer->count; i++) {
		if (str_eq(buffer->pending[i].build, build))
			return &buffer->pending[i];
	}
	buffer->pending = mem_grow(buffer->pending, buffer->count + 1, sizeof(*buffer->pending));
	struct pending *pending = &buffer->pending[buffer->count++];
	*pending = (struct pending){.lines = STR_INIT};
	strncat(pending->build, build, sizeof(pending->build) - 1);
	return pending;
}

/* What could not be written goes back before what came since. */
static void buffer_restore(struct log_buffer *buffer, const struct pending *taken, size_t count)
{
	pthread_mutex_lock(&buffer->lock);
	for (size_t i = 0; i < count; i++) {
		struct pending *now = pending_of(buffer, taken[i].build);
		_cleanup_(str_free) struct str all = STR_INIT;
		str_add_n(&all, taken[i].lines.data, taken[i].lines.len);
		str_add_n(&all, now->lines.data, now->lines.len);
		now->last_ms = now->count ? now->last_ms : taken[i].last_ms;
		now->first_ms = taken[i].first_ms;
		now->count += taken[i].count;
		str_free(&now->lines);
		now->lines = all;
		all = (struct str)STR_INIT;
	}
	pthread_mutex_unlock(&buffer->lock);
}

/* Lines of a build that does not exist would be in the way for ever: they are dropped, and said. */
static bool flush_inside(struct store *store, struct transaction *transaction, const struct pending *taken,
			 size_t count, struct error *err)
{
	struct error absent = {0};
	for (size_t i = 0; i < count; i++) {
		if (pending_write(store, &taken[i], err))
			continue;
		if (!error_is(err, ERROR_ABSENT))
			return false;
		absent = *err;
	}
	if (!transaction_commit(transaction, err))
		return false;
	*err = absent;
	return absent.kind == ERROR_NONE;
}

static bool buffer_empty(struct log_buffer *buffer)
{
	pthread_mutex_lock(&buffer->lock);
	bool empty = buffer->count == 0;
	pthread_mutex_unlock(&buffer->lock);
	return empty;
}

static bool flush(struct store *store,
		  bool (*begin)(struct transaction *transaction, struct store *store, struct error *err),
		  struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	size_t count;
	if (buffer_empty(store->log))
		return true;
	if (!begin(&transaction, store, err))
		return error_context(err, "log");
	/* Taken while the transaction is held, so that two flushes cannot change the order. */
	struct pending *taken = buffer_swap(store->log, &count);
	bool written = flush_inside(store, &transaction, taken, count, err);
	if (!written && !error_is(err, ERROR_ABSENT))
		buffer_restore(store->log, taken, count);
	pending_free(taken, count);
	return written || error_context(err, "log");
}

bool log_buffer_flush(struct store *store, struct error *err)
{
	return flush(store, transaction_write_lazily, err);
}

static void wait_a_while(struct log_buffer *buffer)
{
	int64_t until_ms = clock_mono_ms() + FLUSH_EVERY_S * 1000;
	pthread_mutex_lock(&buffer->lock);
	while (!buffer->ending && condition_wait(&buffer->wake, &buffer->lock, until_ms))
		;
	pthread_mutex_unlock(&buffer->lock);
}

static bool is_ending(struct log_buffer *buffer)
{
	pthread_mutex_lock(&buffer->lock);
	bool ending = buffer->ending;
	pthread_mutex_unlock(&buffer->lock);
	return ending;
}

/* A failure leaves the lines where they are; whoever adds too many, or ends a stage, meets it again and reports it. */
static void *flush_now_and_then(void *argument)
{
	struct log_buffer *buffer = argument;
	while (!is_ending(buffer)) {
		struct error ignored = {0};
		wait_a_while(buffer);
		if (!flush(buffer->store, transaction_write_in_passing, &ignored))
			continue;
	}
	return NULL;
}

void log_buffer_free(struct log_buffer *buffer)
{
	struct error ignored = {0};
	pthread_mutex_lock(&buffer->lock);
	buffer->ending = true;
	pthread_cond_broadcast(&buffer->wake);
	pthread_mutex_unlock(&buffer->lock);
	if (buffer->running)
		pthread_join(buffer->thread, NULL);
	bool written = buffer_empty(buffer) || log_buffer_flush(buffer->store, &ignored);
	if (!written)
		pending_free(buffer->pending, buffer->count);
	pthread_cond_destroy(&buffer->wake);
	pthread_mutex_destroy(&buffer->lock);
	free(buffer);
}

static void add_name(struct str *out, const char *name)
{
	for (; name && *name; name++)
		str_add_char(out, *name == '\t' || *name == '\n' ? ' ' : *name);
	str_add_char(out, '\t');
}

static void pending_add(struct pending *pending, const struct log_line *line)
{
	str_addf(&pending->lines, "%lld\t", (long long)line->at_ms);
	add_name(&pending->lines, line->stage);
	add_name(&pending->lines, line->step);
	add_name(&pending->lines, line->stream);
	str_addf(&pending->lines, "%zu\n", line->length);
	str_add_n(&pending->lines, line->data, line->length);
	str_add_char(&pending->lines, '\n');
	if (!pending->count++)
		pending->first_ms = line->at_ms;
	pending->last_ms = line->at_ms;
}

bool store_log_add(struct store *store, const char *build, const char *stage, const char *step, const char *stream,
		   int64_t at_ms, const char *data, size_t length, struct error *err)
{
	struct log_line line = {
		.at_ms = at_ms, .stage = stage, .step = step, .stream = stream, .data = data, .length = length};
	struct log_buffer *buffer = store->log;
	pthread_mutex_lock(&buffer->lock);
	struct pending *pending = pending_of(buffer, build);
	pending_add(pending, &line);
	bool full = pending->lines.len >= FLUSH_AT_BYTES;
	if (!buffer->running)
		buffer->running = pthread_create(&buffer->thread, NULL, flush_now_and_then, buffer) == 0;
	pthread_mutex_unlock(&buffer->lock);
	return !full || log_buffer_flush(store, err);
}

/* The next tab-separated word of the head, ended with a NUL. */
static char *word(char **at)
{
	return strsep(at, "\t");
}

static bool line_next(char **at, char *end, struct log_line *line)
{
	char *head = *at, *newline = memchr(head, '\n', (size_t)(end - head));
	int64_t length;
	if (!newline)
		return false;
	*newline = '\0';
	const char *time = word(&head);
	line->stage = head ? word(&head) : NULL;
	line->step = head ? word(&head) : NULL;
	line->stream = head ? word(&head) : NULL;
	if (!head || !str_to_int(time, &line->at_ms) || !str_to_int(head, &length) || length < 0 ||
	    length > end - newline - 2)
		return false;
	line->length = (size_t)length;
	line->data = newline + 1;
	*at = newline + 1 + length + 1;
	return true;
}

struct reading {
	int64_t id, last;
	bool more;
	struct str lines;
};

static bool rows_read(struct store *store, struct reading *reading, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT id, data, size FROM log WHERE build = ? AND id > ? ORDER BY id LIMIT 1",
			VALUES(value_int(reading->id), value_int(reading->last)));
	reading->more = rows_next(&rows);
	if (!reading->more)
		return rows_ok(&rows, err);
	size_t length;
	const void *data = rows_blob(&rows, 1, &length);
	reading->last = rows_int(&rows, 0);
	return unpack(data, length, (size_t)rows_int(&rows, 2), &reading->lines, err);
}

static bool reading_next(struct store *store, const char *build, struct reading *reading, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	return transaction_read(&transaction, store, err) &&
	       (reading->id || db_build_id(store, build, &reading->id, err)) && rows_read(store, reading, err) &&
	       transaction_commit(&transaction, err);
}

static void reading_free(struct reading *reading)
{
	str_free(&reading->lines);
}

/* No lock is held while print runs: a pipe that nobody reads stops only the reader. */
bool store_log_read(struct store *store, const char *build, bool (*print)(void *cookie, const struct log_line *line),
		    void *cookie, struct error *err)
{
	_cleanup_(reading_free) struct reading reading = {.lines = STR_INIT};
	while (reading_next(store, build, &reading, err)) {
		if (!reading.more)
			return true;
		char *at = reading.lines.data, *end = at + reading.lines.len;
		while (at < end) {
			struct log_line line;
			if (!line_next(&at, end, &line))
				return error_set(err, ERROR_INTERNAL, "the log of build %s is damaged in row %lld",
						 build, (long long)reading.last);
			if (!print(cookie, &line))
				return true;
		}
	}
	return error_context(err, "log of build %s", build);
}
