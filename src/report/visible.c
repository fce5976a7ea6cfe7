/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from machines, made safe and measurable for a terminal. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bakery/output.h"
#include "bakery/utf8.h"

/* What makes a terminal show something else than what the text says (CVE-2021-42574 for the last two ranges). */
static bool deceives(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void add_written_out(struct str *out, uint32_t code)
{
	static const char letters[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
	const char *letter = code && code < 0x80 ? strchr(letters, (int)code) : NULL;
	if (letter)
		str_addf(out, "\\%c", names[letter - letters]);
	else
		str_addf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

void output_visible(struct str *out, const char *text, size_t length)
{
	uint32_t code;
	for (size_t used; (used = utf8_next(text, length, &code)); text += used, length -= used) {
		if (code == UTF8_BAD)
			str_addf(out, "\\x%02x", (unsigned char)*text);
		else if (deceives(code))
			add_written_out(out, code);
		else
			str_add_n(out, text, used);
	}
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
