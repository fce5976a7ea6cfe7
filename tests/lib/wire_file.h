/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/wire/SERVICE.Operation[.variant].txt: one exchange with AWS as it stands on the wire.
 *
 *     # what it is about
 *     call eu-west-1
 *     text Filter.1.Name name         arguments, as aws_arg, aws_arg_int and aws_arg_bool take them
 *     int MaxResults 5
 *     bool Overwrite true
 *     request                         every byte of it, but for {host}, {version}, {signature}
 *     POST / HTTP/1.1
 *     ...
 *     reply 200 text/xml              what AWS answers
 *     ...
 *     tree                            what aws_send gives, as JSON
 *     {...} */
#ifndef TESTS_WIRE_FILE_H
#define TESTS_WIRE_FILE_H

#include <stdbool.h>

#include "bakery/aws.h"
#include "bakery/mem.h"

struct wire_file {
	struct arena *arena; /* of all texts */
	const char *name;    /* "ec2.DescribeImages" */
	enum aws_operation operation;
	const char *region;
	struct tree *args;
	const char *request; /* lines ended by \n */
	int status;
	const char *content_type, *reply;
	struct tree *tree;
};
bool wire_file_read(const char *path, struct wire_file *out, struct error *err) must_check;
void wire_file_free(struct wire_file *file);

/* The paths of all files of a folder, sorted; free() each and the array. */
char **wire_files(const char *folder, size_t *count);

/* AWS_OPERATION_COUNT when there is no such row. */
enum aws_operation wire_operation(const char *service, const char *name);

#endif
