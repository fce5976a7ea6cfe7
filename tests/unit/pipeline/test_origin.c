/* SPDX-License-Identifier: Apache-2.0
 *
 * Who ran a build, and where from. */
#include "../../lib/check.h"
#include "bakery/build.h"
#include "bakery/mem.h"
#include "bakery/str.h"

static int environment_clear(void **state)
{
	static const char *const names[] = {"GITLAB_CI", "GITHUB_ACTIONS", "JENKINS_URL"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	return 0;
}

static void by_hand(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build_origin origin = build_origin_find("/", arena);

	assert_non_null(origin.user);
	assert_non_null(origin.host);
	assert_null(origin.ci_job);
	assert_null(origin.git_commit);
	assert_false(origin.git_dirty);
}

static void in_gitlab(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build_origin origin;

	setenv("GITLAB_CI", "true", 1);
	setenv("GITLAB_USER_LOGIN", "ada", 1);
	setenv("CI_JOB_ID", "4711", 1);
	setenv("CI_JOB_URL", "https://gitlab.example.com/jobs/4711", 1);
	setenv("CI_COMMIT_SHA", "0123abcd", 1);
	setenv("CI_COMMIT_REF_NAME", "main", 1);
	origin = build_origin_find("/", arena);
	assert_string_equal(origin.user, "ada");
	assert_string_equal(origin.ci_job, "4711");
	assert_string_equal(origin.ci_url, "https://gitlab.example.com/jobs/4711");
	assert_string_equal(origin.git_commit, "0123abcd");
	assert_string_equal(origin.git_branch, "main");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(by_hand, environment_clear),
		cmocka_unit_test_setup(in_gitlab, environment_clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
