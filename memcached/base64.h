/** Keys in base64, for the meta commands' flag b. */
#pragma once

#include <cstddef>

namespace memcached {

/** Bytes that `bytes` become in base64. */
constexpr size_t base64Bytes(size_t bytes) { return (bytes + 2) / 3 * 4; }

/** Returns how many bytes it wrote: base64Bytes(bytes). */
size_t encodeBase64(const char* from, size_t bytes, char* to);

/**
 * Decodes in place; returns how many bytes there are then, 0 if it is not base64. As memcached: bytes outside of the
 * alphabet are passed over, and what follows a padded group is not looked at.
 */
size_t decodeBase64(char* at, size_t bytes);

}  // namespace memcached
