#include "bench/load.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <thread>

namespace mailorigin::testing {

std::string vhost_name(unsigned number) { return "site" + std::to_string(number) + ".test:443"; }

Policy make_policy(unsigned vhosts, const std::string& log) {
  Policy policy;
  policy.instance = "/run/bench-httpd.pid";
  policy.targets = {{LogTarget::Kind::file, log}};
  policy.server.logs = {{0, {}}};
  for (unsigned i = 0; i < vhosts; i++) {
    VhostPolicy vhost;
    vhost.name = vhost_name(i);
    vhost.id = vhost_id(vhost.name);
    vhost.docroot = "/srv/www/" + vhost.name;
    vhost.run_as = first_uid + i;
    vhost.logs = {{0, {}}};
    vhost.headers = {{"X-Mail-Origin", "%{id}"}};
    policy.vhosts.push_back(vhost);
  }
  policy.index();
  return policy;
}

Question make_question(unsigned client, const SealKey& key) {
  Context context;
  context.tag.vhost_id = vhost_id(vhost_name(client));
  context.tag.uid = first_uid + client;
  context.tag.boottime_ns = boottime_now_ns();
  context.tag.request_id.bytes[0] = static_cast<std::uint8_t>(client);
  context.vhost = vhost_name(client);
  context.docroot = "/srv/www/" + context.vhost + "/htdocs";
  context.entry = context.docroot + "/contact/send.php";
  context.client = "2001:db8::7";
  context.method = "POST";
  context.uri = "/contact/send.php";
  Question question;
  question.context = seal(context, key);
  Event& claims = question.claims;
  claims.set(Field::function, "mail");
  claims.set(Field::file, context.docroot + "/vendor/phpmailer/phpmailer/src/PHPMailer.php");
  claims.set(Field::line, std::uint64_t{863});
  claims.set(Field::caller, context.docroot + "/contact/send.php:31");
  claims.set(Field::stack, context.docroot +
                               "/vendor/phpmailer/phpmailer/src/PHPMailer.php:863 < " +
                               context.docroot + "/contact/send.php:31");
  claims.set(Field::sapi, "fpm-fcgi");
  claims.set(Field::pool, "site" + std::to_string(client));
  claims.set(Field::to, "office@example.org");
  claims.set(Field::from, "Contact Form <noreply@example.org>");
  claims.set(Field::recipients, std::uint64_t{1});
  claims.set(Field::subject, "A question about your opening hours");
  claims.set(Field::headers,
             "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nFrom: Contact Form <noreply@example.org>\r\n"
             "Message-ID: <0Z1v9Yk3VJw0d6l0b2@example.org>\r\nX-Mailer: PHPMailer 6.6.3\r\n"
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
  claims.set(Field::message_id, "<0Z1v9Yk3VJw0d6l0b2@example.org>");
  claims.set(Field::size, std::uint64_t{412});
  return question;
}

int ask_all_along(const std::string& socket, Question question, Clock::duration interval,
                  Board& board, Samples& samples) {
  const auto connected = connect_unix(socket, Clock::now() + patience);
  if (!connected) return 1;
  const int fd = connected->get();
  fcntl(fd, F_SETFL, 0);  // blocking
  prctl(PR_SET_TIMERSLACK, 1);
  constexpr char mark = '\xA5';
  std::fill(question.nonce.begin(), question.nonce.end(), static_cast<std::uint8_t>(mark));
  std::string packet = encode_question(question);
  char* const nonce = packet.data() + packet.find(std::string(question.nonce.size(), mark));
  std::vector<char> answer(4096);

  board.ready++;
  while (!board.go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::uint64_t number = boottime_now_ns();  // no nonce of an earlier run
  auto due = Clock::now() + interval * (getpid() % 64) / 64;
  while (!board.stop) {
    if (interval.count() > 0) {
      due += interval;
      std::this_thread::sleep_until(due);
    }
    const auto begin = Clock::now();
    number++;
    std::memcpy(nonce, &number, sizeof number);
    if (send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) return 2;
    const ssize_t length = recv(fd, answer.data(), answer.size(), 0);
    if (length <= 0) return 3;
    const auto taken = std::chrono::nanoseconds(Clock::now() - begin).count();
    samples.asked++;
    if (samples.count < samples_per_client) {
      samples.nanoseconds[samples.count++] =
          static_cast<std::uint32_t>(std::min<std::int64_t>(taken, UINT32_MAX));
    }
    const std::string_view bytes(answer.data(), static_cast<std::size_t>(length));
    if (bytes.find("busy") != std::string_view::npos) samples.refused++;
  }
  return 0;
}

double quantile(std::vector<double>& numbers, double part) {
  if (numbers.empty()) return 0;
  std::sort(numbers.begin(), numbers.end());
  return numbers[static_cast<std::size_t>(part * static_cast<double>(numbers.size() - 1))];
}

}  // namespace mailorigin::testing
