/* SPDX-License-Identifier: Apache-2.0
 *
 * A request as an operation's handler sees it: who asks, where, the arguments as a tree (lists as arrays), and the
 * reply to fill. A handler runs inside one transaction under the cloud's lock; when it refuses, or was asked with
 * DryRun, nothing that it did is kept. Transitions that it wants begun are begun once all is kept.
 *
 * Handlers work on documents of the state (state.h), which look as a Describe call shows them. */
#ifndef BAKERY_SANDBOX_REQUEST_H
#define BAKERY_SANDBOX_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/macros.h"
#include "bakery/tree.h"
#include "cloud.h"

enum caller_kind {
	CALLER_NOBODY, /* unsigned: AssumeRoleWithWebIdentity */
	CALLER_USER,   /* the sandbox's user, with its key or a session of its own */
	CALLER_ROLE,   /* a session of a role */
};
struct caller {
	enum caller_kind kind;
	char account[16], arn[256], user_id[96];
	char name[72];	    /* the user's, or the role's */
	char role_arn[256]; /* CALLER_ROLE */
	char session[32];   /* access key of the temporary credentials; "" for the long-lived key */
};

/* status 0: the code's own, 400 for most. */
struct refusal {
	int status;
	char code[64], message[4096]; /* an encoded authorization message is long */
};

/* A transition to begin: of what, and whose turn it waits for (an instance's transitions come one after the other). */
struct wanted_job {
	char kind[24], region[32], id[40], turn[40];
};

struct request {
	struct cloud *cloud;
	const struct operation *operation;
	struct caller caller;
	const char *service; /* "ec2" */
	const char *region;
	const struct tree *args;
	struct tree *reply; /* an object */
	struct refusal refusal;
	int64_t now_ms;
	struct wanted_job jobs[64];
	size_t job_count;
};

enum operation_flags {
	OPERATION_DRY_RUN = 1, /* knows DryRun */
};

/* A row of an operations table. args: the parameters' wire names separated by blanks; N stands for a list's number; "!"
 * after a name: required;
 * ":int", ":bool", ":time": its type; "Name.*": whatever is below it. */
struct operation {
	const char *name;
	bool (*handle)(struct request *rq);
	unsigned flags;
	const char *args;
};
#define ARGS_FILTERS "Filter.N.Name Filter.N.Value.N MaxResults:int NextToken "
#define ARGS_TAGS "TagSpecification.N.ResourceType TagSpecification.N.Tag.N.Key TagSpecification.N.Tag.N.Value "

/* Returns false, so that a handler ends "return refuse(rq, ...)". */
bool refuse(struct request *rq, const char *code, const char *fmt, ...) printf_like(3, 4);

/* Arguments. */
const char *arg(const struct request *rq, const char *path); /* or NULL */
const char *arg_or(const struct request *rq, const char *path, const char *otherwise);
bool arg_bool(const struct request *rq, const char *path, bool otherwise);
int64_t arg_int(const struct request *rq, const char *path, int64_t otherwise);
const struct tree *arg_tree(const struct request *rq, const char *path);
bool list_has(const struct tree *list, const char *text); /* an array of texts */

/* Documents of the asking account in the request's region. */
struct tree *find_object(struct request *rq, const char *kind,
			 const char *id);			 /* NULL: absent, or not yet to be seen; free it */
struct tree *list_objects(struct request *rq, const char *kind); /* what can be seen; free it */
void put_object(struct request *rq, const char *kind, const char *id, struct tree *document);
void put_new_object(struct request *rq, const char *kind, const char *id,
		    struct tree *document); /* seen once the lag is over */
void remove_object(struct request *rq, const char *kind, const char *id);
bool object_visible(const struct request *rq, const struct tree *document);

/* Finds the one that argument `path` names, or refuses with `code` and AWS's usual sentence about a `noun` ("image
 * id"). */
struct tree *need_object(struct request *rq, const char *kind, const char *id, const char *code, const char *noun);
/* The same for every id of the list at `path`; an array, or NULL after refusing. */
struct tree *need_objects(struct request *rq, const char *kind, const char *path, const char *code, const char *noun);
/* "ami-" and 8 or 17 hexadecimal digits? Else refuses with `code` (InvalidAMIID.Malformed). */
bool check_id(struct request *rq, const char *id, const char *prefix, const char *code);

#define ID_SIZE 32
void make_id(const char *prefix, char id[ID_SIZE]);			     /* "ami-" + 17 random digits */
void make_stable_id(const char *prefix, const char *seed, char id[ID_SIZE]); /* the same for the same seed */

#define EC2_TIME_SIZE CLOCK_TEXT_SIZE
const char *ec2_time(int64_t wall_ms, char text[EC2_TIME_SIZE]); /* returns text */

/* EC2: the page of items that MaxResults and NextToken ask for becomes reply[key]; takes items over. */
bool reply_page(struct request *rq, const char *key, struct tree *items);
void reply_return(struct request *rq); /* <return>true</return> */

void want_job(struct request *rq, const char *kind, const char *id);
void want_job_in_turn(struct request *rq, const char *kind, const char *id, const char *turn);

/* Filters: names and the paths in a document that hold their values; "*" in a path stands for every item of a list.
 * tag:<key>, tag-key work on any document with a tagSet. */
struct filter {
	const char *name, *path;
};
/* Keeps what all of the request's Filter.N match; refuses unknown ones. Takes items over and gives the kept ones. */
bool apply_filters(struct request *rq, const struct filter *filters, struct tree **items);
bool filter_matches(const struct tree *document, const char *path, const struct tree *values);

/* Tags. The tags of argument TagSpecification for a resource type, as a tagSet; refuses bad ones. */
bool tags_for(struct request *rq, const char *resource_type, struct tree **tag_set);
bool tag_specifications_check(struct request *rq,
			      const char *const *types); /* only these resource types are meant; NULL-terminated */
void tag_set_put(struct tree *document, const char *key, const char *value);
void tag_set_remove(struct tree *document, const char *key, const char *value); /* value NULL: whatever it is */
bool tags_check(struct request *rq, const struct tree *tags, const char *key_name, const char *value_name);

#endif
