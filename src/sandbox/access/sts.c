/* SPDX-License-Identifier: Apache-2.0
 *
 * The security token service: who the caller is, sessions of the user, encoded refusals made readable. */
#include "sts.h"

#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "denial.h"

static bool get_caller_identity(struct request *rq)
{
	tree_set_text(rq->reply, "Arn", rq->caller.arn);
	tree_set_text(rq->reply, "UserId", rq->caller.user_id);
	tree_set_text(rq->reply, "Account", rq->caller.account);
	return true;
}

bool sts_mfa(struct request *rq, bool *given)
{
	_cleanup_(freep) char *device = mem_printf("arn:aws:iam::%s:mfa/%s", rq->caller.account, CLOUD_USER);
	const char *serial = arg(rq, "SerialNumber"), *code = arg(rq, "TokenCode");
	*given = serial != NULL || code != NULL;
	if (!*given)
		return true;
	if (serial == NULL || code == NULL)
		return refuse(rq, "ValidationError", "SerialNumber and TokenCode are given together");
	if (strlen(code) != 6 || strspn(code, "0123456789") != 6)
		return refuse(rq, "ValidationError",
			      "1 validation error detected: Value '%s' at 'tokenCode' failed to satisfy constraint: "
			      "Member must "
			      "satisfy regular expression pattern: [\\d]*",
			      code);
	if (str_eq(serial, device) && str_eq(code, MFA_CODE))
		return true;
	return refuse(rq, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.");
}

static bool get_session_token(struct request *rq)
{
	bool mfa = false;
	int64_t duration_s = arg_int(rq, "DurationSeconds", 43200);
	if (*rq->caller.session != '\0')
		return refuse(rq, "AccessDenied", "Cannot call GetSessionToken with session credentials");
	if (duration_s < 900 || duration_s > 129600)
		return refuse(rq, "ValidationError",
			      "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy "
			      "constraint: Member "
			      "must have value between 900 and 129600",
			      (int)duration_s);
	if (!sts_mfa(rq, &mfa))
		return false;
	session_give(rq, &(struct session_wish){.who = &rq->caller, .duration_s = duration_s, .mfa = mfa});
	return true;
}

static bool decode_authorization_message(struct request *rq)
{
	_cleanup_(freep) char *decoded = denial_decode(rq->cloud, arg_or(rq, "EncodedMessage", ""));
	if (decoded == NULL)
		return refuse(rq, "InvalidAuthorizationMessageException", "Message is not valid");
	tree_set_text(rq->reply, "DecodedMessage", decoded);
	return true;
}

const struct operation sts_operations[] = {
	{"GetCallerIdentity", get_caller_identity, 0, ""},
	{"GetSessionToken", get_session_token, 0, "DurationSeconds:int SerialNumber TokenCode"},
	{"DecodeAuthorizationMessage", decode_authorization_message, 0, "EncodedMessage!"},
	{NULL},
};
