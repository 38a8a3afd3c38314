/** The flags of meta commands. */
#pragma once

#include "memcached/text.h"

namespace memcached {

/** Why the words of a meta command (at least two) cannot be, or nothing. */
std::string_view checkMetaWords(const Words& words, std::string_view tooMany);

/** Key, flags and mode of ms into `command`. Returns the refusal, or nothing. */
std::string_view readMetaSet(State& state, const Words& words, Command& command);

}  // namespace memcached
