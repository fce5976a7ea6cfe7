/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving a folder in this process until it is told to stop. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/policy.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "cloud_open.h"
#include "folder.h"
#include "server.h"

#define LOOK_AT_FOLDER_EVERY_MS 3000

static void tell(const struct sandbox_options *options, const char *text)
{
	if (options->ready_fd <= 2)
		return;
	if (write(options->ready_fd, text, strlen(text)) < 0)
		log_debug(options->log, "nobody waits for the sandbox to be ready");
	close(options->ready_fd);
}

/* Nobody could find or stop a server whose folder has been removed, so it ends by itself. */
static bool wait_for_stop(const struct stop *stop, const char *folder, struct error *err)
{
	struct pollfd fd = {.fd = stop == NULL ? -1 : stop->event_fd, .events = POLLIN};
	_cleanup_(freep) char *lock = path_join(folder, "lock");
	while (!stop_requested(stop)) {
		if (poll(&fd, 1, LOOK_AT_FOLDER_EVERY_MS) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (!file_exists(lock))
			return error_set(err, ERROR_FAILED, "the folder %s was removed", folder);
	}
	return true;
}

static bool announce(const struct sandbox_options *options, const char *folder, const struct server *server,
		     struct error *err)
{
	_cleanup_(freep) char *endpoint = mem_printf("http://127.0.0.1:%d", server_port(server));
	if (!folder_write_address(folder, endpoint, err))
		return false;
	log_info(options->log, "the sandbox answers at %s", endpoint);
	tell(options, "ok");
	return true;
}

static bool serve_cloud(const struct sandbox_options *options, const char *folder, struct cloud *cloud,
			struct error *err)
{
	char token[65];
	struct server *server = NULL;
	if (!folder_token(folder, token, err) ||
	    !server_start(cloud, options->port, options->record, token, &server, err))
		return false;
	bool served = announce(options, folder, server, err) && wait_for_stop(options->stop, folder, err);
	folder_drop_address(folder);
	server_stop(server);
	return served;
}

static bool load_policy(const struct sandbox_options *options, struct cloud *cloud, struct error *err)
{
	return options->policy == NULL || *options->policy == '\0' ||
	       policy_read_file(options->policy, &cloud->policy, err);
}

static bool serve_folder(const struct sandbox_options *options, const char *folder, struct error *err)
{
	_cleanup_(closep) int lock = -1;
	struct cloud *cloud = NULL;
	if (!folder_lock(folder, &lock, err))
		return false;
	folder_drop_address(folder); /* of one that was killed */
	if (!cloud_open(folder, options->settings, options->log, &cloud, err))
		return false;
	bool served = load_policy(options, cloud, err) && serve_cloud(options, folder, cloud, err);
	cloud_close(cloud);
	return served;
}

bool sandbox_serve(const struct sandbox_options *options, struct error *err)
{
	_cleanup_(freep) char *folder = folder_path(options);
	/* A client that goes away in the middle of a reply is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	if (serve_folder(options, folder, err))
		return true;
	tell(options, err->text);
	return false;
}
