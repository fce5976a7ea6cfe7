/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts: what the account holds, as far as the recipe asks. Nothing here changes anything. */
#include "bakery/file.h"
#include "bakery/str.h"
#include "facts_private.h"

enum { MOST_USER_DATA = 12 * 1024 }; /* EC2 takes 16 KiB; bakery adds its own part */

static bool organization_find(struct gather *gather, struct error *err)
{
	struct aws_call call = aws_call(AWS_organizations_DescribeOrganization, gather->facts->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *arn;

	call.share_ms = SHARE_MS;
	if (!gather->recipe->distribute.share.organization) {
		aws_call_clear(&call);
		return true;
	}
	if (!aws_send(gather->aws, &call, &reply, err))
		return error_context(err, "distribute.share.organization");
	arn = tree_text(reply, "Organization.Arn");
	if (!arn)
		return error_set(err, ERROR_REMOTE, "DescribeOrganization answered without an ARN");
	gather->facts->organization_arn = arena_strdup(gather->arena, arn);
	return true;
}

/* The recipe's user data must be a cloud-config map, since bakery's own keys are merged into it. */
static bool user_data_read(struct gather *gather, struct error *err)
{
	const struct recipe *recipe = gather->recipe;
	_cleanup_(freep) char *path = NULL;
	_cleanup_(str_free) struct str text = STR_INIT, json = STR_INIT;
	_cleanup_(tree_freep) struct tree *tree = NULL;

	if (!recipe->launch.user_data)
		return true;
	path = path_join(recipe->folder, recipe->launch.user_data);
	if (!file_read(path, MOST_USER_DATA, &text, err))
		return error_context(err, "launch.user_data");
	if (!str_starts(text.data, "#cloud-config"))
		return error_set(
			err, ERROR_INVALID,
			"%s:1:1: launch.user_data: must begin with #cloud-config: bakery merges its host keys into it",
			path);
	tree = tree_from_yaml(text.data, text.len, err);
	if (!tree) {
		err->kind = ERROR_INVALID;
		return error_context(err, "%s", path);
	}
	if (tree_kind(tree) != TREE_OBJECT)
		return error_set(err, ERROR_INVALID, "%s:1:1: launch.user_data: must be a map", path);
	tree_to_json_canonical(tree, &json);
	gather->facts->user_data = arena_strdup(gather->arena, json.data);
	return true;
}

static const char *region_of(struct aws *aws, const struct recipe *recipe)
{
	return recipe->launch.region ? recipe->launch.region : aws_region(aws);
}

bool facts_gather(struct aws *aws, const struct settings *settings, const struct recipe *recipe, struct arena *arena,
		  struct facts *out, struct error *err)
{
	struct gather gather = {aws, settings, recipe, arena, out};
	struct aws_identity identity;

	*out = (struct facts){.region = region_of(aws, recipe)};
	if (!out->region)
		return error_set(err, ERROR_INVALID,
				 "%s: launch.region: no region; name one here, or give --region or AWS_REGION",
				 recipe->file);
	if (!user_data_read(&gather, err) || !profile_policy_read(&gather, err) ||
	    !aws_identity(aws, out->region, &identity, err))
		return false;
	out->account = arena_strdup(arena, identity.account);
	return source_find(&gather, err) && network_find(&gather, err) && vpc_blocks_find(&gather, err) &&
	       organization_find(&gather, err) && keys_find(&gather, err);
}
