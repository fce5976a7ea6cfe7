/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts of services: global ones, FIPS, dual stack, by partition; addresses that the environment and the config file
 * set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/aws/endpoints.h"

static char folder[] = "/tmp/bakery-endpoints-XXXXXX";
static char *config;

static const char *const variables[] = {
	"AWS_ENDPOINT_URL",	 "AWS_ENDPOINT_URL_EC2",       "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
	"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
};

static int set_up(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	return 0;
}

static bool read_settings(struct endpoint_settings *settings, const char *text, struct error *err)
{
	struct profile profile = {0};
	struct profile_files files = {config, config};
	*err = (struct error){0};
	assert_true(file_replace(config, text, strlen(text), 0600, err));
	assert_true(profile_read_config(&files, "default", &profile, NULL, err));
	bool good = endpoint_settings_read(settings, NULL, &profile, config, err);
	profile_free(&profile);
	return good;
}

static void expect(const struct endpoint_settings *settings, enum service service, const char *region, const char *url,
		   const char *signing_region, const char *origin)
{
	struct endpoint got;
	struct error err = {0};
	if (!endpoint_find(settings, service, region, &got, &err))
		fail_msg("%s", err.text);
	assert_string_equal(got.url.base, url);
	assert_string_equal(got.signing_region, signing_region);
	if (origin ? !got.origin || !strstr(got.origin, origin) : got.origin != NULL)
		fail_msg("%s comes from %s", url, got.origin);
	endpoint_free(&got);
}

static void test_hosts(void **state)
{
	static const struct {
		bool fips, dual;
		enum service service;
		const char *region, *url, *signing_region;
	} cases[] = {
		{false, false, SERVICE_iam, "eu-west-1", "https://iam.amazonaws.com", "us-east-1"},
		{false, false, SERVICE_iam, "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{false, false, SERVICE_iam, "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{false, false, SERVICE_iam, "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
		{false, false, SERVICE_iam, "us-iso-west-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
		{false, false, SERVICE_organizations, "eu-west-1", "https://organizations.us-east-1.amazonaws.com",
		 "us-east-1"},
		{false, false, SERVICE_servicequotas, "eu-west-1", "https://servicequotas.eu-west-1.amazonaws.com",
		 "eu-west-1"},
		{false, false, SERVICE_kms, "us-isof-south-1", "https://kms.us-isof-south-1.csp.hci.ic.gov",
		 "us-isof-south-1"},
		{true, false, SERVICE_ec2, "us-east-1", "https://ec2-fips.us-east-1.amazonaws.com", "us-east-1"},
		{true, false, SERVICE_ec2, "us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
		{true, false, SERVICE_kms, "us-gov-west-1", "https://kms-fips.us-gov-west-1.amazonaws.com",
		 "us-gov-west-1"},
		{true, false, SERVICE_iam, "us-west-2", "https://iam-fips.amazonaws.com", "us-east-1"},
		{true, false, SERVICE_iam, "us-gov-west-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
		{true, false, SERVICE_organizations, "us-west-2", "https://organizations-fips.us-east-1.amazonaws.com",
		 "us-east-1"},
		{true, false, SERVICE_organizations, "us-gov-east-1",
		 "https://organizations.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
		{false, true, SERVICE_ec2, "eu-west-1", "https://ec2.eu-west-1.api.aws", "eu-west-1"},
		{false, true, SERVICE_sts, "cn-north-1", "https://sts.cn-north-1.api.amazonwebservices.com.cn",
		 "cn-north-1"},
		{false, true, SERVICE_iam, "eu-west-1", "https://iam.global.api.aws", "us-east-1"},
		{false, true, SERVICE_iam, "us-gov-east-1", "https://iam.us-gov.api.aws", "us-gov-west-1"},
		{true, true, SERVICE_ec2, "us-east-2", "https://ec2-fips.us-east-2.api.aws", "us-east-2"},
		{true, true, SERVICE_iam, "us-east-2", "https://iam-fips.global.api.aws", "us-east-1"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct endpoint_settings settings;
		struct error err;
		setenv("AWS_USE_FIPS_ENDPOINT", cases[i].fips ? "true" : "false", 1);
		setenv("AWS_USE_DUALSTACK_ENDPOINT", cases[i].dual ? "true" : "false", 1);
		assert_true(read_settings(&settings, "", &err));
		expect(&settings, cases[i].service, cases[i].region, cases[i].url, cases[i].signing_region, NULL);
		endpoint_settings_free(&settings);
	}
}

static void test_switches_of_the_profile(void **state)
{
	struct endpoint_settings settings;
	struct error err;
	assert_true(
		read_settings(&settings, "[default]\nuse_fips_endpoint = True\nuse_dualstack_endpoint=true\n", &err));
	expect(&settings, SERVICE_ssm, "us-east-1", "https://ssm-fips.us-east-1.api.aws", "us-east-1", NULL);
	endpoint_settings_free(&settings);
	setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
	assert_true(read_settings(&settings, "[default]\nuse_fips_endpoint = true\n", &err));
	expect(&settings, SERVICE_ssm, "us-east-1", "https://ssm.us-east-1.amazonaws.com", "us-east-1", NULL);
	endpoint_settings_free(&settings);
}

static void test_unclear_switches(void **state)
{
	struct endpoint_settings settings;
	struct error err;
	assert_false(read_settings(&settings, "[default]\nuse_fips_endpoint = 1\n", &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_string_equal(err.text, "use_fips_endpoint of the profile must be true or false, not \"1\"");
	endpoint_settings_free(&settings);
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "yes", 1);
	assert_false(read_settings(&settings, "", &err));
	assert_true(str_starts(err.text, "AWS_USE_DUALSTACK_ENDPOINT must be "));
	endpoint_settings_free(&settings);
}

static void test_fips_and_an_address(void **state)
{
	struct endpoint_settings settings;
	struct endpoint endpoint;
	struct error err;
	setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
	setenv("AWS_ENDPOINT_URL_EC2", "https://ec2.local", 1);
	assert_true(read_settings(&settings, "", &err));
	assert_false(endpoint_find(&settings, SERVICE_ec2, "us-east-1", &endpoint, &err));
	assert_string_equal(err.text, "AWS_USE_FIPS_ENDPOINT and AWS_ENDPOINT_URL_EC2 contradict each other: leave one "
				      "of them out");
	endpoint_free(&endpoint);
	expect(&settings, SERVICE_ssm, "us-east-1", "https://ssm-fips.us-east-1.amazonaws.com", "us-east-1", NULL);
	endpoint_settings_free(&settings);
}

#define SERVICES                                                                                                       \
	"[default]\nservices = local\nendpoint_url = http://all:1\n"                                                   \
	"[services other]\nec2 =\n  endpoint_url = http://other:1\n"                                                   \
	"[services local]\n# words\nec2 = \n  other = x\n  endpoint_url = http://ec2:1\n\nunheard_of =\n"              \
	"  endpoint_url = http://x:1\nservice_quotas =\r\n\tendpoint_url=http://quotas:1\r\n"                          \
	"[profile z]\nkms =\n  endpoint_url = http://kms:1\n"

static void test_services_section(void **state)
{
	struct endpoint_settings settings;
	struct error err;
	assert_true(read_settings(&settings, SERVICES, &err));
	expect(&settings, SERVICE_ec2, "us-east-1", "http://ec2:1", "us-east-1", "[services local] in ");
	expect(&settings, SERVICE_servicequotas, "us-east-1", "http://quotas:1", "us-east-1", "[services local] in ");
	expect(&settings, SERVICE_kms, "us-east-1", "http://all:1", "us-east-1", "endpoint_url of the profile");
	endpoint_settings_free(&settings);
	setenv("AWS_ENDPOINT_URL", "http://env:1", 1);
	setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", "http://env-quotas:1", 1);
	assert_true(read_settings(&settings, SERVICES, &err));
	expect(&settings, SERVICE_ec2, "us-east-1", "http://env:1", "us-east-1", "AWS_ENDPOINT_URL");
	expect(&settings, SERVICE_servicequotas, "us-east-1", "http://env-quotas:1", "us-east-1",
	       "AWS_ENDPOINT_URL_SERVICE_QUOTAS");
	endpoint_settings_free(&settings);
}

static void test_addresses_ignored(void **state)
{
	struct endpoint_settings settings;
	struct error err;
	assert_true(read_settings(&settings,
				  "[default]\nendpoint_url=http://a:1\n"
				  "ignore_configured_endpoint_urls = true\nservices = nowhere\n",
				  &err));
	setenv("AWS_ENDPOINT_URL", "http://env:1", 1);
	expect(&settings, SERVICE_ec2, "us-east-1", "https://ec2.us-east-1.amazonaws.com", "us-east-1", NULL);
	endpoint_settings_free(&settings);
}

static void test_no_such_section(void **state)
{
	struct endpoint_settings settings;
	struct error err;
	assert_false(read_settings(&settings, "[default]\nservices = nowhere\n[servicesnowhere]\n[services]\n", &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_non_null(strstr(err.text, "has no section [services nowhere]"));
	endpoint_settings_free(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hosts, set_up),
		cmocka_unit_test_setup(test_switches_of_the_profile, set_up),
		cmocka_unit_test_setup(test_unclear_switches, set_up),
		cmocka_unit_test_setup(test_fips_and_an_address, set_up),
		cmocka_unit_test_setup(test_services_section, set_up),
		cmocka_unit_test_setup(test_addresses_ignored, set_up),
		cmocka_unit_test_setup(test_no_such_section, set_up),
	};
	struct error err;
	if (!mkdtemp(folder))
		return 1;
	config = path_join(folder, "config");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(config);
	return file_remove_tree(folder, &err) ? failed : 1;
}
