// The months as RFC 3164, mail and PHP name them. Not strftime()'s: a script may have
// set another language.
#pragma once

#include <string_view>

namespace mailorigin {

// By tm_mon.
inline constexpr std::string_view month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace mailorigin
