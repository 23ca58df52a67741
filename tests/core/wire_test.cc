#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/name_values.h"
#include "core/wire/asking.h"
#include "core/wire/blocking.h"
#include "core/wire/control.h"
#include "core/wire/firewall.h"
#include "core/wire/queueing.h"

namespace mailorigin {
namespace {

Question question() {
  Question question;
  question.nonce.fill(7);
  question.context = "AAAA";
  question.directory = "/srv/shop";
  question.scripts = {"/srv/shop/index.php", "/srv/shop/lib.php"};
  question.claims.set(Field::to, "a@b.example");
  question.claims.set(Field::line, std::uint64_t{3});
  return question;
}

TEST(Question, SurvivesItsEncoding) {
  const auto read = decode_question(encode_question(question()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->nonce, question().nonce);
  EXPECT_EQ(read->context, "AAAA");
  EXPECT_EQ(read->directory, "/srv/shop");
  EXPECT_EQ(read->claims, question().claims);
  EXPECT_EQ(read->scripts, question().scripts);
  EXPECT_FALSE(read->scripts_cut);
}

TEST(Question, OfASubmissionSurvivesItsEncoding) {
  Question submission = question();
  submission.submitted = true;
  submission.recipients.emplace().fill(3);
  submission.ticket = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  Question read = question();
  ASSERT_TRUE(decode_question(encode_question(submission), read));
  EXPECT_TRUE(read.submitted);
  EXPECT_EQ(read.recipients, submission.recipients);
  EXPECT_EQ(read.ticket, submission.ticket);
  // Nothing of it stays for the next.
  ASSERT_TRUE(decode_question(encode_question(question()), read));
  EXPECT_FALSE(read.submitted || read.recipients || !read.ticket.empty());
}

TEST(QueuedMail, SurvivesItsEncoding) {
  QueuedMail mail;
  mail.nonce.fill(7);
  mail.queue_id = "4ABC";
  mail.by_smtp = true;
  mail.tickets = {"01ARZ3NDEKTSV4RRFFQ69G5FAV"};
  mail.recipients.emplace_back().fill(3);
  mail.local_domains = {"web1.example", "origin.example"};
  mail.cookie = 12;
  mail.client.address.fill(1);
  mail.client.port = 4711;
  mail.server.address.fill(2);
  mail.server.port = 25;
  mail.uid = 33;
  mail.uid_from = "mail-log";
  mail.claims.set(Field::from, "a@b.example");
  const auto read = decode_queued(encode_queued(mail));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->queue_id, mail.queue_id);
  EXPECT_TRUE(read->by_smtp);
  EXPECT_EQ(read->tickets, mail.tickets);
  EXPECT_EQ(read->local_domains, mail.local_domains);
  EXPECT_EQ(read->recipients, mail.recipients);
  EXPECT_EQ(read->cookie, 12U);
  EXPECT_EQ(read->client, mail.client);
  EXPECT_EQ(read->server, mail.server);
  EXPECT_EQ(read->uid, 33U);
  EXPECT_EQ(read->uid_from, "mail-log");
  EXPECT_EQ(read->claims, mail.claims);
}

TEST(QueuedMail, IsBoundedAndClaimsNoOrigin) {
  QueuedMail mail;
  mail.tickets.assign(tickets_shown + 1, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
  mail.tickets = {"short"};
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
  mail.tickets.clear();
  mail.recipients.resize(digests_shown + 1);
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
  mail.recipients.clear();
  mail.local_domains.assign(local_domains_told + 1, "a.example");
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
  mail.local_domains = {std::string(local_domain_limit + 1, 'a')};
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
  mail.local_domains.clear();
  ASSERT_TRUE(decode_queued(encode_queued(mail)));
  mail.claims.set(Field::vhost, "other.example:80");
  EXPECT_FALSE(decode_queued(encode_queued(mail)));
}

TEST(Question, MayNotClaimWhatTheKernelOrHttpdSay) {
  for (const Field field : {Field::uid, Field::pid, Field::verified, Field::vhost, Field::client,
                            Field::verdict, Field::id, Field::request_id}) {
    Question lie = question();
    lie.claims.set(field, "1");
    lie.claims.set(field, true);
    const auto read = decode_question(encode_question(lie));
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find(info(field).name), std::string::npos);
  }
}

// An older plugin says its kind; it is the daemon's word.
TEST(Question, DoesNotSayItsKind) {
  Question older = question();
  older.claims.set(Field::kind, "smtp");
  const auto read = decode_question(encode_question(older));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->claims.has(Field::kind));
  EXPECT_EQ(read->claims, question().claims);
}

TEST(Question, FitsAPacketHoweverMuchIsClaimed) {
  Question large = question();
  large.context = std::string(1'000'000, 'A');
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    if (info(field).source != FieldSource::claim) continue;
    large.claims.set(field, std::string(10'000'000, '1'));
  }
  large.scripts.assign(100'000, "/srv/shop/a.php");
  const std::string packet = encode_question(large);
  EXPECT_LE(packet.size(), packet_limit);
  const auto read = decode_question(packet);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->claims.get(Field::truncated), "true");
  EXPECT_TRUE(read->scripts_cut);
}

// What nobody's plugin would send: the rules look at each of them.
TEST(Question, WithMoreScriptsThanAPluginSaysIsRefused) {
  std::string packet = encode_question(question());
  NameValueWriter writer(packet);
  const std::size_t said = question().scripts[0].size() + question().scripts[1].size();
  writer.add("script", std::string(scripts_limit - said, 's'));
  EXPECT_TRUE(decode_question(packet));
  writer.add("script", "s");
  EXPECT_FALSE(decode_question(packet));
}

TEST(Question, WithoutANonceIsRefused) {
  EXPECT_FALSE(decode_question(std::string("\x01\x01\x00\x00", 4)));
}

TEST(Answer, SurvivesItsEncoding) {
  Answer answer;
  answer.nonce.fill(9);
  answer.verdict = Verdict::deny;
  answer.recorded = false;
  answer.id = "01ARYZ6S41TSV4RRFFQ69G5FAV";
  answer.reason = "busy";
  answer.retry_after = 35;
  answer.explanation = "since then: why";
  answer.headers = {{"X-Mail-Origin", "1"}, {"X-Other", ""}};
  const auto read = decode_answer(encode_answer(answer));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->explanation, answer.explanation);
  EXPECT_EQ(read->nonce, answer.nonce);
  EXPECT_EQ(read->verdict, Verdict::deny);
  EXPECT_FALSE(read->recorded);
  EXPECT_EQ(read->id, answer.id);
  EXPECT_EQ(read->reason, "busy");
  EXPECT_EQ(read->retry_after, 35U);
  EXPECT_EQ(read->headers, answer.headers);
}

TEST(ControlMessages, SurviveTheirEncoding) {
  PolicyMessage policy{"/run/httpd.pid", {SealKey::generate(), SealKey::generate()}, 77};
  const auto read = decode_policy_message(encode_policy_message(policy));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->instance, policy.instance);
  EXPECT_EQ(read->read_ns, 77U);
  EXPECT_EQ(read->keys.current.secret, policy.keys.current.secret);
  EXPECT_EQ(read->keys.previous->id, policy.keys.previous->id);
  EXPECT_EQ(*decode_descriptors_message(encode_descriptors_message(253)), 253U);
  EXPECT_EQ(message_type(encode_head(MessageType::commit)), MessageType::commit);
  EXPECT_EQ(*decode_reply(encode_reply("because")), "because");
  const auto notice = decode_notice(encode_notice({Notice::Level::warning, "MO0200: x"}));
  EXPECT_EQ(notice->level, Notice::Level::warning);
  EXPECT_EQ(notice->text, "MO0200: x");
}

TEST(Packets, OfTheWrongTypeOrVersionAreRefused) {
  EXPECT_FALSE(message_type(""));
  EXPECT_FALSE(message_type(std::string("\x02\x01\x00\x00", 4)));
  EXPECT_FALSE(message_type(std::string("\x01\x01\x01\x00", 4)));
  EXPECT_FALSE(message_type(std::string("\x01\x63\x00\x00", 4)));
  EXPECT_FALSE(decode_answer(encode_question(question())));
  EXPECT_FALSE(decode_question(encode_head(MessageType::commit)));
}

TEST(Packets, CutAnywhereAreRefusedOrLackWhatWasCut) {
  const std::string whole = encode_question(question());
  for (std::size_t length = 0; length < whole.size(); length++) {
    const auto read = decode_question(whole.substr(0, length));
    if (read) {
      EXPECT_NE(read->claims, question().claims) << length;
    }
  }
}

TEST(Registration, ComesBackAsItWas) {
  Registration registration;
  registration.nonce[3] = 9;
  registration.context = "text";
  registration.page = 0x7f12'3456'7000;
  const auto decoded = decode_registration(encode_registration(registration));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->nonce, registration.nonce);
  EXPECT_EQ(decoded->context, "text");
  EXPECT_EQ(decoded->page, registration.page);
}

TEST(Registration, APageBeginsWhereAPageBegins) {
  Registration registration;
  registration.page = 4097;
  EXPECT_FALSE(decode_registration(encode_registration(registration)));
}

TEST(Hello, ComesBackAsItWas) {
  const std::string packet = encode_hello("text");
  const auto decoded = decode_hello(packet);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, "text");
  std::string more = packet;
  NameValueWriter(more).add("vhost", "x");
  EXPECT_FALSE(decode_hello(more));
  more = encode_head(MessageType::hello);
  NameValueWriter(more).add("context", std::string(context_text_limit + 1, 'c'));
  EXPECT_FALSE(decode_hello(more));
}

TEST(Process, ComesBackAsItWas) {
  mo_registration process{};
  process.tgid = 4711;
  process.uid = 1001;
  process.start_ticks = 12'345'678;
  process.page = 0x7f12'3456'7000;
  process.origin.context_size = 3;
  std::memcpy(process.origin.bytes, "tag", 3);
  const auto decoded = decode_process(encode_process(process));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::memcmp(&*decoded, &process, sizeof process), 0);
}

TEST(Process, KeepsNothingOfAContextThatAnotherOneReplaced) {
  mo_registration process{};
  process.tgid = 4711;
  process.uid = 1001;
  process.origin.context_size = 3;
  std::memcpy(process.origin.bytes, "tag", 3);
  std::string packet = encode_head(MessageType::process);
  NameValueWriter(packet).add("context", "a longer one");
  packet += encode_process(process).substr(packet_head_size);
  const auto decoded = decode_process(packet);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::memcmp(&*decoded, &process, sizeof process), 0);
}

TEST(Process, IsRefusedWhereTheKernelCouldNotUseIt) {
  std::string packet = encode_head(MessageType::process);
  EXPECT_FALSE(decode_process(packet));
  NameValueWriter(packet).add("pid", std::uint64_t{1});
  EXPECT_FALSE(decode_process(packet));
  NameValueWriter(packet).add("uid", std::uint64_t{1001});
  EXPECT_TRUE(decode_process(packet));
  const auto with = [&](std::string_view name, std::string_view value) {
    std::string more = packet;
    NameValueWriter(more).add(name, value);
    return more;
  };
  EXPECT_FALSE(decode_process(with("page", "4097")));
  EXPECT_FALSE(decode_process(with("uid", "4294967295")));
  EXPECT_FALSE(decode_process(with("pid", "-1")));
  EXPECT_TRUE(decode_process(with("context", std::string(mo_context_size, 'c'))));
  EXPECT_FALSE(decode_process(with("context", std::string(mo_context_size + 1, 'c'))));
  EXPECT_FALSE(decode_process(with("origin", "x")));
}

TEST(StatusReply, ComesBackAsItWas) {
  const auto decoded = decode_status_reply(encode_status_reply("{\"a\":1}"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, "{\"a\":1}");
  EXPECT_FALSE(decode_status_reply(encode_head(MessageType::status)));
}

TEST(Blocking, SurvivesItsEncoding) {
  BlockMessage message;
  message.block.subject = *parse_block_subject("user:#1001");
  message.block.by = "alice";
  message.lasts_ms = 7'200'000;
  const auto read = decode_block_message(encode_block_message(message));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->block.subject, message.block.subject);
  EXPECT_EQ(read->lasts_ms, message.lasts_ms);
  const auto one = decode_unblock_message(encode_unblock_message({message.block.subject, "bob"}));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->subject, message.block.subject);
  EXPECT_EQ(one->by, "bob");
  const auto all = decode_unblock_message(encode_unblock_message({std::nullopt, "bob"}));
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->subject);
  const auto answer = decode_blocked_message(encode_blocked_message({3, "No space left"}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->count, 3u);
  EXPECT_EQ(answer->not_kept, "No space left");
}

TEST(Blocking, NeedsWhatItIsAbout) {
  EXPECT_FALSE(decode_block_message(encode_head(MessageType::block)));
  EXPECT_FALSE(decode_unblock_message(encode_head(MessageType::unblock)));
}

}  // namespace
}  // namespace mailorigin
