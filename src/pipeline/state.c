/* SPDX-License-Identifier: Apache-2.0
 *
 * The build's state as a document. */
#include "pipeline.h"

#define AT(type, member) #member, offsetof(struct type, member)

static const struct field build_image_fields[] = {
	{AT(build_image, region), FIELD_TEXT},
	{AT(build_image, ami), FIELD_TEXT},
	{AT(build_image, snapshots), FIELD_TEXT_LIST},
	{0},
};

const struct field build_state_fields[] = {
	{AT(build_state, image_name), FIELD_TEXT},
	{AT(build_state, image_description), FIELD_TEXT},
	{AT(build_state, security_group), FIELD_TEXT},
	{AT(build_state, instance_profile), FIELD_TEXT},
	{AT(build_state, instance), FIELD_TEXT},
	{AT(build_state, instance_type), FIELD_TEXT},
	{AT(build_state, zone), FIELD_TEXT},
	{AT(build_state, spot), FIELD_BOOL},
	{AT(build_state, earlier_steps), FIELD_INT},
	{AT(build_state, images), FIELD_STRUCT_LIST, .fields = build_image_fields, .size = sizeof(struct build_image)},
	{0},
};
