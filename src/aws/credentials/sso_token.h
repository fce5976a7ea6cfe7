/* SPDX-License-Identifier: Apache-2.0
 *
 * The access token that a login to IAM Identity Center left on this host. */
#ifndef AWS_CREDENTIAL_SSO_TOKEN_H
#define AWS_CREDENTIAL_SSO_TOKEN_H

#include "../aws_private.h"

struct sso_login {
	const char *profile, *session; /* session: NULL for profiles of the old kind */
	const char *start_url, *region;
};
/* Renewed when it is about to end and can be; otherwise the error says how to log in. */
bool sso_token_get(struct aws *aws, const struct sso_login *login, struct str *out, struct error *err) must_check;
bool sso_login_hint(struct error *err, const char *profile); /* always false */

#endif
