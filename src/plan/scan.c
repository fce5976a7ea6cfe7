/* SPDX-License-Identifier: Apache-2.0
 *
 * A recipe's scanners in its plan: each is a playbook that installs and runs it on the instance of the test, and hands
 * its report down. */
#include <ctype.h>
#include <string.h>

#include "scan.h"

#define CONTENT_PREFIX "xccdf_org.ssgproject.content_profile_"
#define MACHINE "machine:"

struct deciding {
	const struct settings *settings;
	const struct recipe *recipe;
	struct plan *plan;
	struct arena *arena;
	struct faults *faults;
	struct playbook *playbooks;
};

static void refuse(struct deciding *deciding, const char *what)
{
	faults_add(deciding->faults, deciding->recipe->file, 0, 0, "%s", what);
}

static void playbook_add(struct deciding *deciding, const char *name, const struct text_map *vars)
{
	const struct playbook *playbook = playbook_load(deciding->settings, name, NULL, vars, deciding->recipe->file,
							deciding->arena, deciding->faults);

	if (playbook)
		deciding->playbooks[deciding->plan->scanning.count++] = *playbook;
}

/* Where the SCAP content lies on the machine; "": nobody said. */
static const char *datastream_on_machine(struct deciding *deciding, const struct scanner *scanners, size_t index)
{
	const char *file = scanners[index].datastream, *to;
	struct text_map vars = {0};
	size_t first = 0;

	if (!file)
		return "";
	if (str_starts(file, MACHINE))
		return file + strlen(MACHINE);
	while (!str_eq(scanners[first].datastream, file))
		first++;
	to = arena_printf(deciding->arena, "/var/tmp/bakery-scan/datastream-%zu.xml", first + 1);
	if (first < index)
		return to; /* another profile of the same content */
	text_map_put(&vars, "from", file, deciding->arena);
	text_map_put(&vars, "to", to, deciding->arena);
	playbook_add(deciding, "scan-datastream", &vars);
	return to;
}

static const char *file_name(const char *name, const char *ending, struct arena *arena)
{
	char *file = arena_printf(arena, "%s.%s", name, ending);

	for (char *at = file; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			*at = '-';
	}
	return file;
}

static void lynis_decide(struct deciding *deciding, struct plan_scanner *out)
{
	struct text_map vars = {0};

	*out = (struct plan_scanner){"lynis", "lynis", "lynis.dat"};
	text_map_put(&vars, "report", out->report, deciding->arena);
	playbook_add(deciding, "scan-lynis", &vars);
}

static void openscap_decide(struct deciding *deciding, const struct scanner *scanners, size_t index,
			    struct plan_scanner *out)
{
	const char *profile = scanners[index].profile, *datastream = datastream_on_machine(deciding, scanners, index);
	struct text_map vars = {0};

	if (str_starts(profile, CONTENT_PREFIX))
		profile += strlen(CONTENT_PREFIX);
	*out = (struct plan_scanner){"openscap", arena_printf(deciding->arena, "openscap:%s", profile), NULL};
	out->report = file_name(out->name, "xml", deciding->arena);
	text_map_put(&vars, "profile", scanners[index].profile, deciding->arena);
	text_map_put(&vars, "datastream", datastream, deciding->arena);
	text_map_put(&vars, "report", out->report, deciding->arena);
	playbook_add(deciding, "scan-openscap", &vars);
}

/* What a recipe may say and this version cannot do is refused, never skipped. */
static void abilities_check(struct deciding *deciding, const struct scan *scan)
{
	const struct scanner *scanners = scan->scanners.items;

	for (size_t i = 0; i < scan->scanners.count; i++) {
		if (str_eq(scanners[i].kind, "inspector"))
			refuse(deciding, "scan.scanner: this version of bakery does not ask Amazon Inspector");
		else if (str_eq(scanners[i].kind, "command"))
			refuse(deciding, "scan.scanner: this version of bakery does not run scanners of your own on "
					 "this host; a verify playbook can run one on the instance");
	}
	if (scan->exceptions)
		refuse(deciding, "scan.exceptions: this version of bakery reads no exceptions from a file; waive rules "
				 "with `waive`");
}

void scan_decide(const struct settings *settings, const struct recipe *recipe, struct plan *plan, struct arena *arena,
		 struct faults *faults)
{
	const struct scan *wish = recipe->scan;
	const struct scanner *scanners = wish ? wish->scanners.items : NULL;
	struct deciding deciding = {settings, recipe, plan, arena, faults, NULL};
	struct plan_scanner *out;
	struct plan_scan *scan;

	if (!wish)
		return;
	abilities_check(&deciding, wish);
	scan = arena_alloc(arena, sizeof(*scan));
	out = arena_alloc(arena, (wish->scanners.count + 1) * sizeof(*out));
	plan->scanning.items = deciding.playbooks =
		arena_alloc(arena, (2 * wish->scanners.count + 1) * sizeof(*deciding.playbooks));
	*scan = (struct plan_scan){{out, 0}, wish->gate_critical, wish->gate_high, wish->gate_score, wish->gate_pass};
	for (size_t i = 0; i < wish->scanners.count; i++) {
		if (str_eq(scanners[i].kind, "lynis"))
			lynis_decide(&deciding, &out[scan->scanners.count++]);
		else if (str_eq(scanners[i].kind, "openscap"))
			openscap_decide(&deciding, scanners, i, &out[scan->scanners.count++]);
	}
	plan->scan = scan;
}
