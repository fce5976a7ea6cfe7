/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/crypto.h"

/* FIPS 180-2, appendix B; RFC 4231, test case 2. */
static void digests(void **state)
{
	char hex[SHA256_HEX_SIZE];
	uint8_t mac[SHA256_SIZE];

	crypto_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	crypto_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* RFC 4648, section 10. */
static void base64(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		_cleanup_(str_free) struct str coded = STR_INIT, plain = STR_INIT;
		crypto_base64(pairs[i][0], strlen(pairs[i][0]), &coded);
		assert_string_equal(coded.data, pairs[i][1]);
		assert_true(crypto_base64_decode(pairs[i][1], &plain));
		assert_int_equal(plain.len, strlen(pairs[i][0]));
		assert_string_equal(plain.data, pairs[i][0]);
	}
}

static void base64_that_is_none_is_refused(void **state)
{
	static const char *const broken[] = {"Zg", "Zg=", "Z!==", "Zg==Z", "\x80\x80\x80\x80"};
	_cleanup_(str_free) struct str plain = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		if (crypto_base64_decode(broken[i], &plain))
			fail_msg("%s", broken[i]);
	}
	str_clear(&plain);
	assert_true(crypto_base64_decode(" Zm9v\nYmFy ", &plain));
	assert_string_equal(plain.data, "foobar");
}

static void random_texts_differ(void **state)
{
	char a[37], b[37], hex[6];

	crypto_random_uuid(a);
	crypto_random_uuid(b);
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '4');
	crypto_random_hex(hex, 5);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(base64),
		cmocka_unit_test(base64_that_is_none_is_refused),
		cmocka_unit_test(random_texts_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
