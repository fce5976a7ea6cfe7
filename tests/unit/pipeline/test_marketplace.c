/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said when a subscription is missing. */
#include "../../../src/pipeline/pipeline.h"
#include "../../lib/check.h"

static const char *codes[] = {"abc1", "def2"};
static const struct plan plan = {
	.account = "111122223333",
	.source = {.ami = "ami-1", .name = "appliance", .product_codes = {codes, 2}},
};

static void a_missing_subscription(void **state)
{
	struct error err = {0};

	error_coded(&err, ERROR_DENIED, "OptInRequired",
		    "RunInstances: OptInRequired: you need to accept terms and subscribe. To do so please visit "
		    "https://aws.amazon.com/marketplace/pp?sku=xyz (request 1)");
	assert_false(marketplace_hint(&plan, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_non_null(strstr(err.text, "product codes abc1, def2: subscribe account 111122223333 to it at "
					 "https://aws.amazon.com/marketplace/pp?sku=xyz, and each account"));
	assert_non_null(strstr(err.text, "cannot be made public"));
}

static void without_a_page_or_codes(void **state)
{
	static const struct plan bare = {.account = "111122223333", .source = {.ami = "ami-1"}};
	struct error err = {0};

	error_coded(&err, ERROR_DENIED, "OptInRequired", "RunInstances: OptInRequired: no");
	assert_false(marketplace_hint(&bare, &err));
	assert_non_null(strstr(err.text, "ami-1 (no name) is a product of AWS Marketplace: subscribe account "
					 "111122223333 to it, and each"));
}

static void other_refusals_stay(void **state)
{
	struct error err = {0};

	error_coded(&err, ERROR_DENIED, "UnauthorizedOperation", "RunInstances: no");
	assert_false(marketplace_hint(&plan, &err));
	assert_string_equal(err.text, "RunInstances: no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_subscription),
		cmocka_unit_test(without_a_page_or_codes),
		cmocka_unit_test(other_refusals_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
