/* SPDX-License-Identifier: Apache-2.0
 *
 * XML 1.0, written. */
#include "xml_writer.h"

#include <assert.h>
#include <string.h>

#include "bakery/utf8.h"

/* XML 1.0, 2.2 Characters. */
static bool may_stand(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xfffe) ||
	       (code >= 0x10000 && code <= 0x10ffff);
}

/* White space in an attribute would be made a plain space by the parser (3.3.3). */
static const char *entity(uint32_t code, bool in_attribute)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;";
	case '"':
		return in_attribute ? "&quot;" : NULL;
	case '\n':
		return in_attribute ? "&#10;" : NULL;
	case '\t':
		return in_attribute ? "&#9;" : NULL;
	default:
		return NULL;
	}
}

static void escaped(struct str *out, const char *text, bool in_attribute)
{
	size_t length = strlen(text);
	uint32_t code;

	for (size_t used; (used = utf8_next(text, length, &code)); text += used, length -= used) {
		const char *written = entity(code, in_attribute);
		if (written)
			str_add(out, written);
		else if (code == UTF8_BAD || !may_stand(code))
			str_add(out, "\xef\xbf\xbd");
		else
			str_add_n(out, text, used);
	}
}

static void tag_close(struct xml_writer *xml)
{
	if (xml->in_tag)
		str_add_char(xml->out, '>');
	xml->in_tag = false;
}

static void new_line(struct xml_writer *xml)
{
	str_addf(xml->out, "\n%*s", xml->depth * 2, "");
}

void xml_begin_document(struct xml_writer *xml, struct str *out)
{
	*xml = (struct xml_writer){.out = out};
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
}

void xml_begin(struct xml_writer *xml, const char *name)
{
	assert(xml->depth < XML_DEPTH);
	tag_close(xml);
	new_line(xml);
	str_addf(xml->out, "<%s", name);
	xml->open[xml->depth++] = name;
	xml->in_tag = true;
	xml->after_text = false;
}

void xml_attribute(struct xml_writer *xml, const char *name, const char *value)
{
	assert(xml->in_tag);
	if (!value)
		return;
	str_addf(xml->out, " %s=\"", name);
	escaped(xml->out, value, true);
	str_add_char(xml->out, '"');
}

void xml_attribute_int(struct xml_writer *xml, const char *name, int64_t value)
{
	str_addf(xml->out, " %s=\"%lld\"", name, (long long)value);
}

void xml_text(struct xml_writer *xml, const char *text)
{
	tag_close(xml);
	escaped(xml->out, text, false);
	xml->after_text = true;
}

void xml_end(struct xml_writer *xml)
{
	assert(xml->depth > 0);
	xml->depth--;
	if (xml->in_tag) {
		str_add(xml->out, "/>");
	} else {
		if (!xml->after_text)
			new_line(xml);
		str_addf(xml->out, "</%s>", xml->open[xml->depth]);
	}
	xml->in_tag = xml->after_text = false;
	if (!xml->depth)
		str_add_char(xml->out, '\n');
}

void xml_leaf(struct xml_writer *xml, const char *name, const char *text)
{
	if (!text)
		return;
	xml_begin(xml, name);
	xml_text(xml, text);
	xml_end(xml);
}
