/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of two versions of a package is newer, as its package manager sees it. dpkg and rpm are not on every host that
 * compares builds. */
#ifndef BAKERY_REPORT_VERSION_H
#define BAKERY_REPORT_VERSION_H

/* Below, at or above 0 as strcmp. */
int version_compare_deb(const char *a, const char *b); /* deb-version(7): [epoch:]upstream[-revision] */
int version_compare_rpm(const char *a, const char *b); /* rpm-version(7): [epoch:]version[-release] */

#endif
