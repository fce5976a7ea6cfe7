/* SPDX-License-Identifier: Apache-2.0
 *
 * XML 1.0, written: indented elements with attributes and text. What may not stand in XML at all (control characters,
 * bad UTF-8) becomes U+FFFD, so that any evidence gives a document that any parser takes. */
#ifndef BAKERY_REPORT_XML_WRITER_H
#define BAKERY_REPORT_XML_WRITER_H

#include "bakery/str.h"

enum { XML_DEPTH = 16 };
struct xml_writer {
	struct str *out;
	const char *open[XML_DEPTH]; /* names, borrowed until they are ended */
	int depth;
	bool in_tag;	 /* attributes may follow */
	bool after_text; /* the element has text: its end stands on the same line */
};

void xml_begin_document(struct xml_writer *xml, struct str *out);
void xml_begin(struct xml_writer *xml, const char *name);
/* To the element just begun; nothing for a NULL value. */
void xml_attribute(struct xml_writer *xml, const char *name, const char *value);
void xml_attribute_int(struct xml_writer *xml, const char *name, int64_t value);
void xml_text(struct xml_writer *xml, const char *text);
void xml_end(struct xml_writer *xml);
/* An element with text alone; nothing for NULL. */
void xml_leaf(struct xml_writer *xml, const char *name, const char *text);

#endif
