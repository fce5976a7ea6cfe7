/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling steps' output from the program's frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

#define LONGEST_FRAME 1024
#define MOST_NOISE 8192

void frames_init(struct frames *frames, const char *key)
{
	*frames = (struct frames){.number = 1};
	snprintf(frames->key, sizeof(frames->key), "%s", key);
	for (int i = 0; i < 2; i++)
		frames->streams[i].pending = frames->streams[i].noise = (struct str)STR_INIT;
}

void frames_free(struct frames *frames)
{
	for (int i = 0; i < 2; i++) {
		str_wipe_free(&frames->streams[i].pending);
		str_free(&frames->streams[i].noise);
	}
}

void frames_new_connection(struct frames *frames)
{
	frames->dead = frames->gone = false;
	for (int i = 0; i < 2; i++) {
		frames->streams[i].synced = false;
		str_clear(&frames->streams[i].noise);
	}
}

/* Whether data holds "\001 nonce word"; how far it reaches. A marker that may still grow counts as not there. */
static const char *find_marker(const struct str *data, const char *nonce, const char *word, size_t *length)
{
	char marker[80];
	*length = (size_t)snprintf(marker, sizeof(marker), "\001%s %s", nonce, word);
	return memmem(data->data, data->len, marker, *length);
}

/* Before the sync there is only what the login shell or sudo says. It is gathered apart, since pending may hold the
 * rest of an earlier connection. Returns how much of data belongs to it. */
static size_t look_for_sync(struct frames *frames, struct frame_stream *stream, const char *data, size_t length)
{
	struct str *noise = &stream->noise;
	size_t marker_length, before;
	if (noise->len > 2 * MOST_NOISE)
		str_remove_front(noise, noise->len - MOST_NOISE);
	before = noise->len;
	str_add_n(noise, data, length);
	if (find_marker(noise, frames->key, "gone\002", &marker_length))
		frames->gone = true;
	const char *sync = find_marker(noise, frames->key, "sync ", &marker_length);
	const char *end = sync ? memchr(sync, '\002', (size_t)(noise->data + noise->len - sync)) : NULL;
	if (!end)
		return length;
	if (!frames->ever_synced)
		sscanf(sync + marker_length, "%32[0-9a-f] %79[0-9a-f]", frames->nonce, frames->sum);
	stream->synced = frames->ever_synced = true;
	size_t used = (size_t)(end + 1 - noise->data) - before;
	str_clear(noise);
	return used;
}

static void strip_dead(struct frames *frames, struct frame_stream *stream)
{
	size_t length;
	const char *dead = find_marker(&stream->pending, frames->nonce, "dead\002", &length);
	if (!dead || dead + length != stream->pending.data + stream->pending.len)
		return;
	frames->dead = true;
	stream->pending.len -= length;
	stream->pending.data[stream->pending.len] = '\0';
	stream->received -= length;
}

void frames_feed(struct frames *frames, bool is_stderr, const char *data, size_t length)
{
	struct frame_stream *stream = &frames->streams[is_stderr];
	if (!stream->synced) {
		size_t used = look_for_sync(frames, stream, data, length);
		data += used;
		length -= used;
	}
	if (!stream->synced || !length)
		return;
	str_remove_front(&stream->pending, stream->at);
	stream->at = 0;
	str_add_n(&stream->pending, data, length);
	stream->received += length;
	if (!is_stderr)
		strip_dead(frames, stream);
}

/* The length of a whole frame that stands here and is the next one; 0: not one; *partial: it may become one. */
static size_t frame_here(const struct frames *frames, const char *data, size_t length, bool *partial)
{
	char head[80];
	size_t head_length =
		(size_t)snprintf(head, sizeof(head), "\001%s %llu ", frames->nonce, (unsigned long long)frames->number);
	size_t common = length < head_length ? length : head_length;
	*partial = false;
	if (memcmp(data, head, common))
		return 0;
	size_t most = length < LONGEST_FRAME ? length : LONGEST_FRAME;
	const char *end = common == head_length ? memchr(data, '\002', most) : NULL;
	/* one that was cut short, for want of space there, is followed by its repetition */
	const char *again = common == head_length ? memchr(data + 1, '\001', most - 1) : NULL;
	if (again && (!end || again < end))
		return 0;
	*partial = !end && length < LONGEST_FRAME;
	return end ? (size_t)(end + 1 - data) : 0;
}

/* Bytes that can be handed out before the next frame, or before what may become one. */
static size_t data_length(struct frames *frames, struct frame_stream *stream)
{
	const char *start = stream->pending.data + stream->at;
	size_t length = stream->pending.len - stream->at, at = 0;
	bool partial;
	while (at < length) {
		const char *mark = memchr(start + at, '\001', length - at);
		if (!mark)
			return length;
		at = (size_t)(mark - start);
		size_t frame = frame_here(frames, mark, length - at, &partial);
		if (frame && at == 0)
			stream->frame_length = frame;
		if (frame || partial)
			return at;
		at++;
	}
	return length;
}

static bool next_data(struct frames *frames, bool is_stderr, bool all, struct frame_event *event)
{
	struct frame_stream *stream = &frames->streams[is_stderr];
	size_t length = stream->frame_length ? 0 : data_length(frames, stream);
	if (all && !length)
		length = stream->pending.len - stream->at;
	if (!length)
		return false;
	event->kind = FRAME_DATA;
	event->is_stderr = is_stderr;
	event->data = stream->pending.data + stream->at;
	event->length = length;
	stream->at += length;
	return true;
}

static void parse_frame(const struct frames *frames, const struct frame_stream *stream, struct frame_event *event)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	char *end = NULL;
	size_t skip = 1 + strlen(frames->nonce) + 1;
	str_add_n(&text, stream->pending.data + stream->at + skip, stream->frame_length - skip - 1);
	strtoull(text.data, &end, 10);
	event->kind = FRAME_TEXT;
	event->uptime_s = strtod(end, &end);
	snprintf(event->text, sizeof(event->text), "%s", *end == ' ' ? end + 1 : end);
}

bool frames_next(struct frames *frames, struct frame_event *event)
{
	if (next_data(frames, false, false, event) || next_data(frames, true, false, event))
		return true;
	struct frame_stream *out = &frames->streams[0], *errors = &frames->streams[1];
	if (!out->frame_length || !errors->frame_length)
		return false;
	parse_frame(frames, out, event);
	frames->number++;
	for (int i = 0; i < 2; i++) {
		frames->streams[i].at += frames->streams[i].frame_length;
		frames->streams[i].frame_length = 0;
	}
	return true;
}

bool frames_rest(struct frames *frames, struct frame_event *event)
{
	return next_data(frames, false, true, event) || next_data(frames, true, true, event);
}
