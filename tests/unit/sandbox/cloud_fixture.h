/* SPDX-License-Identifier: Apache-2.0
 *
 * A cloud without machines in a folder of its own, asked through api_answer with requests that are really signed. */
#ifndef BAKERY_TEST_CLOUD_FIXTURE_H
#define BAKERY_TEST_CLOUD_FIXTURE_H

#include <dirent.h>
#include <sys/stat.h>

#include "check.h"

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/sigv4.h"
#include "src/sandbox/api.h"
#include "src/sandbox/cloud_open.h"

struct fixture {
	char folder[64];
	struct cloud *cloud;
	struct api api;
	int status;
	struct str body;
	struct tree *reply; /* of the last ask, XML and JSON alike */
	char code[64];	    /* the last refusal's, or "" */
	const char *region;
	int64_t signed_at_ms;			 /* 0: now */
	const char *secret, *access_key, *token; /* token NULL: the long-lived key */
	char session[3][512];			 /* where fixture_become keeps a session's credentials */
};

static inline void fixture_open_cloud(struct fixture *fixture)
{
	static const char *const settings[] = {"machines=off",
					       "latency.launch=0",
					       "latency.stop=0",
					       "latency.terminate=0",
					       "latency.image=0",
					       "latency.copy=0",
					       NULL};
	struct error err = {0};
	assert_works(cloud_open(fixture->folder, settings, NULL, &fixture->cloud, &err));
	fixture->api.cloud = fixture->cloud;
	fixture->access_key = fixture->cloud->key.access_key;
	fixture->secret = fixture->cloud->key.secret_key;
	fixture->token = NULL;
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = mem_alloc(sizeof *fixture);
	snprintf(fixture->folder, sizeof fixture->folder, "/tmp/bakery-cloud-XXXXXX");
	if (mkdtemp(fixture->folder) == NULL)
		return -1;
	fixture->region = "us-east-1";
	fixture->body = (struct str)STR_INIT;
	pthread_mutex_init(&fixture->api.record_lock, NULL);
	fixture_open_cloud(fixture);
	/* tests/models/clouds.sh holds all that was said against AWS's models. */
	if (getenv("BAKERY_RECORD") != NULL)
		fixture->api.record = fopen(getenv("BAKERY_RECORD"), "ae");
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};
	cloud_close(fixture->cloud);
	if (fixture->api.record != NULL)
		fclose(fixture->api.record);
	tree_free(fixture->reply);
	str_free(&fixture->body);
	pthread_mutex_destroy(&fixture->api.record_lock);
	bool removed = file_remove_tree(fixture->folder, &err);
	free(fixture);
	return removed ? 0 : -1;
}

static inline void fixture_reopen(struct fixture *fixture)
{
	cloud_close(fixture->cloud);
	fixture_open_cloud(fixture);
}

static inline bool fixture_wait(void *cookie, int64_t ms)
{
	(void)cookie;
	return ms >= 0;
}

static inline void fixture_read(struct fixture *fixture, bool json)
{
	struct error err = {0};
	tree_free(fixture->reply);
	fixture->reply = json ? tree_from_json(fixture->body.data, fixture->body.len, &err)
			      : tree_from_xml(fixture->body.data, fixture->body.len, &err);
	if (fixture->reply == NULL)
		fail_msg("%s: %s", err.text, fixture->body.data);
	const char *code =
		json ? tree_text(fixture->reply, "__type")
		     : tree_text_or(fixture->reply, "Errors.Error.Code", tree_text(fixture->reply, "Error.Code"));
	const struct tree *errors = tree_key(fixture->reply, "Errors");
	if (code == NULL && errors != NULL)
		code = tree_text_or(errors, "1.Code", "");
	snprintf(fixture->code, sizeof fixture->code, "%s", fixture->status == 200 || code == NULL ? "" : code);
}

/* target NULL: a query request. */
static inline enum answer_kind fixture_send(struct fixture *fixture, const char *service, const char *target,
					    const char *body)
{
	struct sigv4_header headers[8] = {{"Host", "127.0.0.1"}};
	size_t count = 1;
	struct sigv4 signature;
	struct answer answer = {.body = STR_INIT};
	if (target != NULL)
		headers[count++] = (struct sigv4_header){"X-Amz-Target", target};
	struct sigv4_request http = {.method = "POST",
				     .path = "/",
				     .headers = headers,
				     .header_count = count,
				     .body = body,
				     .body_length = strlen(body)};
	struct sigv4_credentials credentials = {.access_key = fixture->access_key,
						.secret_key = fixture->secret == NULL ? "" : fixture->secret,
						.session_token = fixture->token};
	struct sigv4_scope scope = {.region = fixture->region,
				    .service = service,
				    .now_ms = fixture->signed_at_ms ? fixture->signed_at_ms : clock_wall_ms()};
	sigv4_sign_headers(&http, &credentials, &scope, &signature);
	for (size_t i = 0; fixture->secret != NULL && i < signature.header_count; i++)
		headers[count++] = signature.headers[i];
	http.header_count = count;
	api_answer(&fixture->api, &http, &(struct api_patience){fixture_wait, NULL}, &answer);
	fixture->status = answer.status;
	str_clear(&fixture->body);
	str_add_n(&fixture->body, answer.body.data, answer.body.len);
	if (answer.kind == ANSWER_WHOLE)
		fixture_read(fixture, target != NULL);
	str_free(&answer.body);
	sigv4_free(&signature);
	return answer.kind;
}

static inline void ec2(struct fixture *fixture, const char *fmt, ...) printf_like(2, 3);
static inline void ec2(struct fixture *fixture, const char *fmt, ...)
{
	_cleanup_(str_free) struct str body = STR_INIT;
	va_list args;
	str_add(&body, "Version=2016-11-15&Action=");
	va_start(args, fmt);
	str_vaddf(&body, fmt, args);
	va_end(args);
	fixture_send(fixture, "ec2", NULL, body.data);
}

static inline void json_service(struct fixture *fixture, const char *service, const char *target_prefix,
				const char *operation, const char *fmt, va_list args)
{
	_cleanup_(str_free) struct str body = STR_INIT, target = STR_INIT;
	str_vaddf(&body, fmt, args);
	str_addf(&target, "%s.%s", target_prefix, operation);
	fixture_send(fixture, service, target.data, body.data);
}

#define JSON_SERVICE(name, service, target_prefix)                                                                     \
	static inline void name(struct fixture *fixture, const char *operation, const char *fmt, ...)                  \
		printf_like(3, 4);                                                                                     \
	static inline void name(struct fixture *fixture, const char *operation, const char *fmt, ...)                  \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, fmt);                                                                                   \
		json_service(fixture, service, target_prefix, operation, fmt, args);                                   \
		va_end(args);                                                                                          \
	}
JSON_SERVICE(ssm, "ssm", "AmazonSSM")
JSON_SERVICE(kms, "kms", "TrentService")
JSON_SERVICE(quotas, "servicequotas", "ServiceQuotasV20190624")
static inline void query(struct fixture *fixture, const char *service, const char *fmt, ...) printf_like(3, 4);
static inline void query(struct fixture *fixture, const char *service, const char *fmt, ...)
{
	_cleanup_(str_free) struct str body = STR_INIT;
	va_list args;
	str_addf(&body, "Version=%s&Action=", str_eq(service, "iam") ? "2010-05-08" : "2011-06-15");
	va_start(args, fmt);
	str_vaddf(&body, fmt, args);
	va_end(args);
	fixture_send(fixture, service, NULL, body.data);
}

/* A text of the last reply; the test fails when there is none. */
static inline const char *said(const struct fixture *fixture, const char *path)
{
	const char *text = tree_text(fixture->reply, path);
	if (text == NULL)
		fail_msg("%s is not in: %s", path, fixture->body.data);
	return text;
}

/* From now on the requests come with the credentials of the last reply of STS. */
static inline void fixture_become(struct fixture *fixture, const char *result)
{
	static const char *const members[] = {"AccessKeyId", "SecretAccessKey", "SessionToken"};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		_cleanup_(freep) char *path = mem_printf("%s.Credentials.%s", result, members[i]);
		snprintf(fixture->session[i], sizeof fixture->session[i], "%s", said(fixture, path));
	}
	fixture->access_key = fixture->session[0];
	fixture->secret = fixture->session[1];
	fixture->token = fixture->session[2];
}

static inline void fixture_become_user(struct fixture *fixture)
{
	fixture->access_key = fixture->cloud->key.access_key;
	fixture->secret = fixture->cloud->key.secret_key;
	fixture->token = NULL;
}

static inline void fixture_assume(struct fixture *fixture, const char *account, const char *role)
{
	query(fixture, "sts", "AssumeRole&RoleArn=arn:aws:iam::%s:role/%s&RoleSessionName=tester", account, role);
	if (fixture->status != 200)
		fail_msg("refused: %s", fixture->body.data);
	fixture_become(fixture, "AssumeRoleResult");
}

#define assert_refused(fixture, wanted) assert_string_equal((fixture)->code, wanted)
#define assert_done(fixture)                                                                                           \
	do {                                                                                                           \
		if ((fixture)->status != 200)                                                                          \
			fail_msg("refused: %s", (fixture)->body.data);                                                 \
	} while (0)

/* Asks again until the text at path is the wanted one; ten seconds at most. */
#define eventually(fixture, path, wanted, ...)                                                                         \
	do {                                                                                                           \
		int64_t until_ms_ = clock_mono_ms() + 10000;                                                           \
		do {                                                                                                   \
			ec2(fixture, __VA_ARGS__);                                                                     \
			if (str_eq(tree_text((fixture)->reply, path), wanted) || !stop_sleep_ms(NULL, 5))              \
				break;                                                                                 \
		} while (clock_mono_ms() < until_ms_);                                                                 \
		assert_string_equal(said(fixture, path), wanted);                                                      \
	} while (0)

static inline char *newest_base(struct fixture *fixture)
{
	ec2(fixture, "DescribeImages&Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*-20260101-*");
	assert_done(fixture);
	return mem_strdup(said(fixture, "imagesSet.1.imageId"));
}

static inline const char *instance_type_here(void)
{
	return str_eq(cloud_architecture(), "arm64") ? "m6g.large" : "m5.large";
}

static inline char *launch(struct fixture *fixture, const char *more)
{
	_cleanup_(freep) char *ami = newest_base(fixture);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1%s", ami, instance_type_here(),
	    more);
	assert_done(fixture);
	return mem_strdup(said(fixture, "instancesSet.1.instanceId"));
}

static inline char *launch_and_wait(struct fixture *fixture, const char *more)
{
	char *id = launch(fixture, more);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "running",
		   "DescribeInstances&InstanceId.1=%s", id);
	return id;
}

static inline void set(struct fixture *fixture, const char *fmt, ...) printf_like(2, 3);
static inline void set(struct fixture *fixture, const char *fmt, ...)
{
	struct error err = {0};
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;
	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	assert_works(settings_set(fixture->cloud->settings, text.data, &err));
}

static inline char *bake(struct fixture *fixture, const char *name)
{
	_cleanup_(freep) char *instance = launch_and_wait(fixture, "");
	ec2(fixture, "CreateImage&InstanceId=%s&Name=%s", instance, name);
	assert_done(fixture);
	char *image = mem_strdup(said(fixture, "imageId"));
	eventually(fixture, "imagesSet.1.imageState", "available", "DescribeImages&ImageId.1=%s", image);
	return image;
}

#endif
