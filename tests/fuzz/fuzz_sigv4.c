/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a request: canonicalising and verifying it must be harmless, nobody without the key may be believed, and
 * what the signer signs the verifier must accept. */
#include <string.h>
#include <strings.h>

#include "bakery/mem.h"
#include "bakery/sigv4.h"
#include "fuzz.h"

#define MOST_HEADERS 40
#define MOST_NAMES 1500 /* bytes of header names that a claim takes */
#define NOW_MS 1440938160000

struct input {
	struct sigv4_header headers[MOST_HEADERS + 5];
	struct sigv4_request request;
	bool claims; /* it has parts of a signature of its own */
};

static const struct sigv4_credentials keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a token/+="};
static const struct sigv4_scope scope = {"eu-west-1", "ec2", NOW_MS, 600, 0};

/* What an HTTP server lets through as a header's name. */
static bool is_token(const char *name)
{
	return *name && strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
				strlen(name);
}

static void take_header(struct input *input, char *line, size_t *names)
{
	char *colon = strchr(line, ':');
	if (!colon || input->request.header_count == MOST_HEADERS)
		return;
	*colon = '\0';
	if (!is_token(line) || *names + strlen(line) > MOST_NAMES)
		return;
	*names += strlen(line) + 1;
	input->claims |= strcasecmp(line, "authorization") == 0 || strncasecmp(line, "x-amz-", 6) == 0;
	input->headers[input->request.header_count++] = (struct sigv4_header){line, colon + 1};
}

/* As in AWS's vectors: METHOD TARGET, headers, an empty line, the body. */
static void parse(struct input *out, char *text)
{
	size_t names = 0;
	char *target = strsep(&text, "\n");
	*out = (struct input){.request = {.headers = out->headers}};
	out->request.method = strsep(&target, " ");
	out->request.path = strsep(&target, "?");
	out->request.query = target;
	out->claims = target && strstr(target, "X-Amz-");
	for (char *line; (line = strsep(&text, "\n")) && *line;)
		take_header(out, line, &names);
	out->request.body = text ? text : "";
	out->request.body_length = strlen(out->request.body);
}

static enum sigv4_verdict receive(const struct sigv4_request *request)
{
	struct sigv4_claim claim;
	struct error err = {0};
	enum sigv4_verdict verdict = sigv4_claim_read(request, &claim, &err);
	if (verdict == SIGV4_GOOD)
		verdict = sigv4_verify(request, &claim, keys.secret_key, 0, NOW_MS, &err);
	sigv4_claim_free(&claim);
	return verdict;
}

static void sign_and_verify(struct input *input)
{
	struct sigv4 got;
	struct sigv4_request sent = input->request;
	if (!input->request.path)
		return;
	input->headers[input->request.header_count++] = (struct sigv4_header){"Host", "127.0.0.1"};
	sent.header_count = input->request.header_count;
	sigv4_sign_query(&sent, &keys, &scope, &got);
	sent.query = got.query.data;
	must_hold(receive(&sent) == SIGV4_GOOD);
	sigv4_free(&got);

	sent = input->request;
	sigv4_sign_headers(&sent, &keys, &scope, &got);
	for (size_t i = 0; i < got.header_count; i++)
		input->headers[sent.header_count++] = got.headers[i];
	must_hold(receive(&sent) == SIGV4_GOOD);
	sigv4_free(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = mem_strndup((const char *)data, size);
	struct input input;
	parse(&input, text);
	must_hold(receive(&input.request) != SIGV4_GOOD);
	if (!input.claims)
		sign_and_verify(&input);
	return 0;
}
