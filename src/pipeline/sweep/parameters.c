/* SPDX-License-Identifier: Apache-2.0
 *
 * Which images parameters name. */
#include <string.h>

#include "bakery/str.h"
#include "sweep.h"

/* A value may be a list of images, or a document that names some. Metadata names what its image was made of. */
static void named_take(struct tree *named, const char *value, const char *parameter)
{
	if (str_glob("*/metadata", parameter))
		return;
	for (const char *at = strstr(value, "ami-"); at; at = strstr(at + 1, "ami-")) {
		size_t length = strlen("ami-") + strspn(at + strlen("ami-"), "0123456789abcdef");
		_cleanup_(freep) char *id = mem_strndup(at, length);

		tree_set_text(named, id, parameter);
	}
}

bool sweep_parameters(const struct sweep_account *in, const struct sweep_options *options, const char *region,
		      struct tree **out, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParametersByPath, region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Path", options->parameter_prefix);
	aws_arg_bool(&call, "Recursive", true);
	call.stop = options->stop;
	if (!aws_send(in->aws, &call, &reply, err))
		return false;
	*out = tree_new_object();
	for (struct tree_iter i = tree_iter(tree_get(reply, "Parameters")); tree_next(&i);)
		named_take(*out, tree_text_or(i.value, "Value", ""), tree_text_or(i.value, "Name", ""));
	return true;
}
