/* SPDX-License-Identifier: Apache-2.0
 *
 * Long texts are kept as zlib data (only this file knows zlib). What would not get shorter is kept as it is. */
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "db.h"

enum { WORTH_IT = 256 };

void pack(const void *data, size_t length, struct str *out)
{
	uLongf packed = compressBound(length);
	if (length >= WORTH_IT) {
		str_clear(out);
		str_reserve(out, packed);
		int code = compress2((Bytef *)out->data, &packed, data, length, Z_DEFAULT_COMPRESSION);
		assert(code == Z_OK);
		if (packed < length) {
			out->len = packed;
			out->data[packed] = '\0';
			return;
		}
	}
	str_clear(out);
	str_add_n(out, data, length);
}

bool unpack(const void *data, size_t length, size_t size, struct str *out, struct error *err)
{
	str_clear(out);
	if (length == size) {
		str_add_n(out, data, length);
		return true;
	}
	/* zlib cannot shrink by more than about 1032:1, so a size beyond that is not ours. */
	if (size > length * 1040 + 1024)
		return error_set(err, ERROR_INTERNAL, "compressed data of %zu bytes claims to be %zu bytes long",
				 length, size);
	str_reserve(out, size);
	uLongf unpacked = size;
	if (uncompress((Bytef *)out->data, &unpacked, data, length) != Z_OK || unpacked != size) {
		str_clear(out);
		return error_set(err, ERROR_INTERNAL, "compressed data of %zu bytes is damaged", length);
	}
	out->len = size;
	out->data[size] = '\0';
	return true;
}
