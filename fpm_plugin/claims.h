// What a process says about the mail that it is about to send: a question that
// lacks its nonce and its context.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/wire/asking.h"
#include "fpm_plugin/mail_call.h"

namespace mailorigin::php {

// For use while the call's frame is the current one. `entry` is the request's
// script; where there is none the oldest frame's file stands in.
// `mailers` are mailorigin.mailers.
Question question_about(const MailCall& call, const std::string& entry,
                        const std::vector<std::string>& mailers);

// The part of it that says where a call of `function` stands.
Question question_of_call(std::string_view function, const std::string& entry,
                          const std::vector<std::string>& mailers);

// Where the process is, as far as that is known.
std::string current_directory();

}  // namespace mailorigin::php
