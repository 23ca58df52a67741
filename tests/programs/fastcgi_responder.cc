// A FastCGI application that is not PHP: answers every request with the
// parameters that it was given, one "name=value" a line, as they came.
//
// Started as FastCGI has it: the listening socket is descriptor 0.
#include <fcgi_stdio.h>

extern char** environ;

int main() {
  while (FCGI_Accept() >= 0) {
    FCGI_printf("Content-Type: text/plain\r\n\r\n");
    for (char** each = environ; *each != nullptr; each++) FCGI_printf("%s\n", *each);
  }
  return 0;
}
