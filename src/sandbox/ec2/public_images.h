/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of images that publishers share with everybody: data that knows nobody. */
#ifndef BAKERY_SANDBOX_PUBLIC_IMAGES_H
#define BAKERY_SANDBOX_PUBLIC_IMAGES_H

#include <stdbool.h>

struct public_version {
	const char *name, *created;
	const char *state;	/* NULL: available */
	const char *deprecated; /* since when, or NULL */
};

/* Public images: each in every region and in every version, all versions with the same root file system. */
struct public_image {
	const char *base; /* struct base_image's name: "debian-12" */
	const char *suite, *login_user;
	const char *owner;	 /* the publisher's account */
	const char *owner_alias; /* "amazon", "aws-marketplace", or NULL */
	const char *name;	 /* "debian-12-%s-%s": architecture (amd64, arm64), version */
	const char *description;
	const char *parameter;		       /* "/aws/service/debian/release/12/%s/%s": version or "latest",
						  architecture; or NULL */
	const char *product_code;	       /* of the marketplace, or NULL */
	bool foreign;			       /* of the architecture that this host does not have: described only */
	bool guarded;			       /* UEFI, a TPM and version 2 of the metadata service only */
	const struct public_version *versions; /* oldest first; ends with a NULL name */
};
extern const struct public_image public_images[]; /* ends with a NULL base */

#define PUBLIC_PARAMETERS_ACCOUNT "aws" /* whom the documents of public parameters belong to */

#endif
