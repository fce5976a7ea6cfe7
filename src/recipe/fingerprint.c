/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes that name what was asked for: of documents in canonical form, and of files. */
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/str.h"
#include "playbook_private.h"
#include "search.h"

const char *tree_fingerprint(const struct tree *tree, struct arena *arena)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	tree_to_json_canonical(tree, &text);
	crypto_sha256_hex(text.data, text.len, hex);
	return arena_strdup(arena, hex);
}

const char *file_fingerprint(const char *path, struct arena *arena, struct error *err)
{
	char hex[SHA256_HEX_SIZE];

	return file_sha256_hex(path, hex, err) ? arena_strdup(arena, hex) : NULL;
}

const char *file_fault(const char *path, const struct error *err, struct arena *arena)
{
	const char *shown = search_shown(path, arena);

	return error_is(err, ERROR_ABSENT) ? arena_printf(arena, "there is no file %s", shown)
					   : arena_printf(arena, "%s %s", shown, err->text);
}
