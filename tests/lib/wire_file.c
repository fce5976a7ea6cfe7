/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"

#define MOST_BYTES (1u << 20)

enum aws_operation wire_operation(const char *service, const char *name)
{
	enum aws_operation operation = 0;
	while (operation < AWS_OPERATION_COUNT &&
	       !(str_eq(aws_operation_service(operation), service) && str_eq(aws_operation_name(operation), name)))
		operation++;
	return operation;
}

static bool read_name(struct wire_file *out, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *rest = arena_strdup(out->arena, slash ? slash + 1 : path);
	out->name = arena_strndup(out->arena, rest, strlen(rest) - strlen(".txt"));
	const char *service = strsep(&rest, "."), *operation = strsep(&rest, ".");
	out->operation = wire_operation(service, operation ? operation : "");
	return out->operation < AWS_OPERATION_COUNT || error_set(err, ERROR_INVALID, "operations.def has no such row");
}

static bool read_argument(struct wire_file *out, char *line, struct error *err)
{
	const char *kind = strsep(&line, " "), *path = strsep(&line, " ");
	int64_t number = 0;
	if (!line)
		return error_set(err, ERROR_INVALID, "\"%s\" needs a path and a value", kind);
	if (str_eq(kind, "text"))
		tree_set_text(out->args, path, line);
	else if (str_eq(kind, "bool") && (str_eq(line, "true") || str_eq(line, "false")))
		tree_set_bool(out->args, path, str_eq(line, "true"));
	else if (str_eq(kind, "int") && str_to_int(line, &number))
		tree_set_int(out->args, path, number);
	else
		return error_set(err, ERROR_INVALID, "%s %s %s is no argument", kind, path, line);
	return true;
}

static bool read_head(struct wire_file *out, char *text, struct error *err)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (str_starts(line, "call "))
			out->region = line + 5;
		else if (!read_argument(out, line, err))
			return false;
	}
	return out->region || error_set(err, ERROR_INVALID, "no line \"call REGION\"");
}

static bool read_reply_line(struct wire_file *out, char *line, struct error *err)
{
	int64_t status = 0;
	const char *number = strsep(&line, " ");
	if (!line || !str_to_int(number, &status))
		return error_set(err, ERROR_INVALID, "the reply needs a status and a content type");
	out->status = (int)status;
	out->content_type = line;
	return true;
}

/* Cuts text at the line that begins with mark; returns what follows the mark. */
static char *cut(char *text, const char *mark)
{
	_cleanup_(freep) char *line = mem_printf("\n%s", mark);
	char *at = strstr(text, line);
	if (!at)
		return NULL;
	*at = '\0';
	return at + strlen(line);
}

static bool parse(struct wire_file *out, char *text, struct error *err)
{
	char *request = cut(text, "request\n");
	char *reply = request ? cut(request, "reply ") : NULL;
	char *tree = reply ? cut(reply, "tree\n") : NULL;
	if (!tree)
		return error_set(err, ERROR_INVALID, "needs the parts request, reply and tree");
	out->request = request;
	char *line = strsep(&reply, "\n");
	out->reply = reply ? reply : "";
	out->tree = tree_from_json(tree, strlen(tree), err);
	return out->tree && read_head(out, text, err) && read_reply_line(out, line, err);
}

bool wire_file_read(const char *path, struct wire_file *out, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	*out = (struct wire_file){.arena = arena_new(), .args = tree_new_object()};
	bool good = file_read(path, MOST_BYTES, &text, err) && read_name(out, path, err) &&
		    parse(out, arena_strndup(out->arena, text.data, text.len), err);
	return good || error_context(err, "%s", path);
}

void wire_file_free(struct wire_file *file)
{
	tree_free(file->args);
	tree_free(file->tree);
	arena_free(file->arena);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **wire_files(const char *folder, size_t *count)
{
	char **paths = NULL;
	DIR *entries = opendir(folder);
	*count = 0;
	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		if (!str_ends(entry->d_name, ".txt"))
			continue;
		paths = mem_grow(paths, *count + 1, sizeof *paths);
		paths[(*count)++] = path_join(folder, entry->d_name);
	}
	if (entries)
		closedir(entries);
	if (paths)
		qsort(paths, *count, sizeof *paths, compare_texts);
	return paths;
}
