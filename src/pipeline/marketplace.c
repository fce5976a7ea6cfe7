/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of AWS Marketplace: the words for a subscription that is missing. */
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

static void codes_add(struct str *out, const struct text_list *codes)
{
	if (!codes->count)
		return;
	str_add(out, codes->count == 1 ? ", product code " : ", product codes ");
	for (size_t i = 0; i < codes->count; i++)
		str_addf(out, "%s%s", i ? ", " : "", codes->items[i]);
}

/* AWS's message names the page where its product can be subscribed to:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-shared-amis-finding.html and OptInRequired in EC2's list of
 * error codes. What cannot be done with such an image: "Copy an Amazon EC2 AMI" and "Make your AMI publicly available".
 */
bool marketplace_hint(const struct plan *plan, struct error *err)
{
	_cleanup_(str_free) struct str codes = STR_INIT, url = STR_INIT;
	const char *at = strstr(err->text, "http");

	if (!str_eq(err->code, "OptInRequired"))
		return false;
	if (at)
		str_add_n(&url, at, strcspn(at, " \t\n\"<>;,)"));
	codes_add(&codes, &plan->source.product_codes);
	return error_hint(
		err,
		"source image %s (%s) is a product of AWS Marketplace%s: subscribe account %s to it%s%s, and "
		"each account that will launch the new image; such an image cannot be made public, nor copied "
		"by other accounts",
		plan->source.ami, plan->source.name ? plan->source.name : "no name", codes.data ? codes.data : "",
		plan->account, url.len ? " at " : "", url.len ? url.data : "");
}
