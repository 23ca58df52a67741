#include "service/signals.h"

#include <sys/signalfd.h>

#include <csignal>

namespace mailorigin::service {

namespace {

sigset_t ending() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void set_signals() {
  const sigset_t blocked = ending();
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  for (const int ignored : {SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ}) {
    (void)std::signal(ignored, SIG_IGN);
  }
}

Fd ending_signals() {
  const sigset_t signals = ending();
  return Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace mailorigin::service
