/* SPDX-License-Identifier: Apache-2.0
 *
 * The build's state as a document, and as it is stored. */
#include <string.h>

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

char *build_state_json(const struct build *build)
{
	_cleanup_(tree_freep) struct tree *tree = fields_encode(build_state_fields, &build->state);
	struct str json = STR_INIT;

	tree_to_json(tree, &json);
	return str_take(&json);
}

bool build_state_read(struct build *build, const char *json, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	struct faults faults = FAULTS_INIT;
	bool fine;

	if (!json || !*json)
		return true;
	tree = tree_from_json(json, strlen(json), err);
	if (!tree)
		return error_context(err, "stored state");
	fields_decode(build_state_fields, tree, "", &build->state,
		      &(struct fields_context){.file = "stored state", .faults = &faults, .arena = build->arena});
	fine = faults_check(&faults, err);
	faults_free(&faults);
	return fine;
}
