/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds what bakery says to AWS against AWS's own service models:
 *
 *     model_check WIRE-FOLDER          the rows of operations.def, the services, the rows of waits.def, and every wire
 * file model_check RECORDING...         what the sandbox was asked and answered: JSON lines {"service", "operation",
 * "request": {wire path: value} or a JSON body, "status", "content_type", "reply": body}
 *
 * Prints TAP; a fault that comes again and again is printed once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bakery/file.h"
#include "model.h"
#include "src/aws/operations.h"
#include "src/aws/protocol.h"
#include "src/aws/wait_look.h"
#include "wire_file.h"

#define MOST_LINE (64u << 20)

struct run {
	struct models *models;
	int number, failed;
};

static void finish(struct run *run, struct findings *findings, const char *name)
{
	bool good = findings_print(findings, "#   ");
	printf("%sok %d - %s\n", good ? "" : "not ", ++run->number, name);
	run->failed += !good;
	findings_free(findings);
}

/* --- services and rows --- */

static void expect(struct findings *findings, const struct model *model, const char *path, const char *wanted)
{
	const char *there = tree_text_or(model->tree, path, "");
	if (!str_eq(there, wanted))
		fault(findings, "", "%s is \"%s\" for AWS and \"%s\" for us", path, there, wanted);
}

static void check_services(struct run *run)
{
	static const char *const protocols[] = {"ec2", "query", "json"};
	struct findings findings;
	findings_init(&findings);
	for (enum service i = 0; i < SERVICE_COUNT; i++) {
		const struct service_row *row = service_row(i);
		const struct model *model = models_find(run->models, row->name);
		findings.context = row->name;
		if (row->protocol == PROTOCOL_REST)
			continue;
		if (!model) {
			fault(&findings, "", "there is no model of it");
			continue;
		}
		expect(&findings, model, "metadata.endpointPrefix", row->name);
		expect(&findings, model, "metadata.protocol", protocols[row->protocol]);
		expect(&findings, model, "metadata.targetPrefix", row->target);
		expect(&findings, model, "metadata.jsonVersion", row->protocol == PROTOCOL_JSON ? "1.1" : "");
		if (row->protocol != PROTOCOL_JSON)
			expect(&findings, model, "metadata.apiVersion", row->version);
	}
	finish(run, &findings, "services");
}

static const struct tree *member_of(const struct model *model, const struct tree *shape, const char *name,
				    enum direction direction)
{
	const struct tree *member = model_member(model, shape, name, strlen(name), direction);
	return member ? model_shape(model, member) : NULL;
}

static void check_pages(struct findings *findings, const struct model *model, const struct operation_row *row,
			const struct tree *input, const struct tree *output)
{
	enum protocol protocol = service_row(row->service)->protocol;
	bool paged = member_of(model, output, protocol_token_path(protocol), REPLY) &&
		     member_of(model, input, protocol_token_argument(protocol), REQUEST);
	if (paged && !row->pages[0])
		fault(findings, "", "it answers in pages, but the row does not say so");
	if (!row->pages[0])
		return;
	if (!paged)
		unknown(findings, model, "", "it does not answer in pages");
	const struct tree *list = member_of(model, output, row->pages, REPLY);
	if (!list || !str_eq(model_type(list), "list"))
		fault(findings, row->pages, "is no list of the reply");
}

static void check_row(struct findings *findings, const struct model *model, const struct operation_row *row)
{
	const struct tree *operation = model_operation(model, row->name);
	const struct tree *input = model_shape(model, tree_key(operation, "input"));
	const struct tree *output = model_shape(model, tree_key(operation, "output"));
	if (!operation) {
		unknown(findings, model, "", "AWS knows no such operation");
		return;
	}
	if (row->repeat == REPEAT_TOKEN && !member_of(model, input, "ClientToken", REQUEST))
		unknown(findings, model, "", "it takes no client token");
	check_pages(findings, model, row, input, output);
}

static void check_rows(struct run *run)
{
	struct findings findings;
	findings_init(&findings);
	for (enum aws_operation i = 0; i < AWS_OPERATION_COUNT; i++) {
		const struct operation_row *row = operation_row(i);
		const struct model *model = models_find(run->models, service_row(row->service)->name);
		findings.context = row->name;
		if (model)
			check_row(&findings, model, row);
	}
	finish(run, &findings, "rows of operations.def");
}

/* --- waits --- */

/* Follows a path of names; a list is entered at "*". */
static const struct tree *follow_path(const struct model *model, const struct tree *shape, const char *path)
{
	while (shape && *path) {
		size_t length = strcspn(path, ".");
		if (length == 1 && *path == '*') {
			shape = model_shape(model, tree_key(shape, "member"));
		} else {
			const struct tree *member = model_member(model, shape, path, length, REPLY);
			shape = member ? model_shape(model, member) : NULL;
		}
		path += length + (path[length] == '.');
	}
	return shape;
}

static void check_states(struct findings *findings, const struct model *model, const struct tree *shape,
			 const char *states)
{
	while (*states) {
		size_t length = strcspn(states, " ");
		bool known = false;
		for (struct tree_iter i = tree_iter(tree_key(shape, "enum")); tree_next(&i);)
			known |= strlen(tree_text(i.value, NULL)) == length &&
				 str_starts(states, tree_text(i.value, NULL));
		if (!known)
			unknown(findings, model, "", "%.*s is no state that AWS knows", (int)length, states);
		states += length + (states[length] == ' ');
	}
}

static void check_wait(struct findings *findings, const struct model *model, const struct wait_row *row)
{
	const struct tree *operation = model_operation(model, aws_operation_name(row->operation));
	const struct tree *ids = member_of(model, model_shape(model, tree_key(operation, "input")), row->ids, REQUEST);
	const struct tree *list = follow_path(model, model_shape(model, tree_key(operation, "output")), row->list);
	const struct tree *item = list ? model_shape(model, tree_key(list, "member")) : NULL;
	const struct tree *state = follow_path(model, item, row->state);
	if (!ids || !str_eq(model_type(ids), "list"))
		fault(findings, row->ids, "is no list of the request");
	if (!list || !str_eq(model_type(list), "list"))
		fault(findings, row->list, "is no list of the reply");
	if (!follow_path(model, item, row->id))
		fault(findings, row->id, "is not in the items");
	if (!state) {
		fault(findings, row->state, "is not in the items");
		return;
	}
	check_states(findings, model, state, row->wanted);
	check_states(findings, model, state, row->fatal);
}

static void check_waits(struct run *run)
{
	struct findings findings;
	findings_init(&findings);
	static const char *const names[] = {
#define WAIT(name, operation, ids, list, id, state, wanted, fatal, absent) #name,
#include "src/aws/waits.def"
#undef WAIT
	};
	for (enum aws_wait i = 0; i < AWS_WAIT_COUNT; i++) {
		const struct wait_row *row = wait_row(i);
		const struct model *model = models_find(run->models, aws_operation_service(row->operation));
		findings.context = names[i];
		if (model)
			check_wait(&findings, model, row);
	}
	finish(run, &findings, "rows of waits.def");
}

/* --- wire files and recordings --- */

static void check_exchange(struct run *run, struct findings *findings, const char *service, const char *operation,
			   const struct tree *request, int status, const char *content_type, const char *reply)
{
	const struct model *model = models_find(run->models, service);
	_cleanup_(freep) char *asked = mem_printf("%s.%s request", service, operation);
	_cleanup_(freep) char *answered = mem_printf("%s.%s reply %d", service, operation, status);
	findings->context = asked;
	if (!model) {
		fault(findings, "", "there is no model of the service");
	} else {
		if (status < 400) /* a refused request may be as wrong as it likes */
			check_request(findings, model, operation, request);
		findings->context = answered;
		if (status != 0) /* the sandbox broke the connection */
			check_reply(findings, model, operation, status, content_type, reply);
	}
	findings->context = "";
}

/* The request as it is on the wire, for JSON services; paths for the others. */
static struct tree *request_of(const struct wire_file *file, struct error *err)
{
	if (service_row(operation_row(file->operation)->service)->protocol != PROTOCOL_JSON)
		return tree_copy(file->args);
	const char *body = strstr(file->request, "\n\n");
	return tree_from_json(body + 2, strlen(body + 2), err);
}

static void check_wire_file(struct run *run, const char *path)
{
	struct findings findings;
	struct wire_file file;
	struct error err = {0};
	findings_init(&findings);
	bool good = wire_file_read(path, &file, &err);
	_cleanup_(tree_freep) struct tree *request = good ? request_of(&file, &err) : NULL;
	if (request)
		check_exchange(run, &findings, aws_operation_service(file.operation),
			       aws_operation_name(file.operation), request, file.status, file.content_type, file.reply);
	else
		fault(&findings, "", "%s", err.text);
	wire_file_free(&file);
	finish(run, &findings, strrchr(path, '/') + 1);
}

static void check_wire_files(struct run *run, const char *folder)
{
	size_t count = 0;
	char **paths = wire_files(folder, &count);
	for (size_t i = 0; i < count; i++) {
		check_wire_file(run, paths[i]);
		free(paths[i]);
	}
	free(paths);
}

static void check_line(struct run *run, struct findings *findings, const char *line, size_t length,
		       struct tree *operations)
{
	struct error err;
	_cleanup_(tree_freep) struct tree *record = tree_from_json(line, length, &err);
	const char *service = tree_text(record, "service"), *operation = tree_text(record, "operation");
	if (!service || !operation || !tree_text(record, "status")) {
		fault(findings, "", "a line is no exchange: %s",
		      record ? "service, operation or status is missing" : err.text);
		return;
	}
	_cleanup_(freep) char *name = mem_printf("%s.%s", service, operation);
	tree_set_bool(operations, name, true);
	check_exchange(run, findings, service, operation, tree_key(record, "request"),
		       (int)tree_int(record, "status", 0), tree_text_or(record, "content_type", ""),
		       tree_text_or(record, "reply", ""));
}

static void check_recording(struct run *run, const char *path)
{
	struct findings findings;
	_cleanup_(tree_freep) struct tree *operations = tree_new_object();
	char *line = NULL;
	size_t size = 0, count = 0;
	FILE *file = fopen(path, "re");
	findings_init(&findings);
	if (!file)
		fault(&findings, path, "cannot be read");
	for (ssize_t length; file && (length = getline(&line, &size, file)) > 0; count++)
		check_line(run, &findings, line, (size_t)length, operations);
	free(line);
	if (file)
		fclose(file);
	_cleanup_(freep) char *name =
		mem_printf("%s: %zu exchanges, %zu operations", path, count, tree_count(operations));
	finish(run, &findings, name);
}

int main(int argc, char **argv)
{
	struct run run = {.models = models_open()};
	struct stat status;
	if (argc < 2) {
		fprintf(stderr, "usage: %s WIRE-FOLDER|RECORDING...\n", argv[0]);
		return 2;
	}
	if (!run.models) {
		printf("1..0 # SKIP no AWS models: set BAKERY_AWS_MODELS, or install python3-botocore\n");
		return 0;
	}
	printf("# models: %s%s\n", models_folder(run.models),
	       models_are_old(run.models) ? " (of 2022; newer names are only noted)" : "");
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &status) != 0 || !S_ISDIR(status.st_mode)) {
			check_recording(&run, argv[i]);
			continue;
		}
		check_services(&run);
		check_rows(&run);
		check_waits(&run);
		check_wire_files(&run, argv[i]);
	}
	printf("1..%d\n", run.number);
	models_close(run.models);
	return run.failed > 0;
}
