// SPDX-License-Identifier: BSD-3-Clause

#include "tls.h"

#include <plm_log.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

LOG_TYPE("tls");

#define VALID_DAYS 397 // the longest that browsers take from public authorities
#define RENEW_DAYS 30
#define DAY_S (24 * 60 * 60)
#define PATH_LEN 320

__attribute__((format(printf, 3, 4))) static bool fail(
	char *error,
	size_t error_len,
	const char *format,
	...
) {
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, error_len, format, ap);
	va_end(ap);
	ERR_clear_error();
	return false;
}

static const char *openssl_reason(void) {
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return reason != NULL ? reason : "unknown reason";
}

// ---------------------------------------------------------------------------- self-signed

static bool extension_add(X509 *x509, int nid, const char *value) {
	X509_EXTENSION *extension;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (extension == NULL)
		return false;
	ok = X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

// The names as OpenSSL writes them: "DNS:example.org,IP:198.18.0.1". Names were checked by
// config.c: no comma can come in. Without configured ones: localhost, and the addresses we listen
// on.
static void alt_names_print(const struct config *config, char *buf, size_t len) {
	char ip[PLM_ADDR_TEXT_LEN];
	struct plm_addr addr;
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < config->tls.n_names && n < len; i++) {
		const char *name = config->tls.names[i];
		const char *kind = plm_addr_parse_ip(name, &addr) == 0 ? "IP" : "DNS";

		n += (size_t)snprintf(buf + n, len - n, "%s%s:%s", n > 0 ? "," : "", kind, name);
	}
	if (n > 0)
		return;
	n = (size_t)snprintf(buf, len, "DNS:localhost,IP:127.0.0.1,IP:::1");
	for (unsigned i = 0; i < config->n_listeners && n < len; i++) {
		plm_addr_format_ip(&config->listeners[i].addr, ip, sizeof(ip));
		if (strcmp(ip, "0.0.0.0") != 0 && strcmp(ip, "::") != 0)
			n += (size_t)snprintf(buf + n, len - n, ",IP:%s", ip);
	}
}

static X509 *certificate_make(const struct config *config, EVP_PKEY *key) {
	const char *name = config->tls.n_names > 0 ? config->tls.names[0] : "plenum";
	char alt_names[CONFIG_NAMES_MAX * 264];
	X509 *x509 = X509_new();
	uint8_t serial[16];
	X509_NAME *subject;
	BIGNUM *number = NULL;
	bool ok = false;

	if (x509 == NULL || RAND_bytes(serial, sizeof(serial)) != 1)
		goto out;
	serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and of fixed length
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	if (number == NULL || BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) == NULL)
		goto out;
	alt_names_print(config, alt_names, sizeof(alt_names));
	subject = X509_get_subject_name(x509);
	ok = X509_set_version(x509, X509_VERSION_3) == 1
		&& X509_gmtime_adj(X509_getm_notBefore(x509), -3600) != NULL
		&& X509_gmtime_adj(X509_getm_notAfter(x509), (long)VALID_DAYS * DAY_S) != NULL
		&& X509_NAME_add_entry_by_txt(
			   subject,
			   "CN",
			   MBSTRING_UTF8,
			   (const unsigned char *)(strlen(name) <= 64 ? name : "plenum"),
			   -1,
			   -1,
			   0
		   ) == 1
		&& X509_set_issuer_name(x509, subject) == 1 && X509_set_pubkey(x509, key) == 1
		&& extension_add(x509, NID_basic_constraints, "critical,CA:FALSE")
		&& extension_add(x509, NID_key_usage, "critical,digitalSignature")
		&& extension_add(x509, NID_ext_key_usage, "serverAuth")
		&& extension_add(x509, NID_subject_alt_name, alt_names)
		&& X509_sign(x509, key, EVP_sha256()) > 0;
out:
	BN_free(number);
	if (!ok) {
		X509_free(x509);
		return NULL;
	}
	return x509;
}

// Written beside and moved into place, so that no reader sees half a file.
static bool pem_write(const char *path, mode_t mode, EVP_PKEY *key, X509 *x509) {
	char temporary[PATH_LEN + 8];
	FILE *file;
	bool ok;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return false;
	file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return false;
	}
	ok = key != NULL ? PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1
			 : PEM_write_X509(file, x509) == 1;
	ok = fflush(file) == 0 && ok && fsync(fd) == 0;
	ok = fclose(file) == 0 && ok;
	if (ok && rename(temporary, path) == 0)
		return true;
	unlink(temporary);
	return false;
}

static bool directory_make(const char *path) {
	char part[PATH_LEN];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return false;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

// Is there a certificate that lasts a while?
static bool certificate_lasts(const char *path) {
	FILE *file = fopen(path, "re");
	time_t soon = time(NULL) + (time_t)RENEW_DAYS * DAY_S;
	bool lasts = false;
	X509 *x509;

	if (file == NULL)
		return false;
	x509 = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (x509 != NULL)
		lasts = X509_cmp_time(X509_get0_notAfter(x509), &soon) > 0;
	X509_free(x509);
	ERR_clear_error();
	return lasts;
}

static bool self_signed_make(
	const struct config *config,
	const char *certificate,
	const char *key_path,
	char *error,
	size_t error_len
) {
	EVP_PKEY *key;
	X509 *x509;
	bool ok;

	if (access(key_path, F_OK) == 0 && certificate_lasts(certificate))
		return true;
	if (!directory_make(config->tls.directory))
		return fail(error, error_len, "%s: %s", config->tls.directory, strerror(errno));
	key = EVP_EC_gen("P-256");
	x509 = key != NULL ? certificate_make(config, key) : NULL;
	if (x509 == NULL) {
		EVP_PKEY_free(key);
		return fail(error, error_len, "self-signed certificate: %s", openssl_reason());
	}
	ok = pem_write(key_path, 0600, key, NULL) && pem_write(certificate, 0644, NULL, x509);
	if (!ok)
		fail(error, error_len, "%s: %s", config->tls.directory, strerror(errno));
	else
		LOG(INFO, "made a self-signed certificate: %s", certificate);
	X509_free(x509);
	EVP_PKEY_free(key);
	return ok;
}

// ---------------------------------------------------------------------------- the context

static bool key_is_private(const char *path, char *error, size_t error_len) {
	struct stat st;

	if (stat(path, &st) < 0)
		return fail(error, error_len, "%s: %s", path, strerror(errno));
	if (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return fail(
			error,
			error_len,
			"%s: mode %04o lets others at the key: chmod 0600",
			path,
			(unsigned)st.st_mode & 07777
		);
	return true;
}

static bool certificate_load(
	SSL_CTX *ctx,
	const char *certificate,
	const char *key,
	char *error,
	size_t error_len
) {
	const X509 *x509;
	time_t now = time(NULL);

	if (!key_is_private(key, error, error_len))
		return false;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return fail(
			error, error_len, "%s: no certificate: %s", certificate, openssl_reason()
		);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH)
			return fail(error, error_len, "%s: not the key of %s", key, certificate);
		return fail(error, error_len, "%s: no private key: %s", key, openssl_reason());
	}
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(error, error_len, "%s: not the key of %s", key, certificate);
	x509 = SSL_CTX_get0_certificate(ctx);
	if (X509_cmp_time(X509_get0_notBefore(x509), &now) > 0)
		return fail(error, error_len, "%s: not valid yet", certificate);
	if (X509_cmp_time(X509_get0_notAfter(x509), &now) < 0)
		return fail(error, error_len, "%s: expired", certificate);
	return true;
}

// h2o 2.2.5 knows WebSocket on HTTP/1.1 only: h2 is never chosen.
static int
alpn_select(SSL *, const unsigned char **ret_name, unsigned char *ret_len, const unsigned char *offered, unsigned int len, void *) {
	static const unsigned char ours[] = "\x08http/1.1";

	if (SSL_select_next_proto(
		    (unsigned char **)ret_name, ret_len, ours, sizeof(ours) - 1, offered, len
	    )
	    != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_context_new(const struct config *config, char *error, size_t error_len) {
	const char *certificate = config->tls.certificate, *key = config->tls.key;
	char own_certificate[PATH_LEN], own_key[PATH_LEN];
	SSL_CTX *ctx;

	if (certificate[0] == '\0') {
		snprintf(
			own_certificate,
			sizeof(own_certificate),
			"%s/plenum.crt",
			config->tls.directory
		);
		snprintf(own_key, sizeof(own_key), "%s/plenum.key", config->tls.directory);
		certificate = own_certificate;
		key = own_key;
		if (!self_signed_make(config, certificate, key, error, error_len))
			return NULL;
	}
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL) {
		fail(error, error_len, "TLS: %s", openssl_reason());
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_alpn_select_cb(ctx, alpn_select, NULL);
	if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		fail(error, error_len, "TLS: %s", openssl_reason());
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (!certificate_load(ctx, certificate, key, error, error_len)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
