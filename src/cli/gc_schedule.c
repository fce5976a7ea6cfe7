/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery gc --schedule`: the lines that have it run every night. */
#include <stdio.h>

#include "bakery/str.h"
#include "gc.h"

static const struct {
	const char *kind, *text;
} schedules[] = {
	{"gitlab",
	 "# .gitlab-ci.yml; then Build > Pipeline schedules: \"17 3 * * *\" with the variable BAKERY_GC = 1.\n"
	 "# Variables: BAKERY_GC_ROLE, its ARN (`bakery iam-policy --gc` prints what it must be allowed), and "
	 "AWS_REGION.\n"
	 "bakery-gc:\n"
	 "  rules:\n"
	 "    - if: $CI_PIPELINE_SOURCE == \"schedule\" && $BAKERY_GC\n"
	 "  id_tokens:\n"
	 "    AWS_TOKEN: {aud: sts.amazonaws.com}\n"
	 "  script:\n"
	 "    - (umask 077; printf '%s' \"$AWS_TOKEN\" >\"$CI_PROJECT_DIR.token\")\n"
	 "    - export AWS_WEB_IDENTITY_TOKEN_FILE=\"$CI_PROJECT_DIR.token\" AWS_ROLE_ARN=\"$BAKERY_GC_ROLE\"\n"
	 "    - bakery gc --yes --format json >gc.json\n"
	 "  artifacts: {when: always, paths: [gc.json], expire_in: 90 days}\n"},
	{"github",
	 "# .github/workflows/bakery-gc.yml\n"
	 "# Variables: BAKERY_GC_ROLE, its ARN (`bakery iam-policy --gc` prints what it must be allowed), and "
	 "AWS_REGION.\n"
	 "name: bakery gc\n"
	 "on:\n"
	 "  schedule: [{cron: \"17 3 * * *\"}]\n"
	 "  workflow_dispatch:\n"
	 "permissions: {id-token: write, contents: read}\n"
	 "concurrency: bakery-gc\n"
	 "jobs:\n"
	 "  gc:\n"
	 "    runs-on: ubuntu-latest\n"
	 "    steps:\n"
	 "      - uses: actions/checkout@v4\n"
	 "      - uses: aws-actions/configure-aws-credentials@v4\n"
	 "        with: {role-to-assume: \"${{ vars.BAKERY_GC_ROLE }}\", aws-region: \"${{ vars.AWS_REGION }}\"}\n"
	 "      - run: bakery gc --yes\n"},
	{"cron", "# /etc/cron.d/bakery-gc: as a user who has AWS credentials, in the project's folder\n"
		 "PATH=/usr/local/bin:/usr/bin:/bin\n"
		 "17 3 * * * bakery cd /srv/bakery && bakery gc --yes --quiet\n"},
	{"systemd", "# /etc/systemd/system/bakery-gc.service\n"
		    "[Unit]\n"
		    "Description=Remove what image builds left behind in AWS\n"
		    "Wants=network-online.target\n"
		    "After=network-online.target\n"
		    "\n"
		    "[Service]\n"
		    "Type=oneshot\n"
		    "User=bakery\n"
		    "WorkingDirectory=/srv/bakery\n"
		    "ExecStart=bakery gc --yes\n"
		    "\n"
		    "# /etc/systemd/system/bakery-gc.timer; then: systemctl enable --now bakery-gc.timer\n"
		    "[Unit]\n"
		    "Description=Remove what image builds left behind in AWS, every night\n"
		    "\n"
		    "[Timer]\n"
		    "OnCalendar=*-*-* 03:17:00\n"
		    "RandomizedDelaySec=30m\n"
		    "Persistent=true\n"
		    "\n"
		    "[Install]\n"
		    "WantedBy=timers.target\n"},
};

bool gc_schedule(const char *kind, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(schedules); i++) {
		if (str_eq(schedules[i].kind, kind))
			return fputs(schedules[i].text, stdout) >= 0 || error_errno(err, "standard output");
	}
	return error_set(err, ERROR_USAGE, "--schedule wants gitlab, github, cron or systemd, not \"%s\"", kind);
}
