/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): a control is a rule, its answer a result at the
 * step that asks; a waiver is an accepted suppression with its reason. */
#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "config.h"
#include "evidence_private.h"

/* Results that say that all is well are no findings: their level must be none (3.27.10). */
static const struct {
	const char *verdict, *kind, *level;
} verdicts[] = {
	{"pass", "pass", "none"},   {"fail", "fail", "error"},	   {"skipped", "notApplicable", "none"},
	{"drift", "fail", "error"}, {"waived", "fail", "warning"},
};

static size_t rule_index(struct tree *rules, const struct tree *row)
{
	const char *control = tree_text_or(row, "control", "?"), *title = tree_text(row, "title");
	struct tree *rule;

	for (struct tree_iter i = tree_iter(rules); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "id"), control))
			return i.index;
	}
	rule = tree_add_object(rules);
	tree_set_text(rule, "id", control);
	tree_set_text(tree_set_object(rule, "shortDescription"), "text", title ? title : control);
	return tree_count(rules) - 1;
}

/* RFC 3986: what may stand in a path. */
static void uri_add(struct str *out, const char *path)
{
	str_add(out, *path == '/' ? "file://" : "");
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;
		if (isalnum(c) || strchr("-._~/!$&'()*+,;=@", c))
			str_add_char(out, (char)c);
		else
			str_addf(out, "%%%02X", c);
	}
}

static void location_add(struct tree *result, const struct tree *row)
{
	struct tree *location = tree_add_object(tree_set_array(result, "locations")), *physical, *logical;
	_cleanup_(str_free) struct str uri = STR_INIT;
	const char *file = tree_text(row, "file");

	if (file && *file) {
		uri_add(&uri, file);
		physical = tree_set_object(location, "physicalLocation");
		tree_set_text(tree_set_object(physical, "artifactLocation"), "uri", uri.data);
		if (tree_int(row, "line", 0) > 0)
			tree_set_int(tree_set_object(physical, "region"), "startLine", tree_int(row, "line", 0));
	}
	logical = tree_add_object(tree_set_array(location, "logicalLocations"));
	tree_set_text(logical, "fullyQualifiedName", tree_text_or(row, "step", "?"));
	tree_set_text(logical, "kind", "function");
}

static void message_add(struct tree *result, const struct tree *row)
{
	const char *evidence = tree_text_or(row, "evidence", ""), *title = tree_text(row, "title");

	tree_setf(tree_set_object(result, "message"), "text", "%s: %s%s%s",
		  title ? title : tree_text_or(row, "control", "?"), tree_text_or(row, "verdict", "?"),
		  *evidence ? ": " : "", evidence);
}

static void suppression_add(struct tree *result, const struct tree *row)
{
	struct tree *suppression;

	if (!str_eq(tree_text(row, "verdict"), "waived"))
		return;
	suppression = tree_add_object(tree_set_array(result, "suppressions"));
	tree_set_text(suppression, "kind", "external");
	tree_set_text(suppression, "status", "accepted");
	tree_set_text(suppression, "justification", tree_text_or(row, "evidence", ""));
}

static void result_add(struct tree *results, struct tree *rules, const struct tree *row)
{
	struct tree *result = tree_add_object(results), *properties;
	size_t rule = rule_index(rules, row);

	tree_set_text(result, "ruleId", tree_text_or(row, "control", "?"));
	tree_set_int(result, "ruleIndex", (int64_t)rule);
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (!str_eq(verdicts[i].verdict, tree_text(row, "verdict")))
			continue;
		tree_set_text(result, "kind", verdicts[i].kind);
		tree_set_text(result, "level", verdicts[i].level);
	}
	message_add(result, row);
	location_add(result, row);
	suppression_add(result, row);
	properties = tree_set_object(result, "properties");
	tree_set(properties, "built", tree_share(tree_get(row, "built")));
	tree_set(properties, "fresh", tree_share(tree_get(row, "fresh")));
	tree_set_bool(properties, "drift", tree_bool(row, "drift", false));
}

static void invocation_add(struct tree *run, const struct tree *build)
{
	struct tree *invocation = tree_add_object(tree_set_array(run, "invocations"));
	const char *ended = tree_text(build, "ended");

	tree_set_bool(invocation, "executionSuccessful", str_eq(tree_text(build, "status"), "done"));
	tree_set_text(invocation, "startTimeUtc", tree_text_or(build, "started", "1970-01-01T00:00:00Z"));
	if (ended)
		tree_set_text(invocation, "endTimeUtc", ended);
}

static void run_properties_add(struct tree *run, const struct tree *build)
{
	static const char *const members[] = {"build",	     "recipe",	   "status",	"source_ami",
					      "plan_sha256", "git_commit", "git_branch"};
	struct tree *properties = tree_set_object(run, "properties");

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (tree_text(build, members[i]))
			tree_set_text(properties, members[i], tree_text(build, members[i]));
	}
}

void evidence_sarif(const struct tree *build, const struct tree *rows, struct str *out)
{
	_cleanup_(tree_freep) struct tree *log = tree_new_object();
	struct tree *run, *driver, *rules, *results;

	tree_set_text(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	tree_set_text(log, "version", "2.1.0");
	run = tree_add_object(tree_set_array(log, "runs"));
	driver = tree_set_object(tree_set_object(run, "tool"), "driver");
	tree_set_text(driver, "name", "bakery");
	tree_set_text(driver, "version", BAKERY_VERSION);
	rules = tree_set_array(driver, "rules");
	tree_setf(tree_set_object(run, "automationDetails"), "id", "bakery/%s/%s", tree_text_or(build, "recipe", "?"),
		  tree_text_or(build, "build", "?"));
	invocation_add(run, build);
	results = tree_set_array(run, "results");
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		result_add(results, rules, i.value);
	run_properties_add(run, build);
	tree_to_json_pretty(log, out);
	str_add_char(out, '\n');
}
