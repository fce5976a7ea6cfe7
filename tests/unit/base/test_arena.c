/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/mem.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (size_t size = 0; size < 300; size++) {
		char *memory = arena_alloc(arena, size);
		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, size);
	}
}

static void large_ones_get_a_block_of_their_own(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char *small = arena_strdup(arena, "small"), *large = arena_alloc(arena, 1 << 20);

	memset(large, 'x', 1 << 20);
	assert_string_equal(small, "small");
	assert_string_equal(arena_printf(arena, "%s-%d", small, 7), "small-7");
	assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
	assert_null(arena_strdup(arena, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(large_ones_get_a_block_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
