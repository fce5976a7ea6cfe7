/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from machines, made safe and measurable for a terminal. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bakery/output.h"
#include "bakery/utf8.h"

void output_as_seen(struct str *out, const char *text, size_t length)
{
	_cleanup_(str_free) struct str plain = STR_INIT;
	while (length && text[length - 1] == '\r')
		length--;
	const char *return_at = memrchr(text, '\r', length);
	const char *from = return_at ? return_at + 1 : text, *end = text + length;
	while (from < end) {
		const char *escape = memchr(from, '\x1b', (size_t)(end - from));
		str_add_n(&plain, from, (size_t)((escape ? escape : end) - from));
		from = escape ? escape + 1 : end;
		if (from < end && *from == '[') {
			while (++from < end && (*from < 0x40 || *from > 0x7e))
				;
			from += from < end;
		}
	}
	utf8_add_visible(out, plain.data, plain.len);
}

size_t output_width(const char *text)
{
	size_t width = 0, length = strlen(text);
	uint32_t code;
	for (size_t used; (used = utf8_next(text, length, &code)); text += used, length -= used)
		width += code == UTF8_BAD ? 1 : (size_t)utf8_width(code);
	return width;
}

int output_terminal_width(FILE *file)
{
	struct winsize size;
	return isatty(fileno(file)) && ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
