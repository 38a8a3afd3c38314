#include "machine/packer.h"

#include "machine/assert.h"

namespace machine {

void Packer::begin(uint32_t offset, uint32_t bytes, uint64_t forwardSequence, bool refusing) {
  require(!dirty_ && count_ == 0, "packer: a span begins after the one before it ended");
  require(offset % 4 == 0, "packer: a span is aligned");
  at_ = offset;
  end_ = uint64_t{offset} + bytes;
  used_ = wire::BODY_OFFSET;
  operations_ = 0;
  forwardSequence_ = forwardSequence;
  require(!refusing || forwardSequence == 0, "packer: only who orders refuses");
  refusing_ = refusing;
}

uint8_t* Packer::copyRefusing(uint8_t* out, const uint8_t* at, size_t bytes) {
  constexpr wire::Operation REFUSED{wire::op::REFUSED, 0, 0};
  for (const uint8_t* const end = at + bytes; at != end;) {
    const auto head = wire::load<wire::Operation>(at);
    const uint32_t size = operationBytes(head);
    const bool refused = needsRoom(head.kind);
    if (refused) {
      wire::store(out, REFUSED);
    } else {
      std::memcpy(out, at, size);
    }
    out += refused ? sizeof REFUSED : size;
    at += size;
  }
  return out;
}

void Packer::closeFull() {
  require(dirty_, "packer: a record fits an empty entry");
  close(datagramBytes_);
  require(end_ - at_ >= datagramBytes_ && count_ < rowsMax_, "packer: hasRoom was asked before");
}

void Packer::close(uint32_t bytes) {
  require(count_ < rowsMax_, "packer: there is a row for every entry");
  // The tag and the padding go over the wire: they must not carry what lay here before.
  std::memset(entry() + used_, 0, bytes - used_);
  uint32_t* const row = rows_ + size_t{count_++} * ROW_WORDS;
  row[0] = static_cast<uint32_t>(at_);
  row[1] = bytes;
  row[2] = used_ + wire::TAG_BYTES;
  row[3] = operations_;
  counters_.add(counter::ENTRIES_PACKED, 1);
  at_ += bytes;
  used_ = wire::BODY_OFFSET;
  operations_ = 0;
  dirty_ = false;
  if (forwardSequence_ != 0) ++forwardSequence_;
}

uint32_t Packer::end() {
  if (dirty_) {
    const uint32_t length = used_ + wire::TAG_BYTES;
    close((length + wire::DATAGRAM_ALIGN - 1) / wire::DATAGRAM_ALIGN * wire::DATAGRAM_ALIGN);
  }
  const uint32_t count = count_;
  count_ = 0;
  at_ = end_ = 0;
  return count;
}

}  // namespace machine
