/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of ours that repeat what AWS's models say: partitions, and the errors of the operations that we call. */
#include "with_models.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/partition.h"
#include "src/aws/errors.h"
#include "src/aws/operations.h"

#define MOST_BYTES (1u << 20)

static struct tree *read_partitions(void)
{
	struct error err = {0};
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(freep) char *path = path_join(models_folder(models), "partitions.json");
	if (!file_read(path, MOST_BYTES, &text, &err))
		fail_msg("%s", err.text);
	struct tree *tree = tree_from_json(text.data, text.len, &err);
	if (!tree)
		fail_msg("%s", err.text);
	return tree;
}

static void compare_partition(const struct tree *truth)
{
	const char *name = tree_text(truth, "id");
	for (struct tree_iter i = tree_iter(tree_key(truth, "regions")); tree_next(&i);)
		if (!str_ends(i.key, "-global") && !str_eq(partition_of(i.key)->name, name))
			fail_msg("%s is in %s, not in %s", i.key, name, partition_of(i.key)->name);
	const struct partition *ours = partition_of(tree_text(truth, "outputs.implicitGlobalRegion"));
	assert_string_equal(ours->name, name);
	assert_string_equal(ours->dns_suffix, tree_text(truth, "outputs.dnsSuffix"));
	assert_string_equal(ours->dual_stack_suffix, tree_text(truth, "outputs.dualStackDnsSuffix"));
	assert_string_equal(ours->global_region, tree_text(truth, "outputs.implicitGlobalRegion"));
}

static void test_partitions(void **state)
{
	size_t count = 0;
	if (!has_models())
		return;
	_cleanup_(tree_freep) struct tree *truth = read_partitions();
	for (struct tree_iter i = tree_iter(tree_key(truth, "partitions")); tree_next(&i);)
		compare_partition(i.value);
	while (partition_at(count))
		count++;
	assert_int_equal(count, tree_count(tree_key(truth, "partitions")));
}

/* In the query protocol an error's code need not be its shape's name. */
static void check_errors(const struct model *model, const char *operation, size_t *checked, size_t *missing)
{
	const struct tree *row = model_operation(model, operation);
	if (!row)
		fail_msg("%s: AWS knows no %s", model->name, operation);
	for (struct tree_iter i = tree_iter(tree_key(row, "errors")); tree_next(&i);) {
		const struct tree *shape = model_shape(model, i.value);
		const char *code = tree_text_or(shape, "error.code", tree_text(i.value, "shape"));
		(*checked)++;
		if (aws_error_is_known(code))
			continue;
		print_message("# %s.%s: no row of errors.def fits %s\n", model->name, operation, code);
		(*missing)++;
	}
}

static void test_errors(void **state)
{
	size_t checked = 0, missing = 0;
	if (!has_models())
		return;
	for (size_t i = 0; i < AWS_OPERATION_COUNT; i++) {
		const struct model *model = models_find(models, aws_operation_service(i));
		if (model) /* EC2's says nothing of errors */
			check_errors(model, aws_operation_name(i), &checked, &missing);
		else
			print_message("# skipped: no model of %s\n", aws_operation_service(i));
	}
	assert_true(checked > 0);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
