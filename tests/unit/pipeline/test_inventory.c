/* SPDX-License-Identifier: Apache-2.0
 *
 * What a machine says of itself, read; package URLs and the CycloneDX document made of it; drift. */
#include "tests/lib/check.h"

#include "bakery/process.h"
#include "bakery/tree.h"
#include "src/pipeline/inspect/drift.h"
#include "src/pipeline/inspect/inventory.h"

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DEBIAN                                                                                                         \
	"OPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n# a comment\n\0Mx86_64\n\0"
#define END "E\0"

/* Records hold NULs. */
#define READ(text) inventory_read(text, sizeof(text) - 1, arena, &inventory, &err)

static const struct package *package(const struct inventory *inventory, size_t index)
{
	assert_true(index < inventory->packages.count);
	return (const struct package *)inventory->packages.items + index;
}

static const struct inventory_file *file(const struct struct_list *list, size_t index)
{
	assert_true(index < list->count);
	return (const struct inventory_file *)list->items + index;
}

static void test_dpkg(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	assert_works(READ(DEBIAN "Dinstalled\tzlib1g\t1:1.2.13.dfsg-1\tamd64\tzlib\t1:1.2.13.dfsg-1\n"
				 "config-files\tgone\t1\tamd64\tgone\t1\n"
				 "half-configured\tbroken\t2\tall\t\t\n"
				 "installed\tlibc6\t2.36-9\ti386\tglibc\t2.36-9\n"
				 "installed\tlibc6\t2.36-9\tamd64\tglibc\t2.36-9\n\0" END));
	assert_int_equal(inventory.packages.count, 4);
	assert_string_equal(package(&inventory, 0)->name, "broken");
	assert_null(package(&inventory, 0)->source);
	assert_string_equal(package(&inventory, 1)->architecture, "amd64");
	assert_string_equal(package(&inventory, 2)->architecture, "i386");
	assert_string_equal(package(&inventory, 3)->source, "zlib");
	assert_string_equal(package(&inventory, 3)->version, "1:1.2.13.dfsg-1");
	assert_string_equal(text_map_get(&inventory.os, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
	assert_string_equal(inventory.machine, "x86_64");
}

/* In the form that `rpm -qa --qf` prints; written by hand, not recorded. */
static void test_rpm(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	assert_works(READ("OID=\"rocky\"\nVERSION_ID=\"9.4\"\n\0Maarch64\n\0"
			  "Ropenssl\t1\t3.0.7\t27.el9\taarch64\topenssl-3.0.7-27.el9.src.rpm\n"
			  "gpg-pubkey\t(none)\t350d275d\t6279464b\t(none)\t(none)\n"
			  "bash\t(none)\t5.1.8\t9.el9\taarch64\tbash-5.1.8-9.el9.src.rpm\n"
			  "bash\t(none)\t5.1.8\t9.el9\taarch64\tbash-5.1.8-9.el9.src.rpm\n"
			  "local-tool\t0\t1\t1\tnoarch\t(none)\n\0" END));
	assert_int_equal(inventory.packages.count, 3);
	assert_string_equal(package(&inventory, 0)->version, "5.1.8-9.el9");
	assert_string_equal(package(&inventory, 0)->source, "bash");
	assert_string_equal(package(&inventory, 0)->source_version, "5.1.8-9.el9");
	assert_string_equal(package(&inventory, 1)->version, "0:1-1");
	assert_null(package(&inventory, 1)->source);
	assert_string_equal(package(&inventory, 2)->version, "1:3.0.7-27.el9");
}

static void test_files(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	assert_works(READ(DEBIAN "Ff\t644\troot:root\t0\t/etc/a\tb\nc\0L\0"
				 "Fl\t777\troot:root\t9\t/etc/mtab\0L../proc/self/mounts\0"
				 "Fd\t1755\troot:adm\t4096\t/etc\0L\0"
				 "Ff\t600\t0:0\t5\t/etc/\xff gone\0L\0" SUM "  /etc/a\tb\nc\0" SUM
				 "  /opt/x/y z\0" END));
	assert_int_equal(inventory.etc.count, 4);
	assert_string_equal(file(&inventory.etc, 0)->path, "/etc");
	assert_string_equal(file(&inventory.etc, 0)->type, "directory");
	assert_string_equal(file(&inventory.etc, 0)->mode, "1755");
	assert_string_equal(file(&inventory.etc, 1)->path, "/etc/a\tb\nc");
	assert_string_equal(file(&inventory.etc, 1)->sha256, SUM);
	assert_string_equal(file(&inventory.etc, 1)->mode, "0644");
	assert_string_equal(file(&inventory.etc, 2)->target, "../proc/self/mounts");
	assert_string_equal(file(&inventory.etc, 3)->path, "/etc/\xef\xbf\xbd gone");
	assert_null(file(&inventory.etc, 3)->sha256);
	assert_int_equal(inventory.opt.count, 1);
	assert_string_equal(file(&inventory.opt, 0)->path, "/opt/x/y z");
}

static void test_what_is_cut_off_or_odd_is_refused(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	assert_fails(READ(""), ERROR_FAILED, "cut off");
	assert_fails(READ(DEBIAN "Dinstalled\tbash\t5\tamd64\tbash\t5\n\0"), ERROR_FAILED, "cut off");
	assert_fails(READ(DEBIAN "Dinstalled\tbash\n\0" END), ERROR_FAILED, "dpkg's package");
	assert_fails(READ("Rbash\t5\n\0" END), ERROR_FAILED, "rpm's package");
	assert_fails(READ("Ff\t644\troot\tmany\t/etc/x\0L\0" END), ERROR_FAILED, "a file");
	assert_fails(READ("Lx\0" END), ERROR_FAILED, "a link");
	assert_fails(READ("Welcome to the machine!\n\0" END), ERROR_FAILED, "Welcome");
	assert_fails(READ("123  /etc/x\0" END), ERROR_FAILED, "a sum");
}

static void is_purl(const struct package *package, const char *id, const char *version, const char *wanted)
{
	struct text_pair pairs[] = {{"ID", id}, {"VERSION_ID", version}};
	const struct text_map os = {pairs, version ? 2 : 1};
	_cleanup_(freep) char *purl = inventory_purl(package, &os);

	assert_string_equal(purl, wanted);
}

static void test_purl(void **state)
{
	is_purl(&(struct package){"deb", "openssl", "amd64", "3.0.11-1~deb12u2"}, "debian", "12",
		"pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12");
	is_purl(&(struct package){"deb", "libstdc++6", "arm64", "1:12.2.0-14+b1"}, "ubuntu", "24.04",
		"pkg:deb/ubuntu/libstdc%2B%2B6@1:12.2.0-14%2Bb1?arch=arm64&distro=ubuntu-24.04");
	is_purl(&(struct package){"rpm", "curl", "x86_64", "8.5.0-1.amzn2023.0.4"}, "amzn", "2023",
		"pkg:rpm/amzn/curl@8.5.0-1.amzn2023.0.4?arch=x86_64&distro=amzn-2023");
	is_purl(&(struct package){"rpm", "NetworkManager", "x86_64", "1:1.46.0-1.el9"}, "rhel", "9.4",
		"pkg:rpm/redhat/NetworkManager@1.46.0-1.el9?arch=x86_64&distro=rhel-9.4&epoch=1");
	is_purl(&(struct package){"deb", "x", "", "1"}, "debian", NULL, "pkg:deb/debian/x@1?distro=debian");
}

static const struct inventory_subject subject = {
	.build = "20260102-030405-abcd",
	.recipe = "tiny",
	.image_name = "tiny-1",
	.ami = "ami-1",
	.instance = "i-1",
	.phase = "verify",
	.at_ms = 1767323045000,
};

static void test_cyclonedx(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	assert_works(READ(DEBIAN "Dinstalled\tbash\t5.2-2\tamd64\tbash\t5.2-2\n\0" SUM "  /opt/tool\0" END));
	_cleanup_(tree_freep) struct tree *sbom = inventory_sbom(&inventory, &subject);

	assert_string_equal(tree_text(sbom, "bomFormat"), "CycloneDX");
	assert_string_equal(tree_text(sbom, "specVersion"), "1.5");
	/* As `uuidgen --sha1 --namespace @url --name bakery:build:20260102-030405-abcd` makes it. */
	assert_string_equal(tree_text(sbom, "serialNumber"), "urn:uuid:54499925-bb30-5281-b42b-f99b77dc0621");
	assert_string_equal(tree_text(sbom, "metadata.timestamp"), "2026-01-02T03:04:05Z");
	assert_string_equal(tree_text(sbom, "components.1.type"), "operating-system");
	assert_string_equal(tree_text(sbom, "components.1.version"), "12");
	assert_string_equal(tree_text(sbom, "components.2.purl"),
			    "pkg:deb/debian/bash@5.2-2?arch=amd64&distro=debian-12");
	assert_string_equal(tree_text(sbom, "components.3.type"), "file");
	assert_string_equal(tree_text(sbom, "components.3.hashes.1.content"), SUM);
}

/* The order in which a machine says it does not show. */
static void test_the_same_machine_gives_the_same_text(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(str_free) struct str first = STR_INIT, second = STR_INIT;
	struct inventory inventory;
	struct error err = {0};

	assert_works(READ(DEBIAN "Dinstalled\ta\t1\tall\ta\t1\ninstalled\tb\t1\tall\tb\t1\n\0" SUM "  /opt/a\0" SUM
				 "  /opt/b\0" END));
	_cleanup_(tree_freep) struct tree *a = inventory_sbom(&inventory, &subject);
	assert_works(READ(DEBIAN SUM "  /opt/b\0Dinstalled\tb\t1\tall\tb\t1\ninstalled\ta\t1\tall\ta\t1\n\0" SUM
				     "  /opt/a\0" END));
	_cleanup_(tree_freep) struct tree *b = inventory_sbom(&inventory, &subject);
	tree_to_json(a, &first);
	tree_to_json(b, &second);
	assert_string_equal(first.data, second.data);
}

/* The script itself, on whatever machine the tests run on. */
static void test_this_machine(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(freep) char *script =
		mem_printf("%s/src/pipeline/inspect/inventory.sh", getenv("BAKERY_SOURCE_FOLDER"));
	const char *const argv[] = {"sh", script, NULL};
	const struct process process = {.argv = argv, .most_output = 256 << 20, .timeout_ms = 100000};
	_cleanup_(str_free) struct str said = STR_INIT;
	struct inventory inventory;
	struct error err = {0};

	assert_works(process_must(&process, &said, &err));
	assert_works(inventory_read(said.data, said.len, arena, &inventory, &err));
	assert_non_null(text_map_get(&inventory.os, "ID"));
	assert_true(inventory.packages.count > 20);
	assert_true(inventory.etc.count > 20);
	assert_string_equal(file(&inventory.etc, 0)->path, "/etc");
	for (size_t i = 0; i < inventory.etc.count; i++) {
		if (str_eq(file(&inventory.etc, i)->path, "/etc/passwd"))
			assert_non_null(file(&inventory.etc, i)->sha256);
	}
}

/* --- drift --- */

#define EVIDENCE(control, answer, evidence)                                                                            \
	"{\"control\": \"" control "\", \"step\": \"s\", \"answer\": \"" answer "\", \"evidence\": \"" evidence        \
	"\", \"instance\": \"i-1\"}"

static size_t drift(const char *built_json, const char *fresh_json, struct str *out)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *built = tree_from_json(built_json, strlen(built_json), &err);
	_cleanup_(tree_freep) struct tree *fresh = tree_from_json(fresh_json, strlen(fresh_json), &err);

	assert_non_null(built);
	assert_non_null(fresh);
	return drift_tell(built, fresh, out);
}

static void test_drift(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	assert_int_equal(
		drift("[" EVIDENCE("A", "pass", "1") "," EVIDENCE("B", "pass", "2") "," EVIDENCE(
			      "C", "skipped", "") "," EVIDENCE("D", "pass", "") "," EVIDENCE("E", "pass", "") "]",
		      "[" EVIDENCE("A", "pass", "1") "," EVIDENCE("B", "fail", "0") "," EVIDENCE(
			      "C", "pass", "") "," EVIDENCE("D", "waived", "") "]",
		      &out),
		2);
	assert_string_equal(out.data,
			    "B (s) passed on the built machine (i-1: 2) and fails on the fresh instance (i-1: 0); "
			    "E (s) passed on the built machine (i-1) and was not asked for on the fresh instance");
}

static void test_a_step_skipped_on_the_fresh_instance_alone_is_drift(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	assert_int_equal(
		drift("[" EVIDENCE("A", "pass", "") "]", "[" EVIDENCE("A", "skipped", "no such file") "]", &out), 1);
	assert_non_null(strstr(out.data, "was skipped on the fresh instance (i-1: no such file)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dpkg),
		cmocka_unit_test(test_rpm),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_what_is_cut_off_or_odd_is_refused),
		cmocka_unit_test(test_purl),
		cmocka_unit_test(test_cyclonedx),
		cmocka_unit_test(test_the_same_machine_gives_the_same_text),
		cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_a_step_skipped_on_the_fresh_instance_alone_is_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
