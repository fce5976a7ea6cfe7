/* SPDX-License-Identifier: Apache-2.0
 *
 * What inventory.sh says, read. It comes from a machine: nothing in it is relied on, and what cannot be understood is
 * an error rather than a package less. */
#include <stdlib.h>
#include <string.h>

#include "bakery/utf8.h"
#include "inventory.h"

struct reading {
	struct arena *arena;
	struct inventory *inventory;
	struct struct_list sums; /* of struct inventory_file: path and sha256 */
	bool ended;
};

/* Room for one more item of a list that only grows: it doubles. */
static void *list_add(struct struct_list *list, size_t size, struct arena *arena)
{
	if ((list->count & (list->count - 1)) == 0) {
		void *more = arena_alloc(arena, (list->count ? list->count * 2 : 1) * size);
		if (list->count)
			memcpy(more, list->items, list->count * size);
		list->items = more;
	}
	return (char *)list->items + size * list->count++;
}

static const char *clean(struct reading *reading, const char *text, size_t length)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	utf8_add_clean(&out, text, length);
	return arena_strdup(reading->arena, out.data);
}

/* Cuts the text at tabs into so many fields (the last one gets the rest); false when there are less. */
static bool cut(char *text, char **fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fields[i] = text;
		if (i + 1 == count)
			return true;
		text = strchr(text, '\t');
		if (!text)
			return false;
		*text++ = '\0';
	}
	return true;
}

static bool not_understood(const char *what, const char *text, struct error *err)
{
	return error_set(err, ERROR_FAILED, "%s: \"%.100s\" cannot be understood", what, text);
}

/* --- text records, by line --- */

typedef bool line_reader(struct reading *reading, char *line, struct error *err);

static bool lines_read(struct reading *reading, const char *text, line_reader *read, struct error *err)
{
	_cleanup_(freep) char *copy = mem_strdup(clean(reading, text, strlen(text)));
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
		if (!read(reading, line, err))
			return false;
	}
	return true;
}

/* os-release(5): assignments of a shell, with or without quotes. */
static bool os_line(struct reading *reading, char *line, struct error *err)
{
	struct arena *arena = reading->arena;
	char *equals = strchr(line, '=');
	struct str value = STR_INIT;

	if (*line == '#' || !equals)
		return true;
	*equals = '\0';
	for (const char *c = equals + 1; *c; c++) {
		if (*c == '\\' && c[1])
			str_add_char(&value, *++c);
		else if (*c != '"' && *c != '\'')
			str_add_char(&value, *c);
	}
	text_map_put(&reading->inventory->os, arena_strdup(arena, line), arena_strdup(arena, value.data), arena);
	str_free(&value);
	return true;
}

static void package_add(struct reading *reading, const struct package *package)
{
	struct arena *arena = reading->arena;
	struct package *added = list_add(&reading->inventory->packages, sizeof(*added), arena);

	*added = (struct package){
		.manager = package->manager,
		.name = arena_strdup(arena, package->name),
		.architecture = arena_strdup(arena, package->architecture),
		.version = arena_strdup(arena, package->version),
		.source = arena_strdup(arena, package->source),
		.source_version = arena_strdup(arena, package->source_version),
	};
}

static bool dpkg_line(struct reading *reading, char *line, struct error *err)
{
	enum { STATUS, NAME, VERSION, ARCHITECTURE, SOURCE, SOURCE_VERSION, COUNT };
	char *fields[COUNT];

	if (!cut(line, fields, COUNT) || !*fields[NAME])
		return not_understood("dpkg's package", line, err);
	if (str_eq(fields[STATUS], "not-installed") || str_eq(fields[STATUS], "config-files"))
		return true;
	package_add(reading, &(struct package){"deb", fields[NAME], fields[ARCHITECTURE], fields[VERSION],
					       *fields[SOURCE] ? fields[SOURCE] : NULL,
					       *fields[SOURCE_VERSION] ? fields[SOURCE_VERSION] : NULL});
	return true;
}

/* "openssl-3.0.7-27.el9.src.rpm" is name, version, release: the last two hyphens. */
static void source_split(char *file, const char **name, const char **version)
{
	char *end, *release, *hyphen;

	*name = *version = NULL;
	if (!str_ends(file, ".src.rpm"))
		return;
	end = file + strlen(file) - strlen(".src.rpm");
	*end = '\0';
	release = memrchr(file, '-', (size_t)(end - file));
	hyphen = release ? memrchr(file, '-', (size_t)(release - file)) : NULL;
	if (!hyphen)
		return;
	*hyphen = '\0';
	*name = file;
	*version = hyphen + 1;
}

/* rpm keeps the keys that it trusts as packages called gpg-pubkey, which have no architecture. */
static bool rpm_line(struct reading *reading, char *line, struct error *err)
{
	enum { NAME, EPOCH, VERSION, RELEASE, ARCHITECTURE, SOURCE, COUNT };
	_cleanup_(freep) char *version = NULL;
	struct package package = {.manager = "rpm"};
	char *fields[COUNT];
	bool has_epoch;

	if (!cut(line, fields, COUNT) || !*fields[NAME])
		return not_understood("rpm's package", line, err);
	if (str_eq(fields[NAME], "gpg-pubkey"))
		return true;
	has_epoch = fields[EPOCH][strspn(fields[EPOCH], "0123456789")] == '\0' && *fields[EPOCH];
	version = mem_printf("%s%s%s-%s", has_epoch ? fields[EPOCH] : "", has_epoch ? ":" : "", fields[VERSION],
			     fields[RELEASE]);
	package.name = fields[NAME];
	package.version = version;
	package.architecture = fields[ARCHITECTURE];
	source_split(fields[SOURCE], &package.source, &package.source_version);
	package_add(reading, &package);
	return true;
}

/* --- files --- */

static const char *type_of(char letter)
{
	return letter == 'f' ? "file" : letter == 'd' ? "directory" : letter == 'l' ? "link" : "other";
}

static bool file_read_entry(struct reading *reading, const char *text, struct error *err)
{
	enum { TYPE, MODE, OWNER, SIZE, PATH, COUNT };
	_cleanup_(freep) char *copy = mem_strdup(text);
	struct inventory_file *file;
	char *fields[COUNT];
	int64_t size;

	if (!cut(copy, fields, COUNT) || !str_to_int(fields[SIZE], &size))
		return not_understood("a file", text, err);
	file = list_add(&reading->inventory->etc, sizeof(*file), reading->arena);
	file->path = clean(reading, fields[PATH], strlen(fields[PATH]));
	file->type = type_of(*fields[TYPE]);
	file->mode = arena_printf(reading->arena, "%04lo", strtoul(fields[MODE], NULL, 8));
	file->owner = clean(reading, fields[OWNER], strlen(fields[OWNER]));
	file->size = size;
	return true;
}

static bool link_read(struct reading *reading, const char *text, struct error *err)
{
	struct struct_list *etc = &reading->inventory->etc;

	if (!etc->count)
		return not_understood("a link", text, err);
	if (*text)
		((struct inventory_file *)etc->items)[etc->count - 1].target = clean(reading, text, strlen(text));
	return true;
}

static bool sum_read(struct reading *reading, const char *text, struct error *err)
{
	enum { HEX = 64 };
	size_t length = strlen(text);
	struct inventory_file *sum;
	struct struct_list *list = &reading->sums;

	if (length < HEX + 3 || strspn(text, "0123456789abcdef") != HEX || text[HEX] != ' ')
		return not_understood("a sum", text, err);
	if (str_starts(text + HEX + 2, "/opt/"))
		list = &reading->inventory->opt;
	sum = list_add(list, sizeof(*sum), reading->arena);
	sum->sha256 = arena_strndup(reading->arena, text, HEX);
	sum->path = clean(reading, text + HEX + 2, length - HEX - 2);
	return true;
}

static bool record_read(struct reading *reading, const char *text, struct error *err)
{
	switch (*text) {
	case 'O':
		return lines_read(reading, text + 1, os_line, err);
	case 'M':
		reading->inventory->machine = clean(reading, text + 1, strcspn(text + 1, "\r\n"));
		return true;
	case 'D':
		return lines_read(reading, text + 1, dpkg_line, err);
	case 'R':
		return lines_read(reading, text + 1, rpm_line, err);
	case 'F':
		return file_read_entry(reading, text + 1, err);
	case 'L':
		return link_read(reading, text + 1, err);
	case 'E':
		reading->ended = true;
		return true;
	default:
		return sum_read(reading, text, err);
	}
}

/* --- order --- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct inventory_file *)a)->path, ((const struct inventory_file *)b)->path);
}

static int by_name(const void *left, const void *right)
{
	const struct package *a = left, *b = right;
	int order = strcmp(a->manager, b->manager);

	order = order ? order : strcmp(a->name, b->name);
	order = order ? order : strcmp(a->version, b->version);
	return order ? order : strcmp(a->architecture, b->architecture);
}

static void sort(struct struct_list *list, size_t size, int (*compare)(const void *a, const void *b))
{
	if (list->count)
		qsort(list->items, list->count, size, compare);
}

/* rpm's database can hold a package twice after an update that was cut off. */
static void packages_unique(struct struct_list *list)
{
	struct package *items = list->items;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!kept || by_name(&items[kept - 1], &items[i]))
			items[kept++] = items[i];
	}
	list->count = kept;
}

static void sums_join(struct reading *reading)
{
	struct struct_list *etc = &reading->inventory->etc, *sums = &reading->sums;
	struct inventory_file *files = etc->items;

	for (size_t i = 0; i < etc->count && sums->count; i++) {
		const struct inventory_file *sum =
			bsearch(&files[i], sums->items, sums->count, sizeof(struct inventory_file), by_path);
		if (sum && str_eq(files[i].type, "file"))
			files[i].sha256 = sum->sha256;
	}
}

bool inventory_read(const char *text, size_t length, struct arena *arena, struct inventory *out, struct error *err)
{
	struct reading reading = {.arena = arena, .inventory = out};
	const char *end = text + length;

	*out = (struct inventory){.machine = ""};
	while (text < end && !reading.ended) {
		const char *nul = memchr(text, '\0', (size_t)(end - text));
		if (!nul)
			break;
		if (!record_read(&reading, text, err))
			return false;
		text = nul + 1;
	}
	if (!reading.ended)
		return error_set(err, ERROR_FAILED, "what the machine said of itself is cut off");
	sort(&out->packages, sizeof(struct package), by_name);
	packages_unique(&out->packages);
	sort(&out->etc, sizeof(struct inventory_file), by_path);
	sort(&out->opt, sizeof(struct inventory_file), by_path);
	sort(&reading.sums, sizeof(struct inventory_file), by_path);
	sums_join(&reading);
	return true;
}
