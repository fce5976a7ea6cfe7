/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines in which two texts differ: by the longest common subsequence of what is left between what they begin and
 * end with alike. */
#include "lines_diff.h"

#include <string.h>

#include "bakery/mem.h"
#include "bakery/output.h"
#include "bakery/utf8.h"

struct line {
	const char *text;
	size_t length;
};
struct lines {
	struct line *items;
	size_t count;
};
struct telling {
	struct str *out;
	const char *indent;
	size_t most, told;
};

enum { MOST_CELLS = 4000000 }; /* of the table; above that all lines count as changed */

static struct lines lines_of(const char *text)
{
	size_t room = 2;
	struct lines lines = {0};

	for (const char *c = text; *c; c++)
		room += *c == '\n';
	lines.items = mem_array(room, sizeof(*lines.items));
	while (*text) {
		size_t length = strcspn(text, "\n");
		lines.items[lines.count++] = (struct line){text, length};
		text += length + (text[length] == '\n');
	}
	return lines;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static void tell(struct telling *telling, char sign, const struct line *line)
{
	if (telling->told++ >= telling->most)
		return;
	str_addf(telling->out, "%s%c ", telling->indent, sign);
	utf8_add_visible(telling->out, line->text, line->length);
	str_add_char(telling->out, '\n');
}

/* lengths[i * (b + 1) + j]: of the longest common subsequence of a from i on and b from j on. */
static unsigned *table_make(const struct line *a, size_t count_a, const struct line *b, size_t count_b)
{
	size_t width = count_b + 1;
	unsigned *lengths = mem_array((count_a + 1) * width, sizeof(*lengths));

	for (size_t i = count_a; i-- > 0;) {
		for (size_t j = count_b; j-- > 0;) {
			unsigned down = lengths[(i + 1) * width + j], right = lengths[i * width + j + 1];
			lengths[i * width + j] = same(&a[i], &b[j]) ? lengths[(i + 1) * width + j + 1] + 1
						 : down > right	    ? down
								    : right;
		}
	}
	return lengths;
}

static void walk(struct telling *telling, const struct line *a, size_t count_a, const struct line *b, size_t count_b)
{
	bool too_large = count_b && count_a > MOST_CELLS / count_b;
	_cleanup_(freep) unsigned *lengths = too_large ? NULL : table_make(a, count_a, b, count_b);
	size_t i = 0, j = 0, width = count_b + 1;

	while (i < count_a || j < count_b) {
		if (lengths && i < count_a && j < count_b && same(&a[i], &b[j])) {
			i++;
			j++;
		} else if (i < count_a &&
			   (j == count_b || !lengths || lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
			tell(telling, '-', &a[i++]);
		} else {
			tell(telling, '+', &b[j++]);
		}
	}
}

void lines_diff(struct str *out, const char *before, const char *after, const char *indent, size_t most)
{
	struct telling telling = {.out = out, .indent = indent, .most = most};
	struct lines a = lines_of(before), b = lines_of(after);
	_cleanup_(freep) struct line *items_a = a.items, *items_b = b.items;
	size_t head = 0;

	while (head < a.count && head < b.count && same(&a.items[head], &b.items[head]))
		head++;
	while (a.count > head && b.count > head && same(&a.items[a.count - 1], &b.items[b.count - 1])) {
		a.count--;
		b.count--;
	}
	walk(&telling, a.items + head, a.count - head, b.items + head, b.count - head);
	if (telling.told > most)
		str_addf(out, "%s... %zu more lines\n", indent, telling.told - most);
}
