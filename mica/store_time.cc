/**
 * What goes without a write of its key: items that are gone, and, with `evict`, items in the way.
 *
 * Eviction is a clock: its hand passes items in the order of their hashes, bits reversed; each use
 * spares an item once. A new item has one use, so that it is not taken just because it was put down
 * before the hand. Of reads the store knows what it is told (`used`).
 *
 * Upholds: what goes depends on the calls alone. Steps are measured in hashes, not in buckets.
 */
#include <algorithm>

#include "store.h"

namespace mica {

namespace {

/** After so many items spared in a row one use more does not spare: a write waits for a few times
 * that, and items of more uses stay longest. */
constexpr uint32_t SPARED_MAX = 64;

/** A store that ever held no more is gone through as if it had. */
constexpr uint64_t MOST_MIN = 1024;

/** From the end of one round to the beginning of the next: a small store is not swept all the time. */
constexpr uint32_t REST_SECONDS = 10;

void prefetchItems(const Bucket& bucket) {
  for (const uint64_t slot : bucket.slots) {
    if (slot != 0) prefetch(itemOf(slot));
  }
}

}  // namespace

void Store::pass(uint32_t now, uint64_t version) {
  storeRelaxed(clockwork_.now, now);
  if (clockwork_.flushAt == 0 || now < clockwork_.flushAt) return;
  flush(version, 0);
}

void Store::flush(uint64_t version, uint32_t at) {
  clockwork_.flushAt = at > clockwork_.now ? at : 0;
  if (clockwork_.flushAt != 0) return;
  storeRelaxed(clockwork_.flushed, std::max(clockwork_.flushed, version));
  clockwork_.sweepLeft = UINT64_MAX;
}

void Store::goRound(uint64_t items) {
  if (clockwork_.sweepLeft == 0) {
    if (clockwork_.now < clockwork_.sweepNext) return;
    clockwork_.sweepLeft = UINT64_MAX;
  }
  sweep(items);
  if (clockwork_.sweepLeft == 0) clockwork_.sweepNext = clockwork_.now + REST_SECONDS;
}

/**
 * Goes through the share of all hashes in which so many items were when there were most: the index
 * is as large as it was then, so a step of a store that is nearly empty takes no longer.
 */
void Store::sweep(uint64_t items) {
  const uint64_t most = std::max(clockwork_.most, MOST_MIN);
  const uint64_t width = items >= most ? UINT64_MAX : UINT64_MAX / most * items;
  uint64_t begin = clockwork_.sweepAt;
  for (uint64_t left = width; left != 0;) {
    const Range range = index_.rangeAt(begin);
    const uint64_t last = begin + std::min(left - 1, range.last - begin);
    prefetch(index_.rangeAt(range.last + 1).first);
    prefetchItems(*range.first);
    takeGone(*range.first, begin, last);
    left -= last - begin + 1;
    begin = last + 1;
  }
  clockwork_.sweepAt = begin;
  clockwork_.sweepLeft -= std::min(width, clockwork_.sweepLeft);
}

/** Of the chain, what is gone and has its hash there. */
void Store::takeGone(Bucket& first, uint64_t begin, uint64_t last) {
  const auto wanted = [&](const Item& item) {
    if (!gone(item)) return false;
    const uint64_t at = reversed(itemKeyHash(item));
    return begin <= at && at <= last;
  };
  for (;;) {
    const Place place = index_.search(first, wanted);
    if (place.item == nullptr) return;
    take(place);
    ++losses_.reclaimed;
  }
}

/** Moves the hand on until something went. False when there is nothing. */
bool Store::evictOne() {
  if (index_.items() == 0) return false;
  for (uint32_t spared = 0;;) {
    const Range range = index_.rangeAt(clockwork_.hand);
    prefetchItems(*range.first);
    uint64_t next = UINT64_MAX;
    bool found = false;
    index_.search(*range.first, [&](const Item& item) {
      const uint64_t at = reversed(itemKeyHash(item));
      if (at < clockwork_.hand) return false;
      next = std::min(next, at);
      found = true;
      return false;
    });
    if (!found) {
      clockwork_.hand = range.last + 1;
      prefetch(index_.rangeAt(clockwork_.hand).first);
      continue;
    }
    clockwork_.hand = next + 1;
    if (passHand(*range.first, next, spared)) return true;
  }
}

/** The hand passes the items with that hash, nearly always one. Whether any went. */
bool Store::passHand(Bucket& first, uint64_t at, uint32_t& spared) {
  const uint32_t enough = spared / SPARED_MAX * state::ONE_USE;
  const auto here = [&](const Item& item) { return reversed(itemKeyHash(item)) == at; };
  const auto goes = [&](const Item& item) {
    return here(item) && (gone(item) || (item.state() & state::USES) <= enough);
  };
  bool any = false;
  for (;;) {
    const Place place = index_.search(first, goes);
    if (place.item == nullptr) break;
    ++(gone(*place.item) ? losses_.reclaimed : losses_.evicted);
    take(place);
    any = true;
  }
  index_.search(first, [&](Item& item) {
    if (here(item)) {
      change(first, item, item.expiry(), item.state() - state::ONE_USE);
      ++spared;
    }
    return false;
  });
  return any;
}

void Store::used(uint64_t hash) {
  Bucket& first = index_.bucketOf(hash);
  index_.search(first, [&](Item& item) {
    if (itemKeyHash(item) != hash || gone(item)) return false;
    uint32_t state = item.state() | state::FETCHED;
    if (evict_ && (state & state::USES) != state::USES) state += state::ONE_USE;
    change(first, item, item.expiry(), state);
    return false;
  });
}

}  // namespace mica
