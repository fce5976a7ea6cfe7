/* SPDX-License-Identifier: Apache-2.0
 *
 * The systems that machines can have, and those that are only known by name. Debian's archive is known to every Debian,
 * Ubuntu's with its key; a root file system of the others takes rpm and dnf, and mirrors that let this host in. */
#include "machine.h"

#include "bakery/mem.h"
#include "bakery/str.h"

/* Holds the key F6EC B376 2474 EDA9 D21B 7022 8719 20D1 991B C93C, which signs Ubuntu's archive since 18.04. */
static const struct base_keyring ubuntu_keyring = {
	.name = "ubuntu-keyring",
	.path = "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
	.url = "http://archive.ubuntu.com/ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
	.sha256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8",
};

/* As Canonical's images have them: main and universe, with updates and security. */
#define POCKETS(archive, security, suite)                                                                              \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		"deb " archive " " suite " main universe", "deb " archive " " suite "-updates main universe",          \
			"deb " security " " suite "-security main universe", NULL                                      \
	}
/* What every Debian has by itself. */
#define UBUNTU_PACKAGES "apt,gpgv,perl,tzdata,ubuntu-keyring"
#define UBUNTU(version, codename)                                                                                      \
	{                                                                                                              \
		.name = "ubuntu-" version, .suite = codename, .keyring = &ubuntu_keyring, .packages = UBUNTU_PACKAGES, \
		.sources = POCKETS("http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu", codename), \
		.on_arm64 = POCKETS("http://ports.ubuntu.com/ubuntu-ports", "http://ports.ubuntu.com/ubuntu-ports",    \
				    codename)                                                                          \
	}

#define RPM "it takes rpm, dnf and its publisher's mirrors; give one that you have to \"bakery sandbox import --base\""

static const struct base_image base_images[] = {
	{.name = "debian-12", .suite = "bookworm"},
	{.name = "debian-13", .suite = "trixie"},
	UBUNTU("22.04", "jammy"),
	UBUNTU("24.04", "noble"),
	{.name = "amazon-linux-2023", .unmade = RPM},
	{.name = "rhel-9", .unmade = RPM},
	{.name = "rocky-9", .unmade = RPM},
};

const struct base_image *base_image_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(base_images); i++)
		if (str_eq(base_images[i].name, name))
			return &base_images[i];
	return NULL;
}
