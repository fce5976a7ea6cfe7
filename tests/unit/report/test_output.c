/* SPDX-License-Identifier: Apache-2.0
 *
 * Each format, letter by letter. */
/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "bakery/output.h"
#include "bakery/utf8.h"

static struct tree *document(const char *json)
{
	struct error err;
	struct tree *tree = tree_from_json(json, strlen(json), &err);
	if (!tree)
		fail_msg("%s: %s", json, err.text);
	return tree;
}

static const struct column columns[] = {
	{"BUILD", "build"},	   {"STARTED", "started", COLUMN_TIME}, {"TOOK", "took_s", COLUMN_DURATION},
	{"N", "n", COLUMN_NUMBER}, {"IMAGES", "images.*.ami"},
};

static void prints(enum output_format format, const char *json, int width, const char *wanted)
{
	_cleanup_(tree_freep) struct tree *rows = document(json);
	_cleanup_(freep) char *text = NULL;
	struct error err = {0};
	size_t length;
	FILE *out = open_memstream(&text, &length);
	assert_true(output_rows(out, format, rows, columns, ARRAY_SIZE(columns), width, &err));
	fclose(out);
	assert_string_equal(text, wanted);
}

static void prints_object(enum output_format format, const char *json, const char *wanted)
{
	_cleanup_(tree_freep) struct tree *object = document(json);
	_cleanup_(freep) char *text = NULL;
	struct error err = {0};
	size_t length;
	FILE *out = open_memstream(&text, &length);
	assert_true(output_object(out, format, object, &err));
	fclose(out);
	assert_string_equal(text, wanted);
}

#define ROWS                                                                                                           \
	"[{\"build\":\"b1\",\"started\":\"2026-01-02T03:04:05.678Z\",\"took_s\":83.412,\"n\":7,\"images\":[{\"ami\":"  \
	"\"ami-1\"},"                                                                                                  \
	"{\"ami\":\"ami-2\"}]},{\"build\":\"b-longer\",\"started\":null,\"n\":1234,\"images\":[]}]"

static void tables_are_aligned(void **state)
{
	prints(OUTPUT_TABLE, ROWS, 0,
	       "BUILD     STARTED            TOOK     N  IMAGES\n"
	       "b1        2026-01-02 03:04  1m23s     7  ami-1 ami-2\n"
	       "b-longer  -                     -  1234  -\n");
	prints(OUTPUT_TABLE, "[]", 80, "BUILD  STARTED  TOOK  N  IMAGES\n");
}

static void the_last_column_is_fitted(void **state)
{
	prints(OUTPUT_TABLE, ROWS, 51,
	       "BUILD     STARTED            TOOK     N  IMAGES\n"
	       "b1        2026-01-02 03:04  1m23s     7  ami-1 ami\xe2\x80\xa6\n"
	       "b-longer  -                     -  1234  -\n");
	prints(OUTPUT_TABLE, ROWS, 5,
	       "BUILD     STARTED            TOOK     N  IMAGES\n"
	       "b1        2026-01-02 03:04  1m23s     7  ami-1 a\xe2\x80\xa6\n"
	       "b-longer  -                     -  1234  -\n");
	prints(OUTPUT_TABLE, ROWS, 52,
	       "BUILD     STARTED            TOOK     N  IMAGES\n"
	       "b1        2026-01-02 03:04  1m23s     7  ami-1 ami-2\n"
	       "b-longer  -                     -  1234  -\n");
}

static void wide_and_combining_characters_are_counted(void **state)
{
	/* e + combining acute: one column; CJK: two each. */
	prints(OUTPUT_TABLE,
	       "[{\"build\":\"caf\\u0065\\u0301\",\"n\":1},{\"build\":\"\\u6771\\u4eac\",\"n\":2},{\"build\":\"plain\","
	       "\"n\":3}]",
	       0,
	       "BUILD  STARTED  TOOK  N  IMAGES\n"
	       "cafe\xcc\x81   -           -  1  -\n"
	       "\xe6\x9d\xb1\xe4\xba\xac   -           -  2  -\n"
	       "plain  -           -  3  -\n");
}

static void terminals_are_not_deceived(void **state)
{
	prints(OUTPUT_TABLE, "[{\"build\":\"a\\u001b[31m\\nb\\u009b\\u202ex\"}]", 0,
	       "BUILD                    STARTED  TOOK  N  IMAGES\n"
	       "a\\x1b[31m\\nb\\x9b\\u202ex  -           -  -  -\n");
}

static void json_has_the_rows_whole(void **state)
{
	prints(OUTPUT_JSON, "[]", 0, "[]\n");
	prints(OUTPUT_JSON, "[{\"build\":\"b\",\"more\":[1.5,null,true]}]", 0,
	       "[\n  {\n    \"build\": \"b\",\n    \"more\": [\n      1.5,\n      null,\n      true\n    ]\n  }\n]\n");
	prints(OUTPUT_JSONL, "[{\"build\":\"b\",\"more\":[1.5,null]},{\"build\":\"c\\n\"}]", 0,
	       "{\"build\":\"b\",\"more\":[1.5,null]}\n{\"build\":\"c\\n\"}\n");
	prints(OUTPUT_JSONL, "[]", 0, "");
}

static void csv_follows_rfc_4180(void **state)
{
	prints(OUTPUT_CSV, "[]", 0, "build,started,took_s,n,images.ami\r\n");
	prints(OUTPUT_CSV,
	       "[{\"build\":\"say \\\"hi\\\", "
	       "you\\nthere\",\"started\":\"2026-01-02T03:04:05.678Z\",\"took_s\":1.500,\"n\":null},{\"n\":2}]",
	       0,
	       "build,started,took_s,n,images.ami\r\n"
	       "\"say \"\"hi\"\", you\nthere\",2026-01-02T03:04:05.678Z,1.500,,\r\n"
	       ",,,2,\r\n");
}

#define OBJECT                                                                                                         \
	"{\"build\":\"b\",\"error\":null,\"source\":{\"ami\":\"ami-1\",\"tags\":[\"x\",\"y\"]},\"images\":[{"          \
	"\"region\":\"r1\",\"ami\":\"a1\"},"                                                                           \
	"{\"region\":\"eu-west-1\",\"ami\":null}],\"none\":[],\"text\":\"two\\nlines\\n\"}"

static void objects_are_readable(void **state)
{
	prints_object(OUTPUT_TABLE, OBJECT,
		      "build: b\n"
		      "error: -\n"
		      "source:\n"
		      "  ami: ami-1\n"
		      "  tags: x, y\n"
		      "images:\n"
		      "  region     ami\n"
		      "  r1         a1\n"
		      "  eu-west-1  -\n"
		      "none: -\n"
		      "text:\n"
		      "  two\n"
		      "  lines\n");
	prints_object(OUTPUT_TABLE, "{}", "");
	prints_object(OUTPUT_JSONL, "{\"a\":{}}", "{\"a\":{}}\n");
	prints_object(OUTPUT_JSON, "{\"a\":1}", "{\n  \"a\": 1\n}\n");
	prints_object(OUTPUT_CSV, "{\"a\":1,\"b\":{\"c\":\"x,y\",\"d\":null},\"l\":[{\"k\":1}]}",
		      "a,b.c,b.d,l\r\n1,\"x,y\",,\"[{\"\"k\"\":1}]\"\r\n");
}

static void a_full_disk_is_an_error(void **state)
{
	_cleanup_(tree_freep) struct tree *rows = document(ROWS);
	struct error err = {0};
	FILE *full = fopen("/dev/full", "w");
	if (!full)
		skip();
	assert_false(output_rows(full, OUTPUT_JSON, rows, columns, ARRAY_SIZE(columns), 0, &err));
	assert_non_null(strstr(err.text, "cannot write"));
	fclose(full);
}

/* `bakery ... | head`: told or not, it is no failure. */
static void a_reader_may_have_seen_enough(void **state)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	FILE *nobody = fdopen(ends[1], "w");
	for (int i = 0; i < 100000; i++)
		fputs("line\n", nobody);
	assert_true(ferror(nobody));
	assert_true(output_flush(nobody, &err));
	str_add(&text, "more");
	assert_true(output_text(nobody, &text, &err));
	fclose(nobody);
}

static void lines_are_as_a_terminal_leaves_them(void **state)
{
	static const struct {
		const char *line, *seen;
	} cases[] = {
		{"10%\r50%\r100%\r", "100%"},
		{"\x1b[31mred\x1b[0m \x1b]0;title\a", "red ]0;title\\a"},
		{"a\xc2\x9b"
		 "1Ab",
		 "a\\x9b1Ab"},
		{"", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(str_free) struct str out = STR_INIT;
		output_as_seen(&out, cases[i].line, strlen(cases[i].line));
		assert_string_equal(out.data, cases[i].seen);
	}
}

static void json_is_utf8_whatever_a_machine_printed(void **state)
{
	static const enum output_format formats[] = {OUTPUT_JSON, OUTPUT_JSONL};
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_(tree_freep) struct tree *rows = tree_new_array();
		struct error err = {0};
		char *text = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&text, &length);
		tree_set_text(tree_add_object(rows), "build", "caf\xe9");
		assert_true(output_rows(out, formats[i], rows, columns, ARRAY_SIZE(columns), 0, &err));
		fclose(out);
		assert_non_null(strstr(text, "caf\xef\xbf\xbd\""));
		free(text);
	}
}

static void bad_bytes_are_shown(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	static const char text[] = "\xff ok \xc3\xa9 \xc0\x80 \xed\xa0\x80 \xe2\x82";
	utf8_add_visible(&out, text, sizeof(text) - 1);
	assert_string_equal(out.data, "\\xff ok \xc3\xa9 \\xc0\\x80 \\xed\\xa0\\x80 \\xe2\\x82");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_aligned),
		cmocka_unit_test(the_last_column_is_fitted),
		cmocka_unit_test(wide_and_combining_characters_are_counted),
		cmocka_unit_test(terminals_are_not_deceived),
		cmocka_unit_test(json_has_the_rows_whole),
		cmocka_unit_test(csv_follows_rfc_4180),
		cmocka_unit_test(objects_are_readable),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_reader_may_have_seen_enough),
		cmocka_unit_test(lines_are_as_a_terminal_leaves_them),
		cmocka_unit_test(json_is_utf8_whatever_a_machine_printed),
		cmocka_unit_test(bad_bytes_are_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
