/** What a time in a command means, given the time of whoever executes it. */
#pragma once

#include <cstdint>

namespace memcached {

inline constexpr int64_t RELATIVE_SECONDS_MAX = 60 * 60 * 24 * 30;

/** Never, as an expiry. */
inline constexpr int64_t EXPIRES_NEVER = 0;

/** The second since 1970 in which it ends, or EXPIRES_NEVER. At that second it is over. */
constexpr int64_t expiresAt(int64_t exptime, int64_t nowSeconds) {
  if (exptime == 0) return EXPIRES_NEVER;
  if (exptime < 0) return 1;
  return exptime > RELATIVE_SECONDS_MAX ? exptime : nowSeconds + exptime;
}

constexpr bool isExpired(int64_t expiry, int64_t nowSeconds) { return expiry != EXPIRES_NEVER && expiry <= nowSeconds; }

}  // namespace memcached
