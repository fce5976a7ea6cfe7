/* SPDX-License-Identifier: Apache-2.0
 *
 * `history`, `show`, `log`, `sbom` and `diff` as they look, over a store with known builds. */
#include "../store/store_fixture.h"

#include "bakery/command.h"

extern const struct command command_history, command_show, command_log, command_sbom, command_diff;

/* What the command prints on stdout. args: the command's own struct. */
static char *printed_as(struct fixture *f, const struct command *command, void *args, enum output_format format,
			const char *own_format, bool *done)
{
	struct app app = {.arena = f->arena, .format = format, .own_format = own_format, .store = f->store};
	_cleanup_(freep) char *path = mem_printf("%s/out", f->folder);
	_cleanup_(str_free) struct str text = STR_INIT;
	fflush(stdout);
	int before = dup(STDOUT_FILENO);
	assert_non_null(freopen(path, "w", stdout));
	*done = command->run(&app, args, &f->err);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	assert_true(file_read(path, 1 << 20, &text, &f->err));
	return arena_strdup(f->arena, text.data);
}

static char *printed(struct fixture *f, const struct command *command, void *args, enum output_format format,
		     bool *done)
{
	return printed_as(f, command, args, format, NULL, done);
}

static struct text_list *words(struct fixture *f, const char *word)
{
	struct text_list *list = arena_alloc(f->arena, 256); /* longer than any command's args */
	if (word) {
		list->items = arena_alloc(f->arena, sizeof(const char *));
		list->items[list->count++] = word;
	}
	return list;
}

static void *option(const struct command *command, void *args, const char *name)
{
	for (const struct option *option = command->options; option->name; option++) {
		if (str_eq(option->name, name))
			return (char *)args + option->offset;
	}
	fail_msg("no option %s", name);
	return NULL;
}

/* Cuts out what changes from run to run: everything from `from` to the end of the line. */
static char *without(char *text, const char *from)
{
	char *at = strstr(text, from);
	assert_non_null(at);
	char *end = strchr(at, '\n');
	memmove(at, end, strlen(end) + 1);
	return text;
}

static void step(struct fixture *f, const char *name, const char *result, const char *why, const char *output)
{
	struct step_row row = {.build = "20260101-000000-aaaa",
			       .phase = "provision",
			       .playbook = "harden-linux",
			       .step = name,
			       .result = result,
			       .why = why,
			       .file = "playbooks/harden-linux.yaml",
			       .line = 12,
			       .attempts = 1,
			       .started_ms = 1000,
			       .ended_ms = 2500,
			       .output = output};
	assert_ok(store_step_add(f->store, &row, &f->err));
}

static void evidence(struct fixture *f, const char *control, const char *answer, const char *text)
{
	struct evidence_row row = {.build = "20260101-000000-aaaa",
				   .phase = "verify",
				   .control = control,
				   .step = "sshd",
				   .answer = answer,
				   .evidence = text,
				   .instance = "i-1",
				   .at_ms = 5000};
	assert_ok(store_evidence_add(f->store, &row, &f->err));
}

static void fill(struct fixture *f)
{
	struct error why = {.kind = ERROR_FAILED, .text = "stage provision: step pam: exit 3"};
	struct hold wish = {.kind = "instance", .region = "us-east-1", .token = "t", .purpose = "build"}, hold;
	add_build(f, "20260101-000000-aaaa", "debian-12", 0);
	assert_ok(store_stage_began(f->store, "20260101-000000-aaaa", "launch", 1767225601000, &f->err));
	assert_ok(store_stage_done(f->store, "20260101-000000-aaaa", "launch", "{}", 1767225613500, &f->err));
	assert_ok(store_image_put(f->store, "20260101-000000-aaaa", "us-east-1", "ami-1", "debian-12-x", NULL,
				  "available", &f->err));
	assert_ok(store_image_put(f->store, "20260101-000000-aaaa", "eu-west-1", "ami-2", "debian-12-x", NULL,
				  "pending", &f->err));
	assert_ok(store_parameter_add(f->store,
				      &(struct parameter_row){.build = "20260101-000000-aaaa",
							      .region = "us-east-1",
							      .name = "/bakery/debian-12/candidate",
							      .value = "ami-1",
							      .version = 7},
				      &f->err));
	step(f, "one", "changed", "", "x");
	step(f, "two", "unchanged", "", "x");
	step(f, "three", "changed", "", "x");
	step(f, "pam", "failed", "exit 3", "first\nsecond \x1b[31mred\n");
	evidence(f, "CIS-1", "fail", "old answer");
	evidence(f, "CIS-1", "pass", "new answer");
	evidence(f, "CIS-2", "fail", "PermitRootLogin yes");
	assert_ok(store_hold_intend(f->store, "20260101-000000-aaaa", &wish, f->arena, &hold, &f->err));
	assert_ok(store_build_end(f->store, "20260101-000000-aaaa", BUILD_FAILED, &why, &f->err));
}

static void history_is_a_table(void **state)
{
	struct fixture *f = *state;
	bool done;
	char *text = printed(f, &command_history, words(f, NULL), OUTPUT_TABLE, &done);
	assert_string_equal(text, "BUILD  RECIPE  STATUS  STARTED (UTC)  TOOK  CHANNEL  BY  IMAGES\n");
	fill(f);
	text = printed(f, &command_history, words(f, NULL), OUTPUT_TABLE, &done);
	assert_true(done);
	assert_non_null(strstr(text, "20260101-000000-aaaa  debian-12  failed  2026-01-01 00:00  "));
	assert_non_null(strstr(text, "  candidate  ana  ami-1 ami-2\n"));
	text = printed(f, &command_history, words(f, "other"), OUTPUT_JSON, &done);
	assert_string_equal(text, "[]\n");
	text = printed(f, &command_history, words(f, "debian-12"), OUTPUT_CSV, &done);
	assert_non_null(
		strstr(text, "build,recipe,status,started,ended,duration_s,channel,images.region,images.ami,user,"));
	assert_non_null(strstr(text, "\r\n20260101-000000-aaaa,debian-12,failed,2026-01-01T00:00:00.000Z,"));
	assert_non_null(
		strstr(text, ",us-east-1 eu-west-1,ami-1 ami-2,ana,runner-3,4711,0123abcd,ami-0source,aa11,failed,"));
}

static void history_checks_its_options(void **state)
{
	struct fixture *f = *state;
	bool done;
	void *args = words(f, NULL);
	*(const char **)option(&command_history, args, "--status") = "succeeded";
	printed(f, &command_history, args, OUTPUT_TABLE, &done);
	assert_false(done);
	assert_int_equal(f->err.kind, ERROR_USAGE);
	args = words(f, NULL);
	*(int64_t *)option(&command_history, args, "--limit") = -1;
	printed(f, &command_history, args, OUTPUT_TABLE, &done);
	assert_int_equal(f->err.kind, ERROR_USAGE);
	fill(f);
	args = words(f, NULL);
	*(int64_t *)option(&command_history, args, "--since") = 60;
	assert_string_equal(printed(f, &command_history, args, OUTPUT_JSONL, &done), "");
	*(int64_t *)option(&command_history, args, "--since") = 86400LL * 36500;
	assert_string_not_equal(printed(f, &command_history, args, OUTPUT_JSONL, &done), "");
}

static const char page[] =
	/* clang-format off */
	"Build 20260101-000000-aaaa of debian-12: failed\n"
	"  started    2026-01-01 00:00 UTC\n"
	"  by         ana on runner-3, CI job 4711 https://ci.example.com/4711\n"
	"  commit     0123abcd on main, with changes not committed\n"
	"  source     ami-0source (debian-12-amd64-20260101)\n"
	"  in         us-east-1, account 123456789012\n"
	"  channel    candidate of project images\n"
	"  bakery     0.1.0\n"
	"  sha256     plan aa11, recipe bb22, playbooks cc33\n"
	"  record     1\n"
	"\n"
	"What went wrong\n"
	"  stage provision: step pam: exit 3\n"
	"\n"
	"Images\n"
	"  REGION     IMAGE  STATE      NAME\n"
	"  us-east-1  ami-1  available  debian-12-x\n"
	"  eu-west-1  ami-2  pending    debian-12-x\n"
	"\n"
	"Parameters\n"
	"  REGION     PARAMETER                    VALUE  VERSION  BEFORE\n"
	"  us-east-1  /bakery/debian-12/candidate  ami-1        7  -\n"
	"\n"
	"Stages\n"
	"  STAGE   STATUS  STARTED            TOOK\n"
	"  launch  done    2026-01-01 00:00  12.5s\n"
	"\n"
	"Steps (each: --steps; what they printed: bakery log)\n"
	"  PHASE      STEPS  CHANGED  UNCHANGED  OK  SKIPPED  FAILED  TOOK\n"
	"  provision      4        2          1   -        -       1  6.0s\n"
	"  changed: one, three\n"
	"  failed: harden-linux/pam (playbooks/harden-linux.yaml:12): exit 3\n"
	"    | first\n"
	"    | second \\x1b[31mred\n"
	"\n"
	"Controls (each with its evidence: --controls)\n"
	"  PHASE   CONTROLS  PASS  FAIL  SKIPPED  WAIVED\n"
	"  verify         2     1     1        -       -\n"
	"  fails: CIS-2 (sshd) in verify: PermitRootLogin yes\n"
	"\n"
	"Still held in AWS (`bakery resume` goes on with the build, `bakery gc` removes it)\n"
	"  KIND      REGION     ID  FOR    SINCE\n"
	"  instance  us-east-1  -   build\n";
/* clang-format on */

static void show_is_a_page(void **state)
{
	struct fixture *f = *state;
	bool done;
	fill(f);
	char *text = printed(f, &command_show, words(f, "ami-2"), OUTPUT_TABLE, &done);
	assert_ok(done);
	without(text, ", took ");
	without(text, " in the chain");
	without(strstr(text, "  instance  us-east-1"), "  20");
	assert_string_equal(text, page);
}

static void show_takes_the_newest_and_says_when_there_is_none(void **state)
{
	struct fixture *f = *state;
	bool done;
	printed(f, &command_show, words(f, NULL), OUTPUT_TABLE, &done);
	assert_false(done);
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	fill(f);
	add_build(f, "20260101-000100-bbbb", "debian-13", 1);
	char *text = printed(f, &command_show, words(f, NULL), OUTPUT_JSONL, &done);
	assert_ok(done);
	assert_non_null(strstr(text, "\"build\":\"20260101-000100-bbbb\""));
	assert_non_null(strstr(text, "\"status\":\"running\""));
	printed(f, &command_show, words(f, "2026"), OUTPUT_TABLE, &done);
	assert_int_equal(f->err.kind, ERROR_USAGE);
}

static void show_has_long_lists(void **state)
{
	struct fixture *f = *state;
	bool done;
	fill(f);
	void *args = words(f, NULL);
	*(bool *)option(&command_show, args, "--steps") = true;
	char *text = printed(f, &command_show, args, OUTPUT_TABLE, &done);
	assert_string_equal(text, "PHASE      PLAYBOOK      STEP   RESULT     TOOK  TRIES  WHY\n"
				  "provision  harden-linux  one    changed    1.5s      1  -\n"
				  "provision  harden-linux  two    unchanged  1.5s      1  -\n"
				  "provision  harden-linux  three  changed    1.5s      1  -\n"
				  "provision  harden-linux  pam    failed     1.5s      1  exit 3\n");
	*(bool *)option(&command_show, args, "--plan") = true;
	printed(f, &command_show, args, OUTPUT_TABLE, &done);
	assert_int_equal(f->err.kind, ERROR_USAGE);
	args = words(f, NULL);
	*(bool *)option(&command_show, args, "--controls") = true;
	text = printed(f, &command_show, args, OUTPUT_CSV, &done);
	assert_string_equal(text, "control,verdict,step,title,built.answer,built.evidence,built.instance,built.at,"
				  "fresh.answer,fresh.evidence,fresh.instance,fresh.at\r\n"
				  "CIS-1,pass,sshd,,,,,,pass,new answer,i-1,1970-01-01T00:00:05.000Z\r\n"
				  "CIS-2,fail,sshd,,,,,,fail,PermitRootLogin yes,i-1,1970-01-01T00:00:05.000Z\r\n");
	text = printed_as(f, &command_show, args, OUTPUT_TABLE, "junit", &done);
	assert_non_null(strstr(text, "<testsuites "));
	printed_as(f, &command_show, words(f, NULL), OUTPUT_TABLE, "junit", &done);
	assert_int_equal(f->err.kind, ERROR_USAGE);
	args = words(f, NULL);
	*(bool *)option(&command_show, args, "--plan") = true;
	text = printed(f, &command_show, args, OUTPUT_TABLE, &done);
	assert_non_null(strstr(text, "\"recipe\": \"debian-12\""));
}

static void say(struct fixture *f, const char *stage, const char *step, const char *stream, const char *text)
{
	assert_ok(store_log_add(f->store, "20260101-000000-aaaa", stage, step, stream, 1767225601000, text,
				strlen(text), &f->err));
}

static void the_log_is_readable_and_safe(void **state)
{
	struct fixture *f = *state;
	bool done;
	add_build(f, "20260101-000000-aaaa", "debian-12", 0);
	say(f, "launch", NULL, "note", "i-1 is running");
	say(f, "provision", "upgrade", "out", "one\n  0%\r 50%\r100%\r\n\x1b[1;32mgreen\x1b[0m \x1b]0;title\a\n");
	say(f, "provision", "upgrade", "err", "W: beware");
	reopen(f);
	char *text = printed(f, &command_log, words(f, NULL), OUTPUT_TABLE, &done);
	assert_ok(done);
	assert_string_equal(text, "00:00:01 launch: i-1 is running\n"
				  "00:00:01 provision/upgrade | one\n"
				  "00:00:01 provision/upgrade | 100%\n"
				  "00:00:01 provision/upgrade | green ]0;title\\a\n"
				  "00:00:01 provision/upgrade ! W: beware\n");
	void *args = words(f, NULL);
	*(const char **)option(&command_log, args, "--stage") = "launch";
	text = printed(f, &command_log, args, OUTPUT_JSONL, &done);
	assert_string_equal(text, "{\"at\":\"2026-01-01T00:00:01.000Z\",\"stage\":\"launch\",\"step\":\"\",\"stream\":"
				  "\"note\",\"text\":\"i-1 is "
				  "running\"}\n");
	args = words(f, NULL);
	*(bool *)option(&command_log, args, "--raw") = true;
	text = printed(f, &command_log, args, OUTPUT_TABLE, &done);
	assert_string_equal(text, "one\n  0%\r 50%\r100%\r\n\x1b[1;32mgreen\x1b[0m \x1b]0;title\a\nW: beware");
}

static const char sbom[] =
	"{\"bomFormat\": \"CycloneDX\", \"components\": [{\"type\": \"operating-system\", \"name\": \"debian\", "
	"\"version\": \"12\"}, {\"type\": \"library\", \"name\": \"bash\", \"version\": \"5.2\", \"purl\": "
	"\"pkg:deb/debian/bash@5.2\", \"properties\": [{\"name\": \"bakery:package_type\", \"value\": \"deb\"}, "
	"{\"name\": \"bakery:architecture\", \"value\": \"amd64\"}, {\"name\": \"bakery:source\", \"value\": "
	"\"bash\"}]}, {\"type\": \"file\", \"name\": \"/opt/x\", \"hashes\": [{\"alg\": \"SHA-256\", \"content\": "
	"\"abc\"}]}]}";

static void the_sbom_is_printed(void **state)
{
	struct fixture *f = *state;
	bool done;
	fill(f);
	printed(f, &command_sbom, words(f, NULL), OUTPUT_TABLE, &done);
	assert_false(done);
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	assert_non_null(strstr(f->err.text, "build 20260101-000000-aaaa has no SBOM"));
	assert_ok(store_document_put(
		f->store, &(struct document_row){"20260101-000000-aaaa", "sbom", "cyclonedx", "x", sbom, strlen(sbom)},
		&f->err));
	assert_string_equal(printed(f, &command_sbom, words(f, "ami-1"), OUTPUT_JSON, &done), sbom);
	assert_string_equal(printed_as(f, &command_sbom, words(f, "2026"), OUTPUT_TABLE, "cyclonedx", &done), sbom);
	assert_string_equal(printed(f, &command_sbom, words(f, NULL), OUTPUT_TABLE, &done),
			    "TYPE              NAME    VERSION  ARCH   SOURCE  SHA256\n"
			    "operating-system  debian  12       -      -       -\n"
			    "deb               bash    5.2      amd64  bash    -\n"
			    "file              /opt/x  -        -      -       abc\n");
	printed(f, &command_sbom, words(f, "nowhere"), OUTPUT_TABLE, &done);
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void builds_are_compared(void **state)
{
	struct fixture *f = *state;
	bool done;
	fill(f);
	add_build(f, "20260101-000100-bbbb", "debian-12", 1);
	struct text_list *both = words(f, "20260101-000000");
	both->items = arena_alloc(f->arena, 2 * sizeof(const char *));
	both->items[0] = "20260101-000000";
	both->items[1] = "20260101-0001";
	both->count = 2;
	char *text = printed(f, &command_diff, both, OUTPUT_TABLE, &done);
	assert_ok(done);
	assert_non_null(strstr(text, "a  20260101-000000-aaaa of debian-12, failed"));
	assert_non_null(strstr(text, "Packages: not known of one of the builds"));
	assert_non_null(strstr(text, "CIS-2    sshd  fail    -      PermitRootLogin yes"));
	text = printed(f, &command_diff, both, OUTPUT_JSON, &done);
	assert_non_null(strstr(text, "\"packages\": null"));
	text = printed(f, &command_diff, both, OUTPUT_CSV, &done);
	assert_non_null(strstr(text, "controls,removed,CIS-1,,pass,"));
	both->items[1] = "20270101";
	printed(f, &command_diff, both, OUTPUT_TABLE, &done);
	assert_false(done);
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	assert_non_null(strstr(f->err.text, "20270101"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(history_is_a_table),  TEST(history_checks_its_options),
		TEST(show_is_a_page),	   TEST(show_takes_the_newest_and_says_when_there_is_none),
		TEST(show_has_long_lists), TEST(the_log_is_readable_and_safe),
		TEST(the_sbom_is_printed), TEST(builds_are_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
