/** A cluster's name as HEADER.cluster carries it: FNV-1a over its UTF-16 code units, never zero. */
export function clusterHash(name: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0
  }
  return hash === 0 ? 1 : hash
}
