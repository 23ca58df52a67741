// What a database meant by an error: apr_dbd passes on its words, and no number that says as much.
#pragma once

#include <string>
#include <string_view>

#include "store/database.h"

namespace mailorigin::store {

// Has the driver's own library say the class of an error with it. `connection` is its own
// (apr_dbd_native_handle()). Before the first error.
void prepare_refusals(Dialect dialect, void* connection);

// After an error: whether it was about the values, which would be refused again while others are
// taken. False where it was anything else, or where it cannot be told. `text`: the database's
// words.
bool refuses_values(Dialect dialect, void* connection, std::string_view text);

// Its words for people: without what a server says about a row (which is a tenant's) and about
// itself.
std::string_view words_of(Dialect dialect, std::string_view text);

}  // namespace mailorigin::store
