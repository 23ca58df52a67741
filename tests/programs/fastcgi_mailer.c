/* A FastCGI program in C that asks before it sends, as mailorigin(3) has it. It "sends" to
 * the program that MAILER names, and answers with what it was told.
 *
 * The query is the mail's subject. */
#include <fcgi_stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/library/mailorigin.h"

static int hand_over(const char* mailer, const struct mailorigin_mail* mail,
                     const struct mailorigin_answer* answer) {
  char command[1024];
  if (mailer == NULL || strlen(mailer) > sizeof command - 16) return -1;
  strcpy(command, mailer);
  strcat(command, " -i -t");
  FILE* const program = popen(command, "w");
  if (program == NULL) return -1;
  for (size_t i = 0; i < answer->header_count; i++) fprintf(program, "%s\n", answer->headers[i]);
  fprintf(program, "To: %s\nSubject: %s\n%s\nbody\n", mail->recipients[0], mail->subject,
          mail->header);
  return pclose(program);
}

int main(void) {
  const struct mailorigin_settings settings = {
      .program = "fastcgi_mailer", .socket = getenv("MAILORIGIN_SOCKET"), .late_timeout_ms = 10000};
  struct mailorigin_handle* const origin = mailorigin_open(&settings);
  if (origin == NULL) return 1;
  const char* const mailer = getenv("MAILER"); /* a request has an environment of its own */
  while (FCGI_Accept() >= 0) {
    const char* const recipients[] = {"to@example.org"};
    const struct mailorigin_mail mail = {
        .context = getenv("SSL_MAILORIGIN_CONTEXT"),
        .script = getenv("SCRIPT_FILENAME"),
        .sender = "me@shop.example",
        .recipients = recipients,
        .recipient_count = 1,
        .subject = getenv("QUERY_STRING"),
        .header = "From: me@shop.example\n",
        .body_size = 5,
    };
    const struct mailorigin_answer* const answer = mailorigin_ask(origin, &mail);
    const int status = answer->verdict == MAILORIGIN_SEND ? hand_over(mailer, &mail, answer) : -1;
    printf("Content-Type: text/plain\r\n\r\n%d %s %s %d\n", (int)answer->verdict, answer->id,
           answer->reason, status);
  }
  mailorigin_close(origin);
  return 0;
}
