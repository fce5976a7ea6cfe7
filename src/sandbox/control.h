/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's own endpoint, for whoever can read its folder: GET /_sandbox/status, PUT /_sandbox/settings (one
 * assignment a line), PUT /_sandbox/policy (a policy document; nothing: none), POST /_sandbox/images
 * ({"path", "name", "owner"}). The header X-Sandbox-Token holds the folder's token. */
#ifndef BAKERY_SANDBOX_CONTROL_H
#define BAKERY_SANDBOX_CONTROL_H

#include "api.h"

#define CONTROL_TOKEN_HEADER "X-Sandbox-Token"
void control_answer(struct api *api, const char *token, const struct sigv4_request *http, struct answer *out);

#endif
