/* SPDX-License-Identifier: Apache-2.0
 *
 * A TLS server for tests, libmicrohttpd's, with a certificate made for it. */
#ifndef TESTS_AWS_TLS_SERVER_H
#define TESTS_AWS_TLS_SERVER_H

#include "check.h"
/* check.h goes first: cmocka wants its own order. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/aws/aws_private.h"

struct server {
	struct MHD_Daemon *daemon;
	char *certificate, *key, *url;
	_Atomic int requests;
};

static inline char *take_pem(BIO *bio)
{
	char *data = NULL;
	long length = BIO_get_mem_data(bio, &data);
	char *text = mem_strndup(data, (size_t)length);
	BIO_free(bio);
	return text;
}

static inline void add_extension(X509 *certificate, int id, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

/* Signed by itself; from a day ago until valid_s from now. */
static inline void make_certificate(struct server *server, const char *host, long valid_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, NID_subject_alt_name, host);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, certificate);
	server->certificate = take_pem(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	server->key = take_pem(bio);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static enum MHD_Result answer(void *cookie, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *length, void **state)
{
	static const char reply[] = "<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>";
	static int begun;
	struct server *server = cookie;
	if (!*state || *length) {
		*state = &begun;
		*length = 0;
		return MHD_YES;
	}
	server->requests++;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(sizeof reply - 1, (void *)reply, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "text/xml");
	enum MHD_Result result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

static inline bool start(struct server *server, const char *host, long valid_s)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	*server = (struct server){0};
	make_certificate(server, host, valid_s);
	server->daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, server,
					  MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_CERT,
					  server->certificate, MHD_OPTION_HTTPS_MEM_KEY, server->key, MHD_OPTION_END);
	if (!server->daemon) {
		print_message("# skipped: this libmicrohttpd has no TLS\n");
		free(server->certificate);
		free(server->key);
		return false;
	}
	server->url = mem_printf("https://127.0.0.1:%d",
				 MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	return true;
}

static inline void finish(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	free(server->certificate);
	free(server->key);
	free(server->url);
}

/* AWS_CA_BUNDLE names its certificate. */
static inline void trust(const char *folder, const struct server *server)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(folder, "bundle.pem");
	assert_true(file_replace(path, server->certificate, strlen(server->certificate), 0600, &err));
	setenv("AWS_CA_BUNDLE", path, 1);
}

#endif
