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

/* How a publisher calls x86_64 and arm64. */
enum spelling { LIKE_DEBIAN, LIKE_AMAZON, LIKE_RED_HAT_AND_CO };

/* Public images: each in every region and in every version, all versions with the same root file system. In the texts
 * with "%1$s" and "%2$s" the first is the architecture, the second the version. */
struct public_image {
	const char *base; /* struct base_image's name: "debian-12" */
	const char *login_user;
	const char *owner;	 /* the publisher's account */
	const char *owner_alias; /* "amazon", "aws-marketplace", or NULL */
	enum spelling spelling;
	const char *name;	  /* "debian-12-%1$s-%2$s" */
	const char *description;  /* "Debian 12 (%2$s)", which has both */
	const char *parameter;	  /* for each version: "/aws/service/debian/release/12/%2$s/%1$s"; or NULL */
	const char *latest;	  /* what stands there, or here in its place, for the newest; or NULL */
	const char *product_code; /* of the marketplace, or NULL */
	const char *platform;	  /* "Red Hat Enterprise Linux"; NULL: plain Linux */
	const char *usage;	  /* its billing code, "RunInstances:0010"; NULL: none */
	const char *root_device;  /* NULL: "/dev/xvda" */
	int root_gib;		  /* 0: 8 */
	bool guarded;		  /* UEFI, a TPM and version 2 of the metadata service only */
	bool imds_v2;		  /* version 2 of the metadata service only */
	const struct public_version *versions; /* for this host's architecture, oldest first; ends with a NULL name */
	const struct public_version *foreign;  /* for the other one: described only; or NULL */
};
extern const struct public_image public_images[]; /* ends with a NULL base */

#define PUBLIC_IMAGES_FIRST_BASE "debian-12" /* made when the sandbox is set up; others when they are launched */
#define BASE_LAYER "base:"		     /* before a base's name: the layer that a public image is made of */
#define PUBLIC_PARAMETERS_ACCOUNT "aws"	     /* whom the documents of public parameters belong to */

#endif
