/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling frames from output, in any cut of the streams, over several connections, against look-alikes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "src/runner/frames.h"

#define KEY "00112233445566778899aabbccddeeff"
#define NONCE "ffeeddccbbaa99887766554433221100"
#define SYNC "\001" KEY " sync " NONCE " abcd\002"
#define FRAME(number, text) "\001" NONCE " " #number " 12.50 " text "\002"

/* Everything that was handed out, frames as {text}, stderr in <>. */
static char *gather(struct frames *frames)
{
	struct str all = STR_INIT;
	struct frame_event event;
	while (frames_next(frames, &event)) {
		if (event.kind == FRAME_TEXT)
			str_addf(&all, "{%s}", event.text);
		else if (event.is_stderr)
			str_addf(&all, "<%.*s>", (int)event.length, event.data);
		else
			str_add_n(&all, event.data, event.length);
	}
	return str_take(&all);
}

static void feed(struct frames *frames, bool is_stderr, const char *text)
{
	frames_feed(frames, is_stderr, text, strlen(text));
}

static void expect(struct frames *frames, const char *wanted)
{
	_cleanup_(freep) char *got = gather(frames);
	assert_string_equal(got, wanted);
}

static void streams_meet_at_frames(void **state)
{
	struct frames frames;
	frames_init(&frames, KEY);
	feed(&frames, false, "welcome\n" SYNC "one" FRAME(1, "B 0") "two" FRAME(2, "Z"));
	expect(&frames, "one");
	assert_string_equal(frames.nonce, NONCE);
	assert_string_equal(frames.sum, "abcd");
	feed(&frames, true, "warning\n" SYNC);
	expect(&frames, "");
	feed(&frames, true, "err" FRAME(1, "B 0"));
	expect(&frames, "<err>{B 0}two");
	feed(&frames, true, FRAME(2, "Z"));
	expect(&frames, "{Z}");
	frames_free(&frames);
}

/* Byte by byte it is the same as in one piece. */
static void any_cut(void **state)
{
	static const char out[] = "noise" SYNC "a\001b" FRAME(1, "P run") "c" FRAME(2, "X 0");
	static const char errors[] = SYNC FRAME(1, "P run") "d" FRAME(2, "X 0");
	struct str all = STR_INIT;
	struct frames frames;
	frames_init(&frames, KEY);
	for (size_t i = 0; i < sizeof(out) - 1; i++) {
		frames_feed(&frames, false, out + i, 1);
		if (i < sizeof(errors) - 1)
			frames_feed(&frames, true, errors + i, 1);
		_cleanup_(freep) char *got = gather(&frames);
		str_add(&all, got);
	}
	assert_string_equal(all.data, "a\001b{P run}<d>c{X 0}");
	str_free(&all);
	frames_free(&frames);
}

static void look_alikes_are_output(void **state)
{
	static const char *const texts[] = {
		"\001\002\001\001 1 Z\002",
		FRAME(2, "Z"),		     /* not its turn */
		FRAME(0, "Z"),		     /* an echo of an earlier one */
		"\001" KEY " 1 12.50 Z\002", /* another nonce */
		"\001" NONCE " 1",	     /* never ends: followed by the true one below */
		"\001" NONCE " gone\002\001" NONCE " sync x y\002",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct frames frames;
		_cleanup_(freep) char *wanted = mem_printf("%s{B 0}", texts[i]);
		frames_init(&frames, KEY);
		feed(&frames, false, SYNC);
		feed(&frames, true, SYNC FRAME(1, "B 0"));
		feed(&frames, false, texts[i]);
		feed(&frames, false, FRAME(1, "B 0"));
		expect(&frames, wanted);
		assert_false(frames.gone);
		frames_free(&frames);
	}
}

static void connections_go_on(void **state)
{
	struct frames frames;
	frames_init(&frames, KEY);
	feed(&frames, false, SYNC "abc\001" NONCE " 1 1");
	feed(&frames, true, SYNC "x");
	expect(&frames, "abc<x>");
	assert_int_equal(frames.streams[0].received, 3 + 1 + 32 + 4);
	assert_int_equal(frames.streams[1].received, 1);
	frames_new_connection(&frames);
	feed(&frames, false, "welcome back " SYNC "2.50 B 0\002def");
	feed(&frames, true, SYNC FRAME(1, "B 0"));
	expect(&frames, "{B 0}def");
	frames_free(&frames);
}

static void gone_and_dead(void **state)
{
	struct frames frames;
	struct frame_event event;
	frames_init(&frames, KEY);
	feed(&frames, false, "\001" KEY " gone\002");
	assert_true(frames.gone);
	frames_new_connection(&frames);
	assert_false(frames.gone);
	feed(&frames, false, SYNC "last words\001" NONCE " de");
	feed(&frames, true, SYNC);
	assert_false(frames.dead);
	feed(&frames, false, "ad\002");
	assert_true(frames.dead);
	expect(&frames, "last words");
	assert_int_equal(frames.streams[0].received, strlen("last words"));
	assert_false(frames_rest(&frames, &event));
	frames_free(&frames);
}

static void the_rest_is_handed_out(void **state)
{
	struct frames frames;
	struct frame_event event;
	frames_init(&frames, KEY);
	feed(&frames, true, SYNC);
	feed(&frames, false, SYNC "half \001" NONCE " 1 12");
	expect(&frames, "half ");
	assert_true(frames_rest(&frames, &event));
	assert_int_equal(event.length, 1 + 32 + 5);
	assert_false(frames_rest(&frames, &event));
	frames_free(&frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_meet_at_frames), cmocka_unit_test(any_cut),
		cmocka_unit_test(look_alikes_are_output), cmocka_unit_test(connections_go_on),
		cmocka_unit_test(gone_and_dead),	  cmocka_unit_test(the_rest_is_handed_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
