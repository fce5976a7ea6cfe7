/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two builds, section by section, and the page of it. */
#include "tests/lib/check.h"

#include "bakery/difference.h"
#include "bakery/mem.h"
#include "src/report/difference_private.h"
#include "src/report/lines_diff.h"

static struct tree *document(const char *json)
{
	struct error err = {0};
	struct tree *tree = tree_from_json(json, strlen(json), &err);

	if (!tree)
		fail_msg("%s: %s", err.text, json);
	return tree;
}

/* "change name before>after; ..." */
static void told(const struct tree *rows, struct str *out)
{
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		str_addf(out, "%s%s %s %s>%s", out->len ? "; " : "", tree_text_or(i.value, "change", "?"),
			 tree_text_or(i.value, "name", "?"), tree_text_or(i.value, "before", ""),
			 tree_text_or(i.value, "after", ""));
}

static void differ(struct tree *(*compare)(const struct tree *a, const struct tree *b), const char *a, const char *b,
		   const char *wanted)
{
	_cleanup_(tree_freep) struct tree *before = document(a), *after = document(b), *rows = compare(before, after);
	_cleanup_(str_free) struct str out = STR_INIT;

	told(rows, &out);
	assert_string_equal(out.data, wanted);
}

#define PACKAGE(type, name, version, arch)                                                                             \
	"{\"type\": \"library\", \"name\": \"" name "\", \"version\": \"" version "\", \"properties\": [{\"name\": "   \
	"\"bakery:package_type\", \"value\": \"" type "\"}, {\"name\": \"bakery:architecture\", \"value\": \"" arch    \
	"\"}]}"
#define FILE_(path, sum)                                                                                               \
	"{\"type\": \"file\", \"name\": \"" path "\", \"hashes\": [{\"alg\": \"SHA-256\", \"content\": \"" sum "\"}]}"
#define SBOM(components) "{\"components\": [" components "]}"

static void test_packages(void **state)
{
	differ(difference_packages,
	       SBOM(PACKAGE("deb", "a", "1", "all") "," PACKAGE("deb", "b", "1.9", "amd64") "," PACKAGE(
		       "deb", "c", "2", "all") "," PACKAGE("deb", "d", "1", "all")),
	       SBOM(PACKAGE("deb", "a", "1", "all") "," PACKAGE("deb", "b", "1.10", "amd64") "," PACKAGE(
		       "deb", "c", "2~rc1", "all") "," PACKAGE("deb", "e", "1", "all")),
	       "added e >1; removed d 1>; upgraded b 1.9>1.10; downgraded c 2>2~rc1");
	differ(difference_packages, SBOM(PACKAGE("rpm", "b", "1.0-1", "noarch")),
	       SBOM(PACKAGE("rpm", "b", "1:0.9-1", "noarch")), "upgraded b 1.0-1>1:0.9-1");
	differ(difference_packages, SBOM(PACKAGE("deb", "b", "1", "amd64")), SBOM(PACKAGE("deb", "b", "1", "i386")),
	       "added b >1; removed b 1>");
	differ(difference_packages, SBOM(""), SBOM(""), "");
}

static void test_kernels_stand_side_by_side(void **state)
{
	differ(difference_packages, SBOM(PACKAGE("rpm", "k", "5-1", "x") "," PACKAGE("rpm", "k", "5-2", "x")),
	       SBOM(PACKAGE("rpm", "k", "5-2", "x") "," PACKAGE("rpm", "k", "5-3", "x")), "upgraded k 5-1>5-3");
	differ(difference_packages, SBOM(PACKAGE("rpm", "k", "5-1", "x")),
	       SBOM(PACKAGE("rpm", "k", "5-1", "x") "," PACKAGE("rpm", "k", "5-2", "x")), "added k >5-2");
}

static void test_another_system(void **state)
{
	differ(difference_packages, SBOM("{\"type\": \"operating-system\", \"name\": \"debian\", \"version\": \"12\"}"),
	       SBOM("{\"type\": \"operating-system\", \"name\": \"debian\", \"version\": \"13\"}"),
	       "changed operating system debian 12>debian 13");
}

static void test_opt(void **state)
{
	differ(difference_opt, SBOM(FILE_("/opt/a", "1") "," FILE_("/opt/b", "1") "," FILE_("/opt/c", "1")),
	       SBOM(FILE_("/opt/a", "1") "," FILE_("/opt/b", "2") "," FILE_("/opt/d", "1")),
	       "added /opt/d >1; removed /opt/c 1>; changed /opt/b 1>2");
}

#define ENTRY(path, mode, sum)                                                                                         \
	"{\"path\": \"" path "\", \"type\": \"file\", \"mode\": \"" mode                                               \
	"\", \"owner\": \"root:root\", \"sha256\": \"" sum "\"}"
#define ETC(files) "{\"files\": [" files "]}"

static void test_etc(void **state)
{
	_cleanup_(tree_freep) struct tree *before =
		document(ETC(ENTRY("/etc/a.conf", "0644", "1") "," ENTRY("/etc/b", "0644", "1") "," ENTRY(
			"/etc/machine-id", "0444", "1") "," ENTRY("/etc/ssh/ssh_host_rsa_key", "0600",
								  "1") "," ENTRY("/etc/same", "0600", "1")));
	_cleanup_(tree_freep) struct tree *after =
		document(ETC(ENTRY("/etc/a.conf", "0600", "2") "," ENTRY("/etc/c", "0644", "1") "," ENTRY(
			"/etc/machine-id", "0444", "2") "," ENTRY("/etc/ssh/ssh_host_rsa_key", "0644",
								  "2") "," ENTRY("/etc/same", "0600", "1")));
	_cleanup_(tree_freep) struct tree *rows = difference_etc(before, after);

	assert_int_equal(tree_count(rows), 5);
	assert_string_equal(tree_text(rows, "1.name"), "/etc/c");
	assert_string_equal(tree_text(rows, "2.name"), "/etc/b");
	assert_string_equal(tree_text(rows, "3.name"), "/etc/a.conf");
	assert_string_equal(tree_text(rows, "3.what.1"), "mode");
	assert_string_equal(tree_text(rows, "3.what.2"), "content");
	assert_true(tree_bool(rows, "4.of_instance", false));
	/* That its mode is another one is no accident of the instance. */
	assert_string_equal(tree_text(rows, "5.name"), "/etc/ssh/ssh_host_rsa_key");
	assert_false(tree_bool(rows, "5.of_instance", true));
}

#define PLAN(playbooks, rest)                                                                                          \
	"{\"recipe\": \"tiny\", \"recipe_file\": \"x\", \"recipe_sha256\": \"x\", \"playbooks\": [" playbooks "]" rest \
	"}"
#define BOOK(name, steps) "{\"name\": \"" name "\", \"sha256\": \"x\", \"steps\": [" steps "]}"

static void test_plans(void **state)
{
	differ(difference_plans, PLAN(BOOK("p", "{\"id\": \"one\", \"run\": \"a\", \"line\": 3}"), ""),
	       PLAN(BOOK("p", "{\"id\": \"zero\", \"run\": \"z\"}, {\"id\": \"one\", \"run\": \"b\", \"line\": 9}"),
		    ""),
	       "changed playbooks.p.steps.one.run a>b; added playbooks.p.steps.zero >");
	differ(difference_plans, PLAN(BOOK("p", "") "," BOOK("q", "") "," BOOK("p", ""), ""),
	       PLAN(BOOK("q", "") "," BOOK("p", ""), ""), "removed playbooks.p#2 >; reordered playbooks >");
	differ(difference_plans, PLAN("", ", \"launch\": {\"vpc\": \"v-1\", \"market\": \"spot\"}"),
	       PLAN("", ", \"launch\": {\"vpc\": \"v-2\", \"market\": \"on-demand\"}, \"tags\": {\"a\": \"b\"}"),
	       "changed launch.market spot>on-demand; added tags >");
	differ(difference_plans, PLAN("", ", \"types\": [\"a\", \"b\"]"),
	       PLAN("", ", \"types\": [\"b\", \"a\", \"c\"]"), "added types.c >c; reordered types >");
}

/* Nothing else tells what an uploaded file holds. */
static void test_an_uploads_sum_counts(void **state)
{
	differ(difference_plans, PLAN(BOOK("p", "{\"id\": \"s\", \"upload\": {\"sha256\": \"1\"}}"), ""),
	       PLAN(BOOK("p", "{\"id\": \"s\", \"upload\": {\"sha256\": \"2\"}}"), ""),
	       "changed playbooks.p.steps.s.upload.sha256 1>2");
}

/* --- whole builds --- */

#define CONTROL(name, answer)                                                                                          \
	"{\"control\": \"" name "\", \"phase\": \"verify\", \"step\": \"s\", \"answer\": \"" answer                    \
	"\", \"evidence\": \"why\"}"
#define BUILD(id, controls, plan, seconds)                                                                             \
	"{\"build\": \"" id "\", \"recipe\": \"tiny\", \"status\": \"done\", \"started\": \"2026-01-02T03:04:05Z\", "  \
	"\"duration_s\": " seconds ", \"images\": [{\"ami\": \"ami-" id "\"}], \"controls\": [" controls               \
	"], \"plan\": " plan                                                                                           \
	", \"stages\": [{\"stage\": \"provision\", \"duration_s\": 9}, {\"stage\": \"provision\", "                    \
	"\"duration_s\": " seconds "}, {\"stage\": \"tidy\", \"duration_s\": 0.1}]}"

static struct tree *compared(const char *a, const char *b, const char *sbom_b)
{
	_cleanup_(tree_freep) struct tree *before = document(a), *after = document(b);
	_cleanup_(tree_freep) struct tree *sbom = document(SBOM(PACKAGE("deb", "openssl", "3.0", "amd64")));
	_cleanup_(tree_freep) struct tree *other = sbom_b ? document(sbom_b) : NULL;
	_cleanup_(tree_freep) struct tree *etc = document(ETC(ENTRY("/etc/machine-id", "0444", "1")));
	_cleanup_(tree_freep) struct tree *etc_other = document(ETC(ENTRY("/etc/machine-id", "0444", "2")));

	return difference_make(&(struct difference_side){before, sbom, etc},
			       &(struct difference_side){after, other, etc_other});
}

static void page(const struct tree *difference, const char *wanted)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	difference_page(&out, difference, 0);
	assert_string_equal(out.data, wanted);
}

static const char heads[] = "a  b1 of tiny, done, 2026-01-02, ami-b1\nb  b2 of tiny, done, 2026-01-02, ami-b2\n";

static void test_page(void **state)
{
	_cleanup_(tree_freep) struct tree *difference = compared(
		BUILD("b1", CONTROL("C-1", "pass") "," CONTROL("C-2", "pass"),
		      "{\"playbooks\": [{\"name\": \"p\", \"steps\": [{\"id\": \"s\", \"run\": \"a\\nb\\nc\"}]}]}",
		      "5"),
		BUILD("b2", CONTROL("C-1", "fail") "," CONTROL("C-3", "waived"),
		      "{\"playbooks\": [{\"name\": \"p\", \"steps\": [{\"id\": \"s\", \"run\": "
		      "\"a\\nB\\u001b\\nc\"}]}]}",
		      "65"),
		SBOM(PACKAGE("deb", "openssl", "3.1", "amd64")));
	_cleanup_(freep) char *wanted = mem_printf("%s\n"
						   "Packages: 1 upgraded\n"
						   "  CHANGE    PACKAGE  ARCH   BEFORE  AFTER\n"
						   "  upgraded  openssl  amd64  3.0     3.1\n"
						   "\n"
						   "Controls: 1 added, 1 removed, 1 changed\n"
						   "  CONTROL  STEP  BEFORE  AFTER   EVIDENCE\n"
						   "  C-1      s     pass    fail    why\n"
						   "  C-2      s     pass    -       why\n"
						   "  C-3      s     -       waived  why\n"
						   "\n"
						   "Recipe and playbooks: 1 changed\n"
						   "  playbooks.p.steps.s.run:\n"
						   "    - b\n"
						   "    + B\\x1b\n"
						   "\n"
						   "Times (of stages that took another time)\n"
						   "  STAGE        BEFORE  AFTER\n"
						   "  provision      5.0s  1m05s\n"
						   "  whole build    5.0s  1m05s\n",
						   heads);

	page(difference, wanted);
}

#define DIRECTORY(path)                                                                                                \
	"{\"path\": \"" path "\", \"type\": \"directory\", \"mode\": \"0755\", \"owner\": \"root:root\"}"

/* A package brings hundreds of files: its folder is one line. */
static void test_a_whole_directory_is_one_line(void **state)
{
	_cleanup_(tree_freep) struct tree *build = document(BUILD("b1", "", "{}", "5"));
	_cleanup_(tree_freep) struct tree *sbom = document(SBOM(""));
	_cleanup_(tree_freep) struct tree *before =
		document(ETC(DIRECTORY("/etc") "," DIRECTORY("/etc/gone") "," ENTRY("/etc/gone/x", "0644", "1")));
	_cleanup_(tree_freep) struct tree *after = document(ETC(DIRECTORY("/etc") "," DIRECTORY("/etc/a") "," ENTRY(
		"/etc/a.conf", "0644", "1") "," DIRECTORY("/etc/a/b") "," ENTRY("/etc/a/b/c", "0600", "1")));
	_cleanup_(tree_freep) struct tree *difference = difference_make(&(struct difference_side){build, sbom, before},
									&(struct difference_side){build, sbom, after});
	_cleanup_(str_free) struct str out = STR_INIT;

	difference_page(&out, difference, 0);
	assert_non_null(strstr(out.data, "Files under /etc: 2 added, 1 removed\n"
					 "  CHANGE   FILE                       WHAT  MODE  OWNER\n"
					 "  added    /etc/a/ with 2 entries     -     0755  root:root\n"
					 "  added    /etc/a.conf                -     0644  root:root\n"
					 "  removed  /etc/gone/ with 1 entries  -     0755  root:root\n"));
	assert_int_equal(tree_count(tree_get(difference, "etc")), 6);
}

#define STEP_CONTROL(name, step, answer)                                                                               \
	"{\"control\": \"" name "\", \"phase\": \"verify\", \"step\": \"" step "\", \"answer\": \"" answer "\"}"

/* A control that another step serves now has not come or gone. */
static void test_a_control_moves_to_another_step(void **state)
{
	_cleanup_(tree_freep) struct tree *difference = compared(
		BUILD("b1", STEP_CONTROL("A", "old", "pass") "," STEP_CONTROL("B", "old", "pass"), "{}", "5"),
		BUILD("b2", STEP_CONTROL("A", "new", "pass") "," STEP_CONTROL("B", "new", "fail"), "{}", "5"), NULL);
	_cleanup_(str_free) struct str out = STR_INIT;

	told(tree_get(difference, "controls"), &out);
	assert_string_equal(out.data, "changed B pass>fail");
}

static void test_nothing_differs(void **state)
{
	_cleanup_(tree_freep) struct tree *difference = compared(BUILD("b1", CONTROL("C-1", "pass"), "{}", "5"),
								 BUILD("b2", CONTROL("C-1", "pass"), "{}", "5.4"),
								 SBOM(PACKAGE("deb", "openssl", "3.0", "amd64")));
	_cleanup_(freep) char *wanted = mem_printf("%s\nNo difference.\n", heads);

	page(difference, wanted);
	assert_int_equal(tree_count(tree_get(difference, "etc")), 1);
}

static void test_a_build_without_an_sbom(void **state)
{
	_cleanup_(tree_freep) struct tree *difference = compared(BUILD("b1", "", "{}", "5"), BUILD("b2", "", "{}", "5"),
								 NULL),
					  *rows = difference_rows(difference);
	_cleanup_(str_free) struct str out = STR_INIT;

	assert_int_equal(tree_kind(tree_get(difference, "packages")), TREE_NULL);
	assert_int_equal(tree_kind(tree_get(difference, "etc")), TREE_ARRAY);
	difference_page(&out, difference, 0);
	assert_non_null(strstr(out.data, "Packages: not known of one of the builds"));
	assert_null(strstr(out.data, "No difference"));
	assert_string_equal(tree_text(rows, "1.section"), "etc");
	assert_string_equal(tree_text(rows, "1.name"), "/etc/machine-id");
}

/* --- lines --- */

static void lines(const char *a, const char *b, const char *wanted)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	lines_diff(&out, a, b, "", 6);
	assert_string_equal(out.data, wanted);
}

static void test_lines(void **state)
{
	lines("", "", "");
	lines("a\nb\n", "a\nb\n", "");
	lines("a\nb\nc\n", "a\nc\n", "- b\n");
	lines("a\nc", "a\nb\nc", "+ b\n");
	lines("a\nb\nc\nd\ne", "a\nx\nc\ny\ne", "- b\n+ x\n- d\n+ y\n");
	lines("", "x", "+ x\n");
	lines("1\n2\n3\n4\n5\n6\n7\n8", "", "- 1\n- 2\n- 3\n- 4\n- 5\n- 6\n... 2 more lines\n");
	lines("a\n\nb", "a\nb", "- \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_kernels_stand_side_by_side),
		cmocka_unit_test(test_another_system),
		cmocka_unit_test(test_opt),
		cmocka_unit_test(test_etc),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_an_uploads_sum_counts),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_a_whole_directory_is_one_line),
		cmocka_unit_test(test_a_control_moves_to_another_step),
		cmocka_unit_test(test_nothing_differs),
		cmocka_unit_test(test_a_build_without_an_sbom),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
