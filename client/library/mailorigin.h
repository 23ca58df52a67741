/* libmailorigin: asks mailorigind whether a mail may leave, for programs in any language
 * that send mail themselves; FastCGI programs above all. mailorigin(3) has an example.
 *
 * All texts are bytes that end with NUL. What is not known may be NULL. */
#ifndef MAILORIGIN_H
#define MAILORIGIN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to mailorigind, opened at the first question and kept. For one thread at a
 * time; a forked child opens its own. */
struct mailorigin_handle;

/* All zeros are the defaults. */
struct mailorigin_settings {
  const char* program;        /* its name in syslog; "libmailorigin" */
  const char* socket;         /* where mailorigind listens; /run/mailorigin/mailorigin.sock */
  int deny_without_daemon;    /* else a mail leaves unrecorded, with a line in syslog */
  int send_when_late;         /* else a daemon that does not answer in time stops mail */
  unsigned absent_timeout_ms; /* wait for one that has just gone, as in a restart; 250 */
  unsigned late_timeout_ms;   /* wait for an answer; 5000 */
};

/* Opens nothing yet. NULL for `settings`: the defaults. NULL where there is no memory, or
 * (errno EINVAL) the socket's path is not absolute or has more than 107 bytes. */
struct mailorigin_handle* mailorigin_open(const struct mailorigin_settings* settings);

/* What is about to be sent. What is longer than docs/formats.md says is cut. A mail that is
 * sent with other recipients, another sender or From than this says is another one to the mail
 * server's queue, and judged there. */
struct mailorigin_mail {
  const char* context; /* the request's SSL_MAILORIGIN_CONTEXT; NULL: this process's own */
  const char* script;  /* what sends it, without a context: an absolute path */
  const char* sender;  /* of the envelope; NULL: left to the mail server */
  const char* const* recipients; /* of the envelope, each one address */
  size_t recipient_count;
  const char* subject;
  const char* header; /* its header lines, each with its end; From is taken from here */
  size_t body_size;   /* bytes */
};

enum mailorigin_verdict {
  MAILORIGIN_SEND = 0,    /* with the header lines of the answer */
  MAILORIGIN_DENY = 1,    /* judged and refused: `reason`, `id` */
  MAILORIGIN_UNASKED = 2, /* nobody has judged it, and it must not leave: `reason` */
};

/* Good until the next question, or the end. */
struct mailorigin_answer {
  enum mailorigin_verdict verdict;
  const char* id;            /* the event's; "" if nothing is recorded */
  const char* reason;        /* a stable word; "" for MAILORIGIN_SEND */
  unsigned long retry_after; /* seconds, of a limit; 0: not known */
  size_t header_count;
  /* "Name: value" without a line end: put them in front of the mail's header, and take the
   * fields of these names out of it. */
  const char* const* headers;
  /* 1: this host's mail server will hold it in its queue. It leaves all the same where it is
   * given to another one. */
  int held;
};

/* Never NULL: where there is no memory the verdict is MAILORIGIN_UNASKED. Waits at most for
 * both of the settings' times. A question counts: ask once for each mail that is sent. */
const struct mailorigin_answer* mailorigin_ask(struct mailorigin_handle* origin,
                                               const struct mailorigin_mail* mail);

/* NULL is accepted. */
void mailorigin_close(struct mailorigin_handle* origin);

#ifdef __cplusplus
}
#endif

#endif /* MAILORIGIN_H */
