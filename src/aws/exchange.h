/* SPDX-License-Identifier: Apache-2.0
 *
 * One request, as often as it is sent; what send.c and the files that put its failures into words have in common. */
#ifndef AWS_EXCHANGE_H
#define AWS_EXCHANGE_H

#include "aws_private.h"
#include "protocol.h"

struct exchange {
	struct aws *aws;
	const struct operation_row *row;
	const struct service_row *service;
	const char *region;
	enum repeat repeat;
	struct endpoint endpoint;
	struct wire_request wire;
	const struct stop *stop;
	const struct credentials *with; /* instead of aws's own; NULL: aws's own */
	bool is_unsigned;
	int64_t not_yet_until_ms; /* until then "no such thing" is asked again */
	bool dry_run;
};

#endif
