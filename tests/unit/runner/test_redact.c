/* SPDX-License-Identifier: Apache-2.0
 *
 * No form of a secret gets through, however the stream is cut; nothing else is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "src/runner/redact.h"

static char *redacted(const struct redaction *redaction, const char *text, size_t length, size_t piece)
{
	struct str out = STR_INIT;
	struct redactor redactor = {.redaction = redaction, .held = STR_INIT};
	for (size_t at = 0; at < length; at += piece)
		redactor_feed(&redactor, text + at, length - at < piece ? length - at : piece, &out);
	redactor_flush(&redactor, &out);
	redactor_free(&redactor);
	return str_take(&out);
}

static void expect(const char *const *secrets, const char *text, const char *wanted)
{
	struct redaction redaction = {0};
	for (; *secrets; secrets++)
		redaction_add(&redaction, *secrets);
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		_cleanup_(freep) char *got = redacted(&redaction, text, strlen(text), piece);
		assert_string_equal(got, wanted);
	}
	redaction_free(&redaction);
}

#define SECRETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void plain_forms(void **state)
{
	expect(SECRETS("hunter22"), "pw=hunter22; hunter2 hunter22", "pw=[redacted]; hunter2 [redacted]");
	expect(SECRETS("hunter22"), "hunhunter22er22", "hun[redacted]er22");
	expect(SECRETS("aab"), "aaab aabaab", "a[redacted] [redacted][redacted]");
	expect(SECRETS("abc", "abcdef"), "abcdef abcd", "[redacted] [redacted]d");
	expect(SECRETS("hunter22"), "nothing here", "nothing here");
	expect(SECRETS("line end\n"), "<line end>", "<[redacted]>");
	expect(SECRETS(""), "nothing", "nothing");
}

static void broken_over_lines(void **state)
{
	expect(SECRETS("0123456789abcdef"), "x 01234567\n89ab\r\ncdef y", "x [redacted] y");
	expect(SECRETS("first line of a key\nsecond line of it\nend\n"),
	       "> first line of a key\n> second line of it\n> end", "> [redacted]\n> [redacted]\n> end");
}

static void quoted_forms(void **state)
{
	static const char secret[] = "it's \"a\" $pa/ss\\wörd+";
	static const char *const forms[] = {
		"it'\\''s \"a\" $pa/ss\\wörd+",
		"it\\'s\\ \\\"a\\\"\\ \\$pa/ss\\\\wörd+",
		"it's \\\"a\\\" \\$pa/ss\\\\wörd+",
		"it's \\\"a\\\" $pa/ss\\\\wörd+",
		"it's \\\"a\\\" $pa\\/ss\\\\wörd+",
		"it\\'s \"a\" $pa/ss\\\\wörd+",
		"it%27s%20%22a%22%20%24pa%2Fss%5Cw%C3%B6rd%2B",
		"it%27s%20%22a%22%20%24pa%2fss%5cw%c3%b6rd%2b",
		"it%27s+%22a%22+%24pa%2Fss%5Cw%C3%B6rd%2B",
		"6974277320226122202470612f73735c77c3b672642b",
		"6974277320226122202470612F73735C77C3B672642B",
	};
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_(freep) char *text = mem_printf("<%s>", forms[i]);
		expect(SECRETS(secret), text, "<[redacted]>");
	}
}

/* As the tools themselves write it. */
static void escaped_forms(void **state)
{
	static const char secret[] = "it's \"a\" $pa/ss\\w\303\266rd+ <&> \360\237\224\221";
	static const char *const forms[] = {
		"it's \\\"a\\\" $pa/ss\\\\w\\u00f6rd+ <&> \\ud83d\\udd11",
		"it's \\\"a\\\" $pa/ss\\\\w\303\266rd+ <&> \360\237\224\221",
		"it's \\\"a\\\" $pa/ss\\\\w\303\266rd+ \\u003c\\u0026\\u003e \360\237\224\221",
		"it'\"'\"'s \"a\" $pa/ss\\w\303\266rd+ <&> \360\237\224\221",
		"it\\'s \"a\" $pa/ss\\\\w\303\266rd+ <&> \360\237\224\221",
		"it\\'s \"a\" $pa/ss\\\\w\\xc3\\xb6rd+ <&> \\xf0\\x9f\\x94\\x91",
		"it\\'s \"a\" $pa/ss\\\\w\\303\\266rd+ <&> \\360\\237\\224\\221",
		"it&#x27;s &quot;a&quot; $pa/ss\\w\303\266rd+ &lt;&amp;&gt; \360\237\224\221",
		"it's \"a\" $pa/ss\\w\303\266rd+ &lt;&amp;&gt; \360\237\224\221",
		"it&#39;s &#34;a&#34; $pa/ss\\w\303\266rd+ &lt;&amp;&gt; \360\237\224\221",
		"it&apos;s &quot;a&quot; $pa/ss\\w\303\266rd+ &lt;&amp;&gt; \360\237\224\221",
		"it''s \"a\" $pa/ss\\w\303\266rd+ <&> \360\237\224\221",
		"it's \"\"a\"\" $pa/ss\\w\303\266rd+ <&> \360\237\224\221",
		"69 74 27 73 20 22 61 22 20 24 70 61 2f 73 73 5c 77 c3 b6 72 64 2b 20 3c 26 3e 20 f0 9f 94 91",
		"69:74:27:73:20:22:61:22:20:24:70:61:2f:73:73:5c:77:c3:b6:72:64:2b:20:3c:26:3e:20:f0:9f:94:91",
		"69:74:27:73:20:22:61:22:20:24:70:61:2F:73:73:5C:77:C3:B6:72:64:2B:20:3C:26:3E:20:F0:9F:94:91",
		"it%27s%20%22a%22%20%24pa/ss%5Cw%C3%B6rd%2B%20%3C%26%3E%20%F0%9F%94%91",
		"it%27s+%22a%22+%24pa%2Fss%5Cw%C3%B6rd%2B+%3C%26%3E+%F0%9F%94%91",
		"6974 2773 2022 6122 2024 7061 2f73 735c 77c3 b672 642b 203c 263e 20f0 9f94 91",
	};
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_(freep) char *text = mem_printf("<%s>", forms[i]);
		expect(SECRETS(secret), text, "<[redacted]>");
	}
}

/* Wrapped as base64(1), YAML and a JSON text of such a thing have it. */
static void wrapped_base64(void **state)
{
	static const char *const ends[] = {"\n", "\r\n", "\n    ", "\\n", "\\r\\n", "\n\t"};
	static const char secret[] = "a secret that is so long that its base64 takes several lines of the usual "
				     "length, all of which have to go";
	_cleanup_(str_free) struct str encoded = STR_INIT;
	crypto_base64(secret, strlen(secret), &encoded);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(str_free) struct str text = STR_INIT;
		for (size_t at = 0; at < encoded.len; at += 38)
			str_addf(&text, "%s%.38s", at ? ends[i] : "", encoded.data + at);
		str_add(&text, " after");
		expect(SECRETS(secret), text.data, "[redacted] after");
	}
}

static void what_only_looks_like_it(void **state)
{
	expect(SECRETS("hunter22"), "hunter\\n2x hunter\\x hunter\n  ", "hunter\\n2x hunter\\x hunter\n  ");
	expect(SECRETS("hunter22"), "hunter\\", "hunter\\");
	expect(SECRETS("hun\\nter"), "hun\\nter hun\\nte", "[redacted] hun\\nte");
}

/* The secret somewhere inside of what is encoded: no four characters that depend on it alone may be left. */
static void base64_at_any_alignment(void **state)
{
	static const char secret[] = "correct horse battery staple";
	for (size_t before = 0; before < 7; before++) {
		for (size_t after = 0; after < 4; after++) {
			_cleanup_(freep) char *whole =
				mem_printf("%.*s%s%.*s", (int)before, "user1:xx", secret, (int)after, "\nyy");
			_cleanup_(str_free) struct str encoded = STR_INIT;
			crypto_base64(whole, strlen(whole), &encoded);
			struct redaction redaction = {0};
			redaction_add(&redaction, secret);
			_cleanup_(freep) char *got = redacted(&redaction, encoded.data, encoded.len, 5);
			redaction_free(&redaction);
			assert_non_null(strstr(got, REDACTED));
			assert_true(strlen(got) <= strlen(REDACTED) + (before + 2) / 3 * 4 + 4 + after / 3 * 4 + 8);
		}
	}
}

static void many_bytes_untouched(void **state)
{
	size_t length = 1 << 20;
	_cleanup_(freep) char *data = mem_alloc(length + 1);
	struct redaction redaction = {0};
	struct str out = STR_INIT;
	redaction_add(&redaction, "a secret that does not occur");
	struct redactor redactor = {.redaction = &redaction, .held = STR_INIT};
	for (size_t i = 0; i < length; i++)
		data[i] = (char)(i * 2654435761u >> 9);
	for (size_t at = 0; at < length; at += 4096)
		redactor_feed(&redactor, data + at, 4096, &out);
	redactor_flush(&redactor, &out);
	assert_int_equal(out.len, length);
	assert_memory_equal(out.data, data, length);
	str_free(&out);
	redactor_free(&redactor);
	redaction_free(&redaction);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_forms),		cmocka_unit_test(broken_over_lines),
		cmocka_unit_test(quoted_forms),		cmocka_unit_test(base64_at_any_alignment),
		cmocka_unit_test(many_bytes_untouched), cmocka_unit_test(escaped_forms),
		cmocka_unit_test(wrapped_base64),	cmocka_unit_test(what_only_looks_like_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
