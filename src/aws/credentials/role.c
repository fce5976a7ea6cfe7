/* SPDX-License-Identifier: Apache-2.0
 *
 * A role, taken with other credentials: role_arn in a profile, with the source_profile or credential_source that it
 * names, which may be a role again; or one that bakery itself takes in another account.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "sources.h"

#define DEFAULT_SESSION "bakery"
#define MFA_DIGITS 6

/* --- asking STS --- */

struct wish {
	struct aws_role role;
	const char *mfa_serial, *mfa_code; /* or NULL */
	const char *region;
};

/* with: NULL: the credentials of aws itself. */
static bool take_role(struct aws *aws, const struct wish *wish, const struct credentials *with, struct credentials *out,
		      struct error *err)
{
	_cleanup_(tree_wipe_freep) struct tree *reply = NULL;
	struct aws_call call = aws_call(AWS_sts_AssumeRole, wish->region);
	const struct aws_role *role = &wish->role;
	aws_arg(&call, "RoleArn", role->arn);
	aws_arg(&call, "RoleSessionName", role->session_name ? role->session_name : DEFAULT_SESSION);
	if (role->duration_s)
		aws_arg_int(&call, "DurationSeconds", role->duration_s);
	aws_arg(&call, "ExternalId", role->external_id);
	aws_arg(&call, "SerialNumber", wish->mfa_serial);
	aws_arg(&call, "TokenCode", wish->mfa_code);
	if (!(with ? aws_send_with(aws, &call, with, &reply, err) : aws_send(aws, &call, &reply, err)))
		return false;
	if (!credentials_from_tree(reply, &sts_credential_names, out, err))
		return error_context(err, "AssumeRole (%s): the answer cannot be used", wish->region);
	return true;
}

/* --- with whose credentials --- */

static bool from_named_source(const struct credential_search *search, struct credentials *out, struct error *err)
{
	static const struct {
		const char *name;
		credential_source *find;
	} named[] = {{"Environment", credential_from_environment},
		     {"Ec2InstanceMetadata", credential_from_instance},
		     {"EcsContainer", credential_from_container}};
	const char *wanted = search->own->credential_source;
	_cleanup_(str_free) struct str looked = STR_INIT;
	struct credential_search inner = *search;
	inner.only_profile = false;
	inner.looked = &looked;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		if (!str_eq(named[i].name, wanted))
			continue;
		enum found found = named[i].find(&inner, out, err);
		if (found != NOT_HERE)
			return found == FOUND || error_context(err, "credential_source = %s", wanted);
		looked.data[looked.len - 2] = '\0'; /* the last ", " */
		return error_set(err, ERROR_DENIED, "credential_source = %s has no credentials: %s", wanted,
				 looked.data);
	}
	return error_set(err, ERROR_DENIED,
			 "credential_source must be Environment, Ec2InstanceMetadata or EcsContainer, not \"%s\"",
			 wanted);
}

static bool has_keys(const struct profile *profile)
{
	return profile->access_key || profile->secret_key;
}

static void add_way(const struct credential_search *search, struct str *out)
{
	if (search->from)
		add_way(search->from, out);
	str_addf(out, "%s -> ", search->profile);
}

/* A profile may name itself when it also holds the keys that the role is taken with. */
static bool check_circle(const struct credential_search *search, const char *next, const struct profile *profile,
			 struct error *err)
{
	for (const struct credential_search *at = search; at; at = at->from) {
		_cleanup_(str_free) struct str way = STR_INIT;
		if (!str_eq(at->profile, next) || (at == search && has_keys(profile)))
			continue;
		add_way(search, &way);
		return error_set(err, ERROR_DENIED, "source_profile leads round in a circle: %s%s", way.data, next);
	}
	return true;
}

static bool from_source_profile(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const char *name = search->own->source_profile;
	_cleanup_(profile_free) struct profile profile = {0};
	_cleanup_(str_free) struct str looked = STR_INIT;
	struct credential_search inner = {.aws = search->aws,
					  .profile = name,
					  .own = &profile,
					  .only_profile = true,
					  .from = search,
					  .looked = &looked};
	if (!profile_read_both(&search->aws->files, name, &profile, err))
		return false;
	if (!profile.present)
		return error_set(err, ERROR_DENIED, "its source_profile %s is neither in %s nor in %s", name,
				 search->aws->files.config, search->aws->files.credentials);
	if (!check_circle(search, name, &profile, err))
		return false;
	enum found found = credentials_find_in_profile(&inner, out, err);
	if (found != NOT_HERE)
		return found == FOUND;
	looked.data[looked.len - 2] = '\0'; /* the last ", " */
	return error_set(err, ERROR_DENIED, "its source_profile %s has no credentials; looked at %s", name,
			 looked.data);
}

static bool find_source(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const struct profile *own = search->own;
	if (own->source_profile && own->credential_source)
		return error_set(err, ERROR_DENIED, "it has both source_profile and credential_source; leave one out");
	if (own->source_profile)
		return from_source_profile(search, out, err);
	if (own->credential_source)
		return from_named_source(search, out, err);
	return error_set(err, ERROR_DENIED,
			 "it has role_arn, but neither source_profile nor credential_source to take the role with");
}

/* --- the second factor --- */

static bool is_code(const char *text)
{
	return strlen(text) == MFA_DIGITS && strspn(text, "0123456789") == MFA_DIGITS;
}

static bool ask_code(const struct credential_search *search, struct str *code, struct error *err)
{
	struct aws *aws = search->aws;
	const char *serial = search->own->mfa_serial;
	_cleanup_(freep) char *question =
		mem_printf("MFA code of %s for the role of profile %s: ", serial, search->profile);
	struct error why = {0};
	if (!aws->ask || !aws->ask(aws->ask_cookie, question, code, &why)) {
		if (why.kind == ERROR_STOPPED) {
			*err = why;
			return false;
		}
		error_set(err, ERROR_DENIED, "it wants a code of the MFA device %s (mfa_serial), and %s", serial,
			  why.text[0] ? why.text : "nobody can be asked");
		return error_hint(err, "run this on a terminal, or hand over a session in the AWS_ACCESS_KEY_ID "
				       "variables, or give machines a role without MFA");
	}
	str_trim_right(code);
	return is_code(code->data) ||
	       error_set(err, ERROR_DENIED, "an MFA code has %d digits; nothing was asked of AWS", MFA_DIGITS);
}

/* --- the source --- */

static bool find_role(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const struct profile *own = search->own;
	_cleanup_(credentials_free) struct credentials with = {0};
	_cleanup_(str_wipe_free) struct str code = STR_INIT;
	struct wish wish = {.role = {own->role_arn, own->external_id, own->role_session_name, 0},
			    .mfa_serial = own->mfa_serial,
			    .region = credential_region(search, own->role_arn)};
	if (!credential_duration(search, &wish.role.duration_s, err) || !find_source(search, &with, err))
		return false;
	if (own->mfa_serial && !ask_code(search, &code, err))
		return false;
	wish.mfa_code = own->mfa_serial ? code.data : NULL;
	if (!take_role(search->aws, &wish, &with, out, err))
		return false;
	/* A role can be taken again for as long as the keys behind it hold, and nobody has to type a code. */
	out->is_renewable = !own->mfa_serial && (with.is_renewable || !with.session_token);
	snprintf(out->source, sizeof out->source, "role %s through profile %s in %s", own->role_arn, search->profile,
		 search->aws->files.config);
	return true;
}

enum found credential_from_role(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const struct profile *own = search->own;
	if (!own->role_arn || own->web_identity_token_file || (search->from && has_keys(own)))
		return NOT_HERE;
	if (find_role(search, out, err))
		return FOUND;
	error_context(err, "role %s of profile %s", own->role_arn, search->profile);
	return BROKEN;
}

/* --- as somebody else --- */

bool credentials_find_as(void *cookie, struct credentials *out, struct error *err)
{
	struct aws *aws = cookie, *parent = aws->parent;
	struct aws_lifetime lifetime;
	struct wish wish = {.role = aws->role, .region = parent->region};
	if (!wish.region)
		wish.region = credential_region(NULL, aws->role.arn);
	if (!take_role(parent, &wish, NULL, out, err) || !aws_lifetime(parent, &lifetime, err))
		return error_context(err, "role %s", aws->role.arn);
	out->is_renewable = lifetime.is_renewable || !lifetime.is_temporary;
	snprintf(out->source, sizeof out->source, "role %s through %s", aws->role.arn, aws_credentials_source(parent));
	return true;
}
