/* SPDX-License-Identifier: Apache-2.0
 *
 * Who we are to AWS, and for how long. */
#include <string.h>

#include "aws_private.h"

const char *aws_credentials_source(struct aws *aws)
{
	return credential_store_source(aws->credentials);
}

bool aws_lifetime(struct aws *aws, struct aws_lifetime *out, struct error *err)
{
	_cleanup_(credentials_free) struct credentials credentials = {0};
	if (!credential_store_get(aws->credentials, &credentials, err))
		return false;
	*out = (struct aws_lifetime){.expires_ms = credentials.expires_ms,
				     .is_renewable = credentials.is_renewable,
				     .is_temporary = credentials.session_token || credentials.expires_ms};
	return true;
}

static bool ask_identity(struct aws *aws, const char *region, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct aws_call call = aws_call(AWS_sts_GetCallerIdentity, region);
	if (!aws_send(aws, &call, &reply, err))
		return false;
	const struct {
		const char *path;
		char *out;
		size_t size;
	} parts[] = {{"Account", aws->identity.account, sizeof aws->identity.account},
		     {"Arn", aws->identity.arn, sizeof aws->identity.arn},
		     {"UserId", aws->identity.user_id, sizeof aws->identity.user_id}};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *text = tree_text(reply, parts[i].path);
		if (!text || strlen(text) >= parts[i].size)
			return error_set(err, ERROR_REMOTE, "GetCallerIdentity: the answer has no usable %s",
					 parts[i].path);
		memcpy(parts[i].out, text, strlen(text) + 1);
	}
	return true;
}

bool aws_identity(struct aws *aws, const char *region, struct aws_identity *out, struct error *err)
{
	pthread_mutex_lock(&aws->identity_lock);
	if (!aws->identity_known)
		aws->identity_known = ask_identity(aws, region, err);
	bool known = aws->identity_known;
	*out = aws->identity;
	pthread_mutex_unlock(&aws->identity_lock);
	return known;
}
