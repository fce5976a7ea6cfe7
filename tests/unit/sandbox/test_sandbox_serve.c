/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving a folder in this process: found while it serves, talked to over its control endpoint, gone when told to stop.
 */
#include "check.h"

#include <pthread.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/sandbox.h"

struct serving {
	struct sandbox_options options;
	struct stop stop;
	pthread_t thread;
	struct error err;
	bool served;
};

static void *serve(void *cookie)
{
	struct serving *serving = cookie;
	serving->served = sandbox_serve(&serving->options, &serving->err);
	return NULL;
}

static const char *const no_machines[] = {"machines=off", NULL};

static void start(struct serving *serving, const char *folder)
{
	*serving = (struct serving){.options = {.folder = folder, .settings = no_machines}};
	stop_init(&serving->stop);
	serving->options.stop = &serving->stop;
	assert_int_equal(pthread_create(&serving->thread, NULL, serve, serving), 0);
}

static void end(struct serving *serving)
{
	stop_request(&serving->stop, 0);
	pthread_join(serving->thread, NULL);
	stop_close(&serving->stop);
}

/* Its lock is taken a moment after its thread has started. */
static struct sandbox_address find(const struct sandbox_options *options)
{
	struct error err = {0};
	struct sandbox_address address = {0};
	struct sandbox_options asking = {.folder = options->folder};
	int64_t until_ms = clock_mono_ms() + 10000;
	while (!sandbox_find(&asking, &address, &err) && clock_mono_ms() < until_ms)
		stop_sleep_ms(NULL, 10);
	return address;
}

static void is_found_and_talked_to(void **folder)
{
	static const char *const good[] = {"lag=1s", "fault.RunInstances=500", NULL}, *const bad[] = {"lgg=1s", NULL};
	struct error err = {0};
	struct serving serving;
	_cleanup_(tree_freep) struct tree *status = NULL;
	start(&serving, *folder);
	struct sandbox_address address = find(&serving.options);
	assert_true(str_starts(address.endpoint, "http://127.0.0.1:"));
	assert_int_equal(address.pid, getpid());
	const struct sandbox_options asking = {.folder = *folder};
	assert_works(sandbox_set(&asking, good, &err));
	assert_fails(sandbox_set(&asking, bad, &err), ERROR_USAGE, "no such setting");
	assert_works(sandbox_status(&asking, &status, &err));
	assert_string_equal(tree_text(tree_key(tree_key(status, "settings"), "lag"), NULL), "1s");
	assert_string_equal(tree_text(tree_key(tree_key(status, "settings"), "fault.RunInstances"), NULL), "500");
	end(&serving);
	assert_true(serving.served);
	assert_fails(sandbox_find(&asking, &address, &err), ERROR_ABSENT, "no sandbox runs");
}

static void two_never_serve_one_folder(void **folder)
{
	struct error err = {0};
	struct serving first;
	start(&first, *folder);
	find(&first.options);
	const struct sandbox_options second = {.folder = *folder, .settings = no_machines};
	assert_fails(sandbox_serve(&second, &err), ERROR_CONFLICT, "already");
	end(&first);
}

static void a_wrong_token_is_refused(void **folder)
{
	struct error err = {0};
	struct serving serving;
	_cleanup_(freep) char *token = path_join(*folder, "token");
	_cleanup_(tree_freep) struct tree *status = NULL;
	start(&serving, *folder);
	find(&serving.options);
	const struct sandbox_options asking = {.folder = *folder};
	assert_works(file_replace(token, "guessed", 7, 0600, &err));
	assert_fails(sandbox_status(&asking, &status, &err), ERROR_FAILED, "token");
	end(&serving);
}

static void what_a_killed_one_left_is_no_hindrance(void **folder)
{
	struct error err = {0};
	struct serving serving;
	struct sandbox_address address;
	_cleanup_(freep) char *stale = path_join(*folder, "address.json");
	static const char text[] = "{\"endpoint\": \"http://127.0.0.1:1\", \"pid\": 1}";
	assert_works(file_replace(stale, text, strlen(text), 0600, &err));
	const struct sandbox_options asking = {.folder = *folder};
	assert_fails(sandbox_find(&asking, &address, &err), ERROR_ABSENT, "no sandbox runs");
	assert_fails(sandbox_down(&asking, &err), ERROR_ABSENT, "no sandbox runs");
	start(&serving, *folder);
	assert_int_equal(find(&serving.options).pid, getpid());
	end(&serving);
}

static void ends_when_its_folder_is_removed(void **folder)
{
	struct error err = {0};
	struct serving serving;
	start(&serving, *folder);
	find(&serving.options);
	assert_works(file_remove_tree(*folder, &err));
	pthread_join(serving.thread, NULL);
	assert_false(serving.served);
	assert_non_null(strstr(serving.err.text, "was removed"));
	stop_close(&serving.stop);
}

static void reset_keeps_the_key(void **folder)
{
	struct error err = {0};
	struct serving serving;
	_cleanup_(freep) char *state = path_join(*folder, "state.db");
	start(&serving, *folder);
	struct sandbox_address before = find(&serving.options);
	end(&serving);
	assert_true(file_exists(state));
	const struct sandbox_options asking = {.folder = *folder};
	assert_works(sandbox_reset(&asking, &err));
	assert_false(file_exists(state));
	start(&serving, *folder);
	assert_string_equal(find(&serving.options).secret_key, before.secret_key);
	end(&serving);
}

static void a_wrong_setting_stops_the_start(void **folder)
{
	static const char *const wrong[] = {"machines=off", "lag=soon", NULL};
	struct error err = {0};
	const struct sandbox_options options = {.folder = *folder, .settings = wrong};
	assert_fails(sandbox_serve(&options, &err), ERROR_USAGE, "DURATION");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(is_found_and_talked_to),	      folder_test(two_never_serve_one_folder),
		folder_test(a_wrong_token_is_refused),	      folder_test(what_a_killed_one_left_is_no_hindrance),
		folder_test(ends_when_its_folder_is_removed), folder_test(reset_keeps_the_key),
		folder_test(a_wrong_setting_stops_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
