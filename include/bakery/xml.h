/* SPDX-License-Identifier: Apache-2.0
 *
 * XML as a row of events, for documents too large or too deep in attributes for a tree (tree.h has tree_from_xml). */
#ifndef BAKERY_XML_H
#define BAKERY_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/error.h"

struct xml_events {
	void *cookie;
	/* attributes: name, value, name, value, ..., NULL. Names as written, with their prefix. */
	void (*start)(void *cookie, const char *name, const char *const *attributes);
	void (*text)(void *cookie, const char *text, size_t length); /* a piece of it */
	void (*end)(void *cookie, const char *name);
};
/* Input comes from elsewhere: a document type, and elements nested deeper than 64, are refused. ERROR_REMOTE with line
 * and column. */
bool xml_read(const char *text, size_t length, const struct xml_events *events, struct error *err) must_check;

const char *xml_local_name(const char *name);				       /* "b" of "a:b" */
const char *xml_attribute_of(const char *const *attributes, const char *name); /* by its local name; NULL: absent */

#endif
