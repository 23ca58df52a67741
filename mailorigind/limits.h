// The daemon's limits, all in one place, each with its reason; those that it
// shares with the firewall are in service/limits.h.
#pragma once

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

namespace mailorigin::daemon {

// ---- Questions

// Questions per second of one uid, and of one vhost; as many may come at once.
// mail() costs its caller about a millisecond, so that five busy workers stay
// below it, and ten uids at their limit are what one core answers.
inline constexpr double question_rate = 5000;
inline constexpr double question_burst = 5000;

// What a virtual host that shares its uid with others may ask in spite of them, when its uid has
// used up all that it may: more mail than a site sends in a second, for a hundredth of a core.
inline constexpr double shared_host_rate = 50;
inline constexpr double shared_host_burst = 200;

// A question's size, and the answering thread's time beyond what an ordinary one
// takes, count as further questions: what is to be bounded is work and journal, not
// a number. The time is that of everything that a uid causes: its connections, the
// reading of its ancestors, rules, answers.
inline constexpr double bytes_per_token = 1024;
inline constexpr std::uint64_t token_ns = 20'000;

// Registrations have a quota of their own: who floods with questions must not stay
// unknown to the firewall by it. At once as many as a large pool has workers.
inline constexpr double registration_rate = 1000;
inline constexpr double registration_burst = 5000;
// While the journal is half full of what is not delivered, a question costs this
// many, if its uid has written more than this to the journal, in bytes per second and at
// once: whoever floods must not push out others' events, or his own. Eight mails a
// second stay below it.
inline constexpr double crowded_journal_factor = 16;
inline constexpr double journal_rate = 16384;
inline constexpr double journal_burst = 16 << 20;

// Comparing names with MailOriginDenyScript, for one question and one virtual host's
// expressions; of the thread's time.
inline constexpr std::uint64_t pattern_time_ns = 1'000'000;

// A connection whose question was answered busy is not read for this long, and
// longer when its uid has many: so many busy answers a uid gets at most in a
// millisecond. Answering a flood as fast as it comes would take a core from
// everybody else. With all connections it is 102 ms, below a sender's patience.
inline constexpr std::uint64_t busy_rest_ms = 20;
inline constexpr std::size_t busy_answers_per_ms = 10;

// Contexts sealed longer than this before the daemon began are not believed: who
// showed them first was known to its predecessor alone.
inline constexpr std::uint64_t context_grace_ns = 60'000'000'000;

// A uid's connections: far more than a pool has workers. One more closes the
// one that was idle longest; its owner connects again and repeats its question.
inline constexpr std::size_t connections_per_user = 1024;

// Descriptors that are never given to question connections: journal, positions,
// control connections, epoll, /proc, syslog.
inline constexpr std::size_t descriptors_reserved = 128;

// Of what is ready in one turn of the loop: how much of it is looked at, how many
// messages of one uid are read, and for how long. A uid with a thousand busy
// connections, or with the most laborious questions, takes a share of a turn, not
// the turn. New connections are nobody's before they are accepted.
inline constexpr std::size_t ready_per_turn = 2048;
inline constexpr std::size_t messages_per_user_and_turn = 64;
inline constexpr std::uint64_t user_turn_ns = 1'000'000;
inline constexpr std::uint64_t accept_turn_ns = 1'000'000;

// A turn ends when this much waits for the journal.
inline constexpr std::size_t turn_bytes = 1 << 20;

// How long an answered nonce is remembered after its connection has gone, and
// how many are. The sender's own timeout is a fraction of a second.
inline constexpr std::uint64_t nonce_memory_ms = 60'000;
inline constexpr std::size_t nonces_remembered = 65'536;

// Mails on their way into the mail server: how long one may take, should the server be
// stopped meanwhile; how many of one uid may be on it, and of all; how often those that
// were not heard of again are looked for.
inline constexpr std::uint64_t ticket_memory_ms = 86'400'000;
inline constexpr std::size_t tickets_per_user = 8'192;
inline constexpr std::size_t tickets_kept = 65'536;
inline constexpr std::uint64_t tickets_swept_ms = 60'000;

// A mail server that holds has asked within this time. A day: one that few mails pass is
// not to be given up each night.
inline constexpr std::uint64_t holder_memory_ms = 86'400'000;

// Exim's connections, one for each message that is being taken in, and how long one may
// take with its line: longer than readsocket waits in conf/exim.
inline constexpr std::size_t exim_connections = 64;
inline constexpr std::uint64_t exim_patience_ms = 15'000;

// Request ids that are bound to a process, of which one user alone has a quarter: a context is
// valid for a day.
inline constexpr std::size_t requests_bound = 200'000;
inline constexpr std::uint64_t request_memory_ms = 86'400'000;

// Ancestors of a process that are looked at.
inline constexpr std::size_t lineage_depth = 16;

// How long ago the last question came from a pid namespace that ours does not have
// until that is no finding any more.
inline constexpr std::uint64_t namespace_memory_ms = 600'000;

// How long a new connection waits for its uid's name, which NSS may have to ask
// a network for; how long a name is believed; how many are kept.
inline constexpr std::uint64_t name_wait_ms = 100;
inline constexpr std::uint64_t name_lifetime_ms = 600'000;
inline constexpr std::size_t names_kept = 65'536;

// A uid without connections is forgotten after this time: its quota is full
// again long before.
inline constexpr std::uint64_t user_memory_ms = 60'000;

// ---- MailOriginLimit

// Sites whose limits were set back, and the file that keeps them: a name, a time and an account
// each.
inline constexpr std::size_t resets_kept = 1024;
inline constexpr std::size_t resets_size_limit = 4 << 20;
// Of a site, whom `mailorigin limits` names as those who had used up a limit.
inline constexpr std::size_t exceeded_kept = 32;

// ---- Journal

// A start after a crash checks the last segment and reads the nonces of the last
// two before it answers: small ones keep that below a sender's patience.
inline constexpr std::uint64_t segment_size = 16 << 20;
inline constexpr std::uint64_t journal_capacity = 1ULL << 30;
// Segments that stay although everything is delivered, for repeated questions:
// 64 MiB are half a second at a hundred thousand events a second.
inline constexpr std::size_t segments_kept = 4;
// The writer's own stop, for a delivery that does not even get to dropping.
inline constexpr std::uint64_t journal_hard_capacity = journal_capacity + (64ULL << 20);
inline constexpr std::size_t record_limit = 256 << 10;  // of a payload
// What a torn write can leave at the end: one turn's batch.
inline constexpr std::size_t torn_tail_limit = turn_bytes + record_limit;

// ---- Delivery

inline constexpr std::size_t delivery_chunk = 1 << 20;   // of journal, per step
inline constexpr std::size_t target_buffer = 1 << 20;    // lines, before they are written
inline constexpr std::size_t pipe_batch = PIPE_BUF;      // whole or not at all
inline constexpr std::size_t syslog_line_limit = 8192;   // rsyslog's default
inline constexpr std::size_t file_tail_limit = 4 << 20;  // compared after a crash
inline constexpr std::size_t targets_limit = 65'536;     // slots in `positions`

// Logs and lasting findings that `mailorigin status` is told of, and how much of
// a name or text: what fits a packet whatever they are.
inline constexpr std::size_t logs_shown = 16;
inline constexpr std::size_t findings_shown = 16;
inline constexpr std::size_t vhosts_shown = 16;
inline constexpr std::size_t blocks_shown = 16;
inline constexpr std::size_t resets_shown = 16;
inline constexpr std::size_t shown_text_limit = 512;

inline constexpr std::uint64_t retry_first_ms = 20;
inline constexpr std::uint64_t retry_longest_ms = 2'000;
// A pipe that is full, or whose reader is being replaced, is not worth a line in
// error_log before this time.
inline constexpr std::uint64_t stall_notice_ms = 2'000;
// Delivery gathers for a moment before it reads on: a line in the log some
// milliseconds later saves a wake-up of its thread for each question.
inline constexpr std::chrono::milliseconds delivery_linger{5};

// ---- The store

// Of the journal's capacity what may wait for the store alone: less than the half from which
// on questions cost more, so that a database that is gone is nobody's trouble.
inline constexpr std::uint64_t store_share = journal_capacity / 2 - 4 * segment_size;
// So much of the journal goes with one transaction, if it is there: what is counted by minute and
// hour is written once for all of its events.
inline constexpr std::uint64_t store_batch = 4 * delivery_chunk;
// How often it looks for what there is: a transaction costs as much as fifty events, and whoever
// answers should not have to wake its thread.
inline constexpr std::uint64_t store_interval_ms = 500;
// How often it is looked for what is too old.
inline constexpr std::uint64_t removal_interval_ms = 60'000;

// ---- The firewall

// How often its ring buffer is looked at: the kernel wakes nobody, because that
// costs the connecting process more than everything else. It has room for 280
// to 760 connections, by what is known of them, and gets at most 100 a second of one user.
inline constexpr std::uint64_t ring_interval_ms = 50;
inline constexpr std::size_t connections_per_turn = 256;
// Connections of httpd's own that one virtual host's requests lead to: as many of them as the
// kernel tells of one virtual host.
inline constexpr double deputed_rate = 50;
inline constexpr double deputed_burst = 100;
// Nobody's name holds up the ring more often than this.
inline constexpr std::uint64_t ring_wait_interval_ms = 2000;

// Processes that wait for the firewall to know them, and how long at most: longer
// than any of them does. So many fit its socket, and one user's leave room for others.
inline constexpr std::size_t registrations_at_once = 32;
inline constexpr std::size_t registrations_per_user = 8;
inline constexpr std::uint64_t registration_patience_ms = 1000;

// ---- The mail server's queue

// Connections to SMTP ports that are remembered, for who sees their other end in the mail
// server, and of one user: ten busy tenants do not push out the others'.
inline constexpr std::size_t connections_known = 8192;
inline constexpr std::size_t connections_known_per_user = 512;
// Names of header fields that are taken out of what was not asked about, besides our own.
inline constexpr std::size_t header_names_kept = 16;
// A milter says four times a second that it is there; one that has not for so long is not.
inline constexpr std::uint64_t milter_memory_ms = 10'000;

// ---- Life

// What waits to be done beside the answering thread, of one kind: more than administrators ask for
// while a disk stands still for a moment.
inline constexpr std::size_t errands_at_once = 64;

// How often blocks that are over are looked for; whether one still holds is asked with
// each question.
inline constexpr std::uint64_t tidy_interval_ms = 1000;

inline constexpr std::chrono::seconds drain_patience{5};

}  // namespace mailorigin::daemon
