/* SPDX-License-Identifier: Apache-2.0
 *
 * Who runs this, and where from. CI systems tell it in environment variables; elsewhere git is asked. */
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "bakery/build.h"
#include "bakery/process.h"
#include "bakery/str.h"
#include "config.h"

/* GitLab ("Predefined CI/CD variables"), GitHub ("Default environment variables"), Jenkins ("Using environment
 * variables"). */
static const struct ci {
	const char *mark, *user, *job, *url, *commit, *branch;
} cis[] = {
	{"GITLAB_CI", "GITLAB_USER_LOGIN", "CI_JOB_ID", "CI_JOB_URL", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME"},
	{"GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_RUN_ID", NULL, "GITHUB_SHA", "GITHUB_REF_NAME"},
	{"JENKINS_URL", "BUILD_USER_ID", "BUILD_TAG", "BUILD_URL", "GIT_COMMIT", "GIT_BRANCH"},
};

static const char *variable(const char *name, struct arena *arena)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? arena_strdup(arena, value) : NULL;
}

static void ci_ask(struct build_origin *origin, struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_SIZE(cis); i++) {
		if (!variable(cis[i].mark, arena))
			continue;
		origin->user = variable(cis[i].user, arena);
		origin->ci_job = variable(cis[i].job, arena);
		origin->ci_url = variable(cis[i].url, arena);
		origin->git_commit = variable(cis[i].commit, arena);
		origin->git_branch = variable(cis[i].branch, arena);
		return;
	}
}

static const char *git_ask(const char *folder, struct arena *arena, const char *const *arguments)
{
	const char *argv[8] = {"git", "-C", folder};
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error none = {0};
	size_t used = 3;

	while (*arguments && used + 1 < ARRAY_SIZE(argv))
		argv[used++] = *arguments++;
	if (!process_must(&(struct process){.argv = argv, .timeout_ms = 5000}, &out, &none))
		return NULL;
	str_trim_right(&out);
	return arena_strdup(arena, out.data);
}

static const char *user_name(struct arena *arena)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found)
		return arena_strdup(arena, found->pw_name);
	return arena_printf(arena, "%d", (int)geteuid());
}

struct build_origin build_origin_find(const char *folder, struct arena *arena)
{
	struct build_origin origin = {.version = BAKERY_VERSION};
	const char *changes;
	char host[256] = "";

	ci_ask(&origin, arena);
	gethostname(host, sizeof(host) - 1);
	origin.host = arena_strdup(arena, host);
	if (!origin.user)
		origin.user = user_name(arena);
	if (!origin.git_commit)
		origin.git_commit = git_ask(folder, arena, (const char *[]){"rev-parse", "HEAD", NULL});
	if (!origin.git_branch)
		origin.git_branch = git_ask(folder, arena, (const char *[]){"symbolic-ref", "--short", "HEAD", NULL});
	changes = git_ask(folder, arena, (const char *[]){"status", "--porcelain", "--untracked-files=no", "--", NULL});
	origin.git_dirty = changes && *changes;
	return origin;
}
