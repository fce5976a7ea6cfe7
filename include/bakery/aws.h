/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking AWS. An operation is a row in src/aws/operations.def; a call is a list of (path, value) pairs in AWS's own
 * wire names:
 *
 *     struct aws_call call = aws_call(AWS_ec2_CreateImage, region);
 *     aws_arg(&call, "InstanceId", instance);
 *     aws_argf(&call, "TagSpecification.1.Tag.1.Value", "%s", build);
 *     _cleanup_(tree_freep) struct tree *reply = NULL;
 *     if (!aws_send(aws, &call, &reply, err)) return false;
 *
 * aws_send signs, sends, tries again as the row allows, follows pages and parses; it consumes the call in any case. A
 * failure has AWS's code in err->code, a kind from the table in errors.def, and a text that opens with the operation's
 * name. ERROR_DENIED is every refusal of credentials or permission, missing credentials, and an endpoint that cannot be
 * reached or is not AWS; ERROR_STOPPED a call that was given up (one that changes something gets a moment for its
 * answer before that). ERROR_TRANSIENT of a call that may not simply be sent again (ONCE in operations.def) leaves open
 * whether AWS acted: look before asking again. Thread-safe. */
#ifndef BAKERY_AWS_H
#define BAKERY_AWS_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/str.h"
#include "bakery/tree.h"

enum aws_operation {
#define OP(service, operation, repeat, pages) AWS_##service##_##operation,
#include "../../src/aws/operations.def"
#undef OP
	AWS_OPERATION_COUNT
};

struct aws; /* credentials, endpoints, connections, retry budget of one process */

struct aws_options {
	const char *profile;		     /* --profile, or NULL: AWS_PROFILE, "default" */
	const char *region;		     /* --region, or NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's */
	const char *region_otherwise;	     /* where none of these names one; or NULL */
	const char *endpoint;		     /* overrides AWS_ENDPOINT_URL: the sandbox; or NULL */
	const char *access_key, *secret_key; /* with endpoint: the sandbox's keys; or NULL */
	struct log *log;
	const struct stop *stop;
	/* Asks a person for something secret (an MFA code); false: nobody is there. NULL: nobody ever is. Called with
	 * no lock held that another call needs. */
	bool (*ask)(void *cookie, const char *question, struct str *answer, struct error *err);
	void *ask_cookie;
};

bool aws_open(const struct aws_options *options, struct aws **out,
	      struct error *err) must_check; /* reads environment and files; no network */
void aws_close(struct aws *aws);
void aws_closep(struct aws **aws);
const char *aws_region(const struct aws *aws);	  /* the default region, or NULL */
int64_t aws_requests_sent(const struct aws *aws); /* for the bench and the record */
/* AWS's time, to a second or two, as its answers tell it; before the first, this host's. Between them it goes on by a
 * clock that nobody can set, so this host's may jump. Cheap; from any thread. */
int64_t aws_now_ms(const struct aws *aws);
bool aws_now_is_told(const struct aws *aws);	   /* AWS has said what time it is */
int64_t aws_clock_ahead_ms(const struct aws *aws); /* how far AWS's time is ahead of this host's */

struct aws_identity {
	char account[16], arn[256], user_id[128];
};
bool aws_identity(struct aws *aws, const char *region, struct aws_identity *out,
		  struct error *err) must_check; /* sts:GetCallerIdentity; asked once */
const char *aws_credentials_source(
	struct aws *aws); /* "environment", "profile ci in ~/.aws/credentials": for doctor; "" before the first use */

/* Until when the credentials in use hold, ms since 1970; 0: they do not end, or it cannot be known. is_renewable:
 * bakery gets new ones by itself when they end (a role, a container, SSO), unlike keys that were handed over. */
struct aws_lifetime {
	int64_t expires_ms;
	bool is_renewable, is_temporary;
};
bool aws_lifetime(struct aws *aws, struct aws_lifetime *out, struct error *err) must_check;

/* The same AWS as somebody else: a role, taken with aws's credentials and renewed with them. Shares connections and the
 * retry budget with aws, which must outlive it. No network until it is used. */
struct aws_role {
	const char *arn;
	const char *external_id, *session_name; /* NULL: none; "bakery" */
	int64_t duration_s;			/* 0: AWS's own default, 1 h */
};
bool aws_open_as(struct aws *aws, const struct aws_role *role, struct aws **out, struct error *err) must_check;

/* The address this host is seen from: by the internet (asked of AWS's own checkip.amazonaws.com), or, when the endpoint
 * was overridden or is_public is false, this host's own on the way to the endpoint. */
bool aws_own_address(struct aws *aws, const char *region, bool is_public, char address[64],
		     struct error *err) must_check;

struct aws_call {
	enum aws_operation operation;
	const char *region; /* NULL: the default region */
	struct tree *args;  /* path -> value, in order */
	bool first_page_only;
	const struct stop *stop; /* gives the call up when asked; NULL: the one of aws_options */
	int64_t not_yet_s; /* EC2 is eventually consistent: for so long "no such thing" means "not yet", and is asked
			      again; 0: it means what it says */
	int64_t share_ms;  /* of a call that only reads: an answer that another call with the same arguments got within
			      so  long serves this one, too, as does one on its way. 0: asked anew */
	bool dry_run;	   /* EC2: asks whether the call would be allowed; true is "yes", nothing is done */
	const struct credentials *with; /* inside src/aws: signed with these; NULL: aws's own */
};
struct aws_call aws_call(enum aws_operation operation, const char *region);
void aws_arg(struct aws_call *call, const char *path, const char *value); /* NULL value: left out */
void aws_argf(struct aws_call *call, const char *path, const char *fmt, ...) printf_like(3, 4);
void aws_arg_int(struct aws_call *call, const char *path, int64_t value);
void aws_arg_bool(struct aws_call *call, const char *path, bool value);
void aws_call_clear(struct aws_call *call); /* only for one that is not sent */

bool aws_send(struct aws *aws, struct aws_call *call, struct tree **reply,
	      struct error *err) must_check; /* reply may be NULL */

const char *aws_operation_name(enum aws_operation operation);	 /* "CreateImage" */
const char *aws_operation_service(enum aws_operation operation); /* "ec2" */

/* Waits: rows of src/aws/waits.def. One describe call serves all builds of the process that wait for the same row in a
 * region; a change is noticed soon after it happens: the pause between looks grows with the time waited (an eighth of
 * it, 0.2 s to 2 s). Where it is known how long it took before, the pause is up to 5 s for three quarters of that. */
enum aws_wait {
#define WAIT(name, operation, ids, list, id, state, wanted, fatal, absent) AWS_WAIT_##name,
#include "../../src/aws/waits.def"
#undef WAIT
	AWS_WAIT_COUNT
};
/* Called now and then with the newest description (borrowed), e.g. to show snapshot progress; may be NULL. */
typedef void aws_wait_progress(void *cookie, const struct tree *item);
struct aws_wait_options {
	const char *region;
	int64_t timeout_s;
	const struct stop *stop;
	aws_wait_progress *progress;
	void *cookie;
	int64_t every_ms;    /* between looks, where nothing is expected soon; 0: as above */
	int64_t expected_ms; /* how long it took before; looking begins around then. 0: unknown, or begun a
				while ago */
};
/* *item: the description in the wanted state (free it); NULL when it is done because there is no such id. Fails with
 * ERROR_FAILED and the state's reason when a fatal state comes (ERROR_CAPACITY when AWS had no room, ERROR_QUOTA when
 * the account may have no more; err->code is then the reason's, "Server.InsufficientInstanceCapacity"), ERROR_FAILED
 * with code "WaitTimeout", ERROR_ABSENT when the id is not known for two minutes, ERROR_STOPPED. An AWS that does not
 * answer for a few minutes does not end a wait. */
bool aws_wait(struct aws *aws, enum aws_wait wait, const char *id, const struct aws_wait_options *options,
	      struct tree **item, struct error *err) must_check;

#endif
