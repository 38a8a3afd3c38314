/** The two calls of etcd's gRPC interface that the load makes, in the bytes of gRPC and protocol buffers. */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/** A gRPC message: a PutRequest of key and value. */
std::string putRequest(std::string_view key, std::string_view value);
/**
 * A RangeRequest of one key, serializable: answered by the server that is asked, as ZooKeeper and zabkv do. Without
 * that etcd asks a quorum for every read.
 */
std::string rangeRequest(std::string_view key);

}  // namespace bench
