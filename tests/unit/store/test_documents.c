/* SPDX-License-Identifier: Apache-2.0
 *
 * A build's documents come back as they were put, are listed without their data, and stand in the record. */
#include "store_fixture.h"

static bool put(struct fixture *f, const char *name, const void *data, size_t size)
{
	const struct document_row row = {.build = "b",
					 .kind = "sbom",
					 .name = name,
					 .media_type = "application/json",
					 .data = data,
					 .size = size};

	return store_document_put(f->store, &row, &f->err);
}

static void what_was_put_comes_back(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str out = STR_INIT;
	char large[5000];

	memset(large, 'x', sizeof(large));
	large[17] = '\0';
	add_build(f, "b", "r", 0);
	assert_ok(put(f, "small", "{}", 2));
	assert_ok(put(f, "large", large, sizeof(large)));
	assert_ok(put(f, "empty", "", 0));
	assert_ok(store_document_get(f->store, "b", "sbom", "large", &out, &f->err));
	assert_int_equal(out.len, sizeof(large));
	assert_memory_equal(out.data, large, sizeof(large));
	str_clear(&out);
	assert_ok(store_document_get(f->store, "b", "sbom", "empty", &out, &f->err));
	assert_int_equal(out.len, 0);
	assert_ok(put(f, "small", "[1]", 3));
	str_clear(&out);
	assert_ok(store_document_get(f->store, "b", "sbom", "small", &out, &f->err));
	assert_string_equal(out.data, "[1]");
	assert_false(store_document_get(f->store, "b", "scan", "small", &out, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void it_stands_in_the_record(void **state)
{
	struct fixture *f = *state;
	_cleanup_(tree_freep) struct tree *show = NULL;

	add_build(f, "b", "r", 0);
	assert_ok(put(f, "cyclonedx", "{}", 2));
	end_build(f, "b", BUILD_DONE);
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_string_equal(tree_text(show, "documents.1.name"), "cyclonedx");
	assert_string_equal(tree_text(show, "documents.1.sha256"),
			    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	assert_null(tree_get(show, "documents.1.data"));
	assert_ok(store_record_verify(f->store, &f->err));
	assert_ok(put(f, "cyclonedx", "[]", 2));
	assert_false(store_record_verify(f->store, &f->err));
	assert_non_null(strstr(f->err.text, "documents.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_comes_back, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(it_stands_in_the_record, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
